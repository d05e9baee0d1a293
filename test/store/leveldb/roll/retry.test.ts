// A roll of several batches of which a later one fails, and the roll that follows it.

import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openBlock } from '../../../../src/store/leveldb/block/open.ts'
import { Shapes } from '../../../../src/store/leveldb/block/shapes.ts'
import { type Database, openDatabase } from '../../../../src/store/leveldb/database.ts'
import { Directory } from '../../../../src/store/leveldb/directory.ts'
import { Epoch } from '../../../../src/store/leveldb/hot/epoch.ts'
import { blockKey, topicKey } from '../../../../src/store/leveldb/keys.ts'
import { type Batch, rollEpoch } from '../../../../src/store/leveldb/roll/roll.ts'
import { decodeTopic, encodeTopic, newTopic } from '../../../../src/store/leveldb/topicRecord.ts'

let path: string
let db: Database
const shapes = new Shapes()
beforeEach(async () => {
  path = mkdtempSync(join(tmpdir(), 'amber-retry-'))
  db = await openDatabase(path)
})
afterEach(async () => {
  await db.close()
  rmSync(path, { recursive: true })
})

interface Given {
  topicId: number
  time: number
  bytes: number
}

/** An epoch with these rows, their numbers from `first`. */
function epochOf(first: number, given: readonly Given[]): { epoch: Epoch; payloads: Map<number, Buffer> } {
  const epoch = new Epoch()
  const payloads = new Map<number, Buffer>()
  for (const [i, { topicId, time, bytes }] of given.entries()) {
    const payload = randomBytes(bytes)
    payloads.set(first + i, payload)
    const row = { receivedAt: time, captureId: 0, fields: new Uint8Array(0), payload }
    epoch.stage({ ...row, topicId, time, seq: first + i })
  }
  epoch.show(epoch.staged, () => undefined)
  return { epoch, payloads }
}

const roll = (epoch: Epoch, directory: Directory, write: (batch: Batch) => Promise<void>) => {
  const context = { db, shapes, beforeWrite: async () => {}, onReplaced: () => {}, pause: async () => {} }
  return rollEpoch({ ...context, directory, write }, { rows: epoch.rows, end: epoch.staged, segments: [] })
}
const write = (batch: Batch): Promise<void> => batch.write({ sync: true })

test('what an earlier batch of a failed roll has written is neither doubled nor lost', async () => {
  for (const id of [0, 1]) await db.put(topicKey(id), encodeTopic(newTopic(`t/${id}`)))
  const first = epochOf(
    1,
    [0, 1, 0, 1].map((topicId, i) => ({ topicId, time: 1000 + i * 10, bytes: 20 })),
  )
  const before = await roll(first.epoch, new Directory(), write)

  // Late ones among them: the blocks of before are written again. Topic 0 alone fills a batch.
  const second = epochOf(101, [
    ...Array.from({ length: 20 }, (_, i) => ({ topicId: 0, time: 995 + i * 3, bytes: 2 ** 20 })),
    ...Array.from({ length: 5 }, (_, i) => ({ topicId: 1, time: 995 + i * 20, bytes: 20 })),
  ])
  let batches = 0
  const failing = roll(second.epoch, before, async (batch) => {
    if (++batches > 1) throw new Error('No space left on device')
    await write(batch)
  })
  await expect(failing).rejects.toThrow('No space left')
  expect(batches).toBe(2)

  const after = await roll(second.epoch, before, write)
  const wanted = new Map([...first.payloads, ...second.payloads])
  const found = new Map<number, Buffer>()
  for (const topicId of [0, 1]) {
    let count = 0
    for (const entry of after.entries(topicId)) {
      const record = db.getSync(blockKey(topicId, entry.tmin, entry.seq))
      const rows = openBlock(record!, shapes).rows(0, entry.count)
      for (let row = 0; row < rows.count; row++) {
        const at = rows.offsets[row]!
        expect(found.has(rows.seqs[row]!)).toBe(false)
        found.set(rows.seqs[row]!, Buffer.from(rows.bytes.subarray(at, at + rows.lengths[row]!)))
      }
      count += rows.count
    }
    expect(decodeTopic(db.getSync(topicKey(topicId)))?.readings).toBe(count)
  }
  expect(found.size).toBe(29)
  for (const [seq, payload] of wanted) expect(found.get(seq)?.equals(payload)).toBe(true)
})
