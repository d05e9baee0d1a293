// Makes damaged records again from what else is stored: an index from its block, a topic's record from its blocks and the
// second copy of its name. Nothing is invented: what cannot be known stays missing.

import { AppError } from '../../domain/errors.ts'
import { encodeBlock } from './block/block.ts'
import { readIndexExtent } from './block/blockindex.ts'
import type { BlockExtent } from './block/extent.ts'
import { openBlock } from './block/open.ts'
import type { Rows } from './block/rows.ts'
import type { Shapes } from './block/shapes.ts'
import type { Database } from './database.ts'
import type { BlockEntry } from './directory.ts'
import { decodeFrame } from './frame.ts'
import { blockKey, indexKey, nameKey, topicKey } from './keys.ts'
import { readingAt } from './roll/roll.ts'
import { encodeTopic, newTopic, type StoredTopic } from './topicRecord.ts'

/** Writes the index of a block again; its extent, or `null` when the block is damaged too. */
export async function mendBlockIndex(db: Database, shapes: Shapes, key: Buffer): Promise<BlockExtent | null> {
  const ofBlock = Buffer.from(key)
  ofBlock[0] = 'B'.charCodeAt(0)
  const rows = readRows(db, shapes, ofBlock)
  if (!rows) return null
  const { index } = encodeBlock(rows, 0, rows.count, shapes)
  await db.batch().put(key, index).write({ sync: true })
  return readIndexExtent(index)
}

/** Writes a topic's record again, from its blocks. */
export async function mendTopic(
  db: Database,
  shapes: Shapes,
  id: number,
  entries: readonly BlockEntry[],
): Promise<StoredTopic> {
  const topic = newTopic(readName(db, id))
  for (const entry of entries) {
    topic.readings += entry.count
    topic.seqMax = Math.max(topic.seqMax, entry.seqMax)
    const index = db.getSync(indexKey(id, entry.tmin, entry.seq))
    topic.bytes += (index && readIndexExtent(index)?.payloadBytes) ?? 0
  }
  topic.firstTime = entries[0]?.tmin ?? 0
  const last = entries.at(-1)
  const rows = last && readRows(db, shapes, blockKey(id, last.tmin, last.seq))
  if (rows) {
    topic.lastTime = rows.times[rows.count - 1]!
    topic.newestSeq = rows.seqs[rows.count - 1]!
    topic.newest = readingAt(rows, rows.count - 1)
  }
  await db.batch().put(topicKey(id), encodeTopic(topic)).write({ sync: true })
  return topic
}

/** The name of a topic from the second copy of it. */
export function readName(db: Database, id: number): string {
  const record = db.getSync(nameKey(id))
  return (record && decodeFrame(record))?.toString() ?? `damaged/topic-${id}`
}

function readRows(db: Database, shapes: Shapes, key: Buffer): Rows | null {
  const record = db.getSync(key)
  try {
    if (!record) return null
    const block = openBlock(record, shapes)
    return block.rows(0, block.count)
  } catch (error) {
    if (error instanceof AppError && error.code === 'store_corrupt') return null
    throw error
  }
}
