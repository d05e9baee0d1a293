import { expect, test } from 'vitest'
import { WriteGate } from '../../../src/store/leveldb/writeGate.ts'

test('one writes at a time, in the order of asking', async () => {
  const gate = new WriteGate(() => undefined)
  const order: string[] = []
  let inside = 0
  const write = async (name: string): Promise<void> => {
    await gate.entered()
    expect(++inside).toBe(1)
    order.push(name)
    await new Promise((resolve) => setImmediate(resolve))
    inside--
    gate.leave()
  }
  await Promise.all(['a', 'b', 'c', 'd'].map(write))
  expect(order).toEqual(['a', 'b', 'c', 'd'])
})

test('after a failed write nobody enters, not even who waits, until it is mended', async () => {
  const told: unknown[] = []
  const gate = new WriteGate((error) => told.push(error))
  await gate.entered()
  const waiting = gate.entered()
  gate.fail('full')
  await expect(waiting).rejects.toMatchObject({ code: 'store_unavailable' })
  await expect(gate.entered()).rejects.toMatchObject({ code: 'store_unavailable' })
  expect(told).toEqual(['full'])
  gate.mend()
  await gate.entered()
  gate.break()
  expect(told).toEqual(['full'])
})
