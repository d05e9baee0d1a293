import { expect, test } from 'vitest'
import { createLifecycle } from '../../src/ops/lifecycle.ts'
import { createLog } from '../../src/ops/log.ts'

const log = createLog({ level: 'silent', format: 'json' })

test('stops in mirror order', async () => {
  const order: string[] = []
  const lifecycle = createLifecycle({ log })
  for (const name of ['auth', 'store', 'broker']) lifecycle.add(name, async () => void order.push(name))
  await lifecycle.stop()
  expect(order).toEqual(['broker', 'store', 'auth'])
})

test('a part that fails to stop does not keep the others running', async () => {
  const order: string[] = []
  const lifecycle = createLifecycle({ log })
  lifecycle.add('store', async () => void order.push('store'))
  lifecycle.add('broker', () => Promise.reject(new Error('stuck')))
  await lifecycle.stop()
  expect(order).toEqual(['store'])
})

test('stops once, however often it is asked', async () => {
  let stops = 0
  const lifecycle = createLifecycle({ log })
  lifecycle.add('store', async () => void stops++)
  await Promise.all([lifecycle.stop(), lifecycle.stop()])
  expect(stops).toBe(1)
})
