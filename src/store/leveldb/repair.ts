// Mends a store that nobody has open, as far as it can be: files that LevelDB refuses, then records that can be made again from
// others. What cannot be mended is set aside under its own key, and nothing is thrown away.

import { Level } from 'level'
import { AppError } from '../../domain/errors.ts'
import type { Log } from '../../ops/log.ts'
import { isShape } from './block/shape.ts'
import { Shapes } from './block/shapes.ts'
import { expectStore } from './check.ts'
import { type Database, openDatabase } from './database.ts'
import { openLevelStore } from './engine.ts'
import { decodeFrame, encodeFrame } from './frame.ts'
import { kindRange, nameKey, readBlockKey, readId } from './keys.ts'
import { mendBlockIndex } from './mend.ts'
import type { LevelOptions } from './options.ts'
import { loadShapes } from './shapeTable.ts'
import { decodeTopic } from './topicRecord.ts'

/** Throws what opening throws when even that does not help. */
export async function repairStore(options: LevelOptions, { log }: { log: Log }): Promise<void> {
  await expectStore(options.path)
  try {
    await mendRecords(options, log)
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'store_corrupt') throw error
    log.warn(`${error.message}; LevelDB makes its files again from the tables that are whole`)
    // The declarations of `level` name only what every platform has; on Node it is classic-level.
    await (Level as typeof Level & { repair(path: string): Promise<void> }).repair(options.path)
    await mendRecords(options, log)
  }
}

/** Opening makes indexes and topics again from what else is stored, and sets aside what is lost. */
async function mendRecords(options: LevelOptions, log: Log): Promise<void> {
  await mendCopies(options.path, log)
  const store = await openLevelStore(options, { log })
  await store.close()
}

/** What is stored twice and damaged once is written again from the other copy. */
async function mendCopies(path: string, log: Log): Promise<void> {
  const db = await openDatabase(path)
  try {
    const batch = db.batch()
    const pairs = [
      { kinds: ['C', 'c'], isWhole: (record: Buffer) => decodeFrame(record) !== null },
      { kinds: ['H', 'h'], isWhole: isShape },
    ]
    for (const { kinds, isWhole } of pairs) {
      for (const letter of kinds) {
        for await (const [key, record] of db.iterator({ ...kindRange(letter), fillCache: false })) {
          if (!isWhole(record)) continue
          const copy = otherCopy(key)
          const other = db.getSync(copy)
          if (other === undefined || !isWhole(other)) batch.put(copy, record)
        }
      }
    }
    for await (const [key, record] of db.iterator({ ...kindRange('T'), fillCache: false })) {
      const topic = decodeTopic(record)
      const name = nameKey(readId(key))
      const copy = db.getSync(name)
      if (topic && (copy === undefined || decodeFrame(copy) === null)) {
        batch.put(name, encodeFrame(Buffer.from(topic.name)))
      }
    }
    if (batch.length > 0) log.warn({ records: batch.length }, 'written again from their other copies')
    await batch.write({ sync: true })
    await mendIndexes(db, log)
  } finally {
    await db.close()
  }
}

/** The key of the second copy, or of the first. */
function otherCopy(key: Buffer): Buffer {
  const other = Buffer.from(key)
  other[0] = (key[0] ?? 0) ^ 32
  return other
}

/** A block without an index is not found by any query. */
async function mendIndexes(db: Database, log: Log): Promise<void> {
  const shapes = new Shapes()
  loadShapes(db, shapes)
  for await (const key of db.keys({ ...kindRange('B'), fillCache: false })) {
    const index = Buffer.from(key)
    index[0] = 'I'.charCodeAt(0)
    if (db.getSync(index) !== undefined || !(await mendBlockIndex(db, shapes, index))) continue
    const { topicId, tmin } = readBlockKey(key)
    log.warn({ topicId, from: new Date(tmin).toISOString() }, 'a block had no index, and has one again')
  }
}
