// Capture data in memory: however many readings carry something of their own, the table stays small and answers from the disk.

import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { type CaptureData, CaptureTable } from '../../../src/store/leveldb/captures.ts'
import { reading } from '../reading.ts'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** Bytes held by heap and buffers. */
function held(): number {
  collect()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

test('a hundred thousand readings with correlation data of their own keep little in memory, and all are found', () => {
  const disk: string[] = []
  const table = new CaptureTable((id) => disk[id])
  const kept: Buffer[] = []
  let wrong = 0
  const before = held()
  for (let n = 0; n < 100_000; n++) {
    const properties = { correlationData: Buffer.from(`request ${n}`) }
    const id = table.idOf(reading({ topic: 't', clientId: `client ${n % 5000}`, properties }))
    // Like a payload on its way: small buffers of one time share a slab.
    kept[n % 100] = Buffer.from('x'.repeat(500))
    for (const [fresh, text] of table.fresh) disk[fresh] = text
    table.saved(table.fresh.size)
    if (table.get(id)?.properties?.correlationData?.equals(properties.correlationData) !== true) wrong++
  }
  expect(wrong).toBe(0)
  const texts = disk.reduce((sum, text) => sum + text.length, 0)
  expect(held() - before - texts).toBeLessThan(40 * 2 ** 20)
  const first: CaptureData | undefined = table.get(0)
  expect(first).toMatchObject({
    clientId: 'client 0',
    properties: { correlationData: Buffer.from('request 0') },
  })
})

test('capture data that was not saved is found, and goes to the disk with the next batch', () => {
  const table = new CaptureTable(() => undefined)
  const a = table.idOf(reading({ topic: 't', clientId: 'a' }))
  const b = table.idOf(reading({ topic: 't', clientId: 'b' }))
  table.saved(1)
  expect([...table.fresh.keys()]).toEqual([b])
  expect(table.get(b)?.clientId).toBe('b')
  expect(table.get(a)).toBeUndefined()
})
