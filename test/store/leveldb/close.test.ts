// A store that is closed in the middle of a roll: what is in no block then is in the log, and everything is there once it is opened.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createLog } from '../../../src/ops/log.ts'
import { openLevelStore } from '../../../src/store/leveldb/engine.ts'
import type { ReadingStore } from '../../../src/store/store.ts'
import { append, collect, reading } from '../reading.ts'

const log = createLog({ level: 'error', format: 'json' })

/** More than are rolled without a thread. */
const count = 17_000

const open = (path: string, closeRollMs: number): Promise<ReadingStore> =>
  openLevelStore(
    {
      path,
      durability: 'fsync',
      max_pending_bytes: 64 * 2 ** 20,
      max_bytes: 0,
      memory: 'normal',
      retention: () => [],
      closeRollMs,
    },
    { log },
  )

test.each([0, 50, 60_000])('closed %i ms into a roll, a store has everything once', async (ms) => {
  const path = mkdtempSync(join(tmpdir(), 'amber-close-'))
  const seqs: number[] = []
  for (let round = 0; round < 2; round++) {
    const store = await open(path, ms)
    const all: Promise<number>[] = []
    for (let i = 0; i < count; i++) {
      const time = 1000 + round * count + i
      all.push(append(store, reading({ topic: `t/${i % 1000}`, time, payload: Buffer.from(String(i)) })))
    }
    seqs.push(...(await Promise.all(all)))
    await store.close()
  }
  const store = await open(path, 60_000)
  const found = await collect(store)
  expect(found.map(({ seq }) => seq).toSorted((a, b) => a - b)).toEqual(seqs)
  expect(found.every(({ payload, time }) => Number(String(payload)) === (time - 1000) % count)).toBe(true)
  expect(store.status.readings).toBe(2 * count)
  await store.close()
  rmSync(path, { recursive: true, force: true })
})
