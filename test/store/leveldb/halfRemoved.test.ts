// A removal that fails between two batches: what is gone is gone, what is left is read, at once and after the next start.

import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Level } from 'level'
import { afterEach, expect, test } from 'vitest'
import { createLog } from '../../../src/ops/log.ts'
import { openLevelStore } from '../../../src/store/leveldb/engine.ts'
import { readBlockKey } from '../../../src/store/leveldb/keys.ts'
import type { ReadingStore } from '../../../src/store/store.ts'
import { storeConfig } from '../faults/storeConfig.ts'
import { append, collect } from '../reading.ts'

const path = mkdtempSync(join(tmpdir(), 'amber-half-'))
afterEach(() => rmSync(path, { recursive: true, force: true }))
const log = createLog({ level: 'silent', format: 'json' })
const whole = Array.from({ length: 8 }, (_, n) => `t/${n}`)
const open = (): Promise<ReadingStore> => openLevelStore({ ...storeConfig, path }, { log })

test('topics whose batch was written before a damaged block was met are as they are on the disk', async () => {
  const first = await open()
  // What is left of the blocks of eight topics fills a batch; the ninth comes after it.
  for (const topic of [...whole, 't/8']) {
    for (let n = 0; n < 8; n++) await append(first, { topic, time: 1000 + n, payload: randomBytes(950_000) })
  }
  await first.close()
  const db = new Level<Buffer, Buffer>(path, { keyEncoding: 'buffer', valueEncoding: 'buffer' })
  const blocks = (await db.keys().all()).filter((key) => key[0] === 'B'.charCodeAt(0))
  const first8 = blocks.find((key) => readBlockKey(key).topicId === 8)!
  const record = Buffer.from((await db.get(first8)) ?? '')
  record[record.length >> 1]! ^= 4
  await db.put(first8, record)
  await db.close()

  const store = await open()
  const query = { filters: ['t/#'], from: 1000, to: 1001, isDryRun: false }
  await expect(store.remove(query)).rejects.toMatchObject({ code: 'store_corrupt' })
  const look = async (from: ReadingStore) => {
    const left = await collect(from, { filters: whole })
    const infos = await from.topics({ filters: whole, limit: 9 })
    return {
      times: left.map(({ topic, time }) => `${topic} ${time}`),
      counts: infos.map((one) => one.readings),
    }
  }
  const found = await look(store)
  expect(found.counts).toEqual(whole.map(() => 7))
  expect(found.times).toHaveLength(56)
  expect(found.times.some((text) => text.endsWith(' 1000'))).toBe(false)
  await store.close()
  const again = await open()
  expect(await look(again)).toEqual(found)
  await again.close()
})
