import { expect, test } from 'vitest'
import { createGate } from '../../src/auth/gate.ts'

test('never more than the allowed number runs, and everything runs', async () => {
  const gate = createGate({ concurrency: 3, waitingMax: 5000 })
  let running = 0
  let most = 0
  const done: number[] = []
  const job = (index: number) =>
    gate.run(async () => {
      running++
      most = Math.max(most, running)
      await Promise.resolve()
      running--
      done.push(index)
    })
  await Promise.all(Array.from({ length: 4000 }, (_, index) => job(index)))
  expect(most).toBe(3)
  expect(done).toEqual(Array.from({ length: 4000 }, (_, index) => index))
})

test('a failing job gives its turn on', async () => {
  const gate = createGate({ concurrency: 1, waitingMax: 10 })
  const failed = gate.run(() => Promise.reject(new Error('broken')))
  const next = gate.run(() => Promise.resolve('next'))
  await expect(failed).rejects.toThrow('broken')
  await expect(next).resolves.toBe('next')
})

test('what finds the line full is refused as rate_limited, and there is room again later', async () => {
  const gate = createGate({ concurrency: 1, waitingMax: 1 })
  let release: () => void = () => undefined
  const first = gate.run(() => new Promise<void>((resolve) => (release = resolve)))
  const second = gate.run(() => Promise.resolve())
  await expect(gate.run(() => Promise.resolve())).rejects.toMatchObject({ code: 'rate_limited' })
  release()
  await Promise.all([first, second])
  await expect(gate.run(() => Promise.resolve('room'))).resolves.toBe('room')
})
