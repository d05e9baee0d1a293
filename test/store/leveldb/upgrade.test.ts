import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { Level } from 'level'
import { expect, test } from 'vitest'
import { createLog } from '../../../src/ops/log.ts'
import { checkStore } from '../../../src/store/leveldb/check.ts'
import { openLevelStore } from '../../../src/store/leveldb/engine.ts'
import type { ReadingStore } from '../../../src/store/store.ts'
import { copyCrashed } from '../crashImage.ts'
import { storeConfig } from '../faults/storeConfig.ts'
import { append, collect } from '../reading.ts'

const log = createLog({ level: 'silent', format: 'json' })
const openAt = (path: string): Promise<ReadingStore> => openLevelStore({ ...storeConfig, path }, { log })
const isSealed = (letter: string): boolean => 'BIHh'.includes(letter)
const isFramed = (letter: string): boolean => 'LTNCc'.includes(letter)

/** Every record as format 2 wrote it: its numbers counted up, its checksums did not tell the version. */
async function toFormat2(path: string): Promise<Map<string, number>> {
  const db = new Level<Buffer, Buffer>(path, { keyEncoding: 'buffer', valueEncoding: 'buffer' })
  const kinds = new Map<string, number>()
  for (const [key, value] of await db.iterator().all()) {
    const letter = String.fromCharCode(key[0]!)
    kinds.set(letter, (kinds.get(letter) ?? 0) + 1)
    const old = Buffer.from(letter === 'V' ? '2' : value)
    if (isSealed(letter)) {
      old[0] = 1
      old.writeUInt32LE(crc32(old.subarray(5), letter.toUpperCase().charCodeAt(0)), 1)
    } else if (isFramed(letter)) {
      old[0] = 2
      old.writeUInt32BE(crc32(old.subarray(5)), 1)
    }
    await db.put(key, old)
  }
  await db.close()
  return kinds
}

test('a store of format 2, blocks and log, reads as it did and goes on with numbers of the clock', async () => {
  const home = mkdtempSync(join(tmpdir(), 'amber-upgrade-'))
  const first = await openAt(join(home, 'first'))
  // With a clock that stands at 0 numbers count up, as they did.
  const send = (n: number, receivedAt = 0): Promise<number> =>
    append(first, {
      topic: `plant/${n % 7}`,
      time: 5000 - n,
      receivedAt,
      payload: Buffer.from(`{"n":${n}}`),
      ...(n % 5 === 0 ? { fields: { n: n * 2 } } : {}),
    })
  const seqs: number[] = []
  for (let n = 0; n < 400; n++) seqs.push(await send(n))
  await (first as ReadingStore & { roll(): Promise<void> }).roll()
  for (let n = 400; n < 500; n++) seqs.push(await send(n))
  expect(seqs).toEqual(Array.from({ length: 500 }, (_, n) => n + 1))
  const before = await collect(first)
  const path = await copyCrashed(join(home, 'first'))
  await first.close()

  const kinds = await toFormat2(path)
  expect([...kinds.keys()]).toEqual(expect.arrayContaining(['B', 'I', 'H', 'L', 'T', 'N', 'C', 'V']))
  expect((await checkStore(path)).faults).toEqual([])
  const upgraded = await openAt(path)
  expect(await collect(upgraded)).toEqual(before)
  const now = 1_764_000_000_000
  const next = { topic: 'plant/0', time: now, receivedAt: now }
  expect(await append(upgraded, next)).toBe(now * 1024)
  const after = await collect(upgraded)
  await upgraded.close()

  const again = await openAt(path)
  expect(await collect(again)).toEqual(after)
  expect(after.length).toBe(501)
  await again.close()
  expect((await checkStore(path)).faults).toEqual([])
  rmSync(path, { recursive: true })
  rmSync(home, { recursive: true })
})
