// Takes readings out of blocks for good: whole blocks go, a block that is hit in part is written again without them. What is
// in the log is rolled before; the space is given back by compacting the range.

import { AppError } from '../../../domain/errors.ts'
import { readIndexExtent } from '../block/blockindex.ts'
import { compactRange, type Database } from '../database.ts'
import type { BlockEntry, Directory } from '../directory.ts'
import { blockKey, indexKey, topicKey } from '../keys.ts'
import { decodeTopic, encodeTopic, type StoredTopic } from '../topicRecord.ts'
import { damagedBlock } from '../view.ts'
import { cut, type Piece } from './place.ts'
import { BlockWriter, readingAt, type RollContext } from './roll.ts'
import { filterRows } from './rowsets.ts'

export interface RemoveInput {
  topicIds: Uint32Array
  /** Milliseconds; `from` ≤ time < `to`. */
  from: number
  to: number
  /** Counts, and changes nothing. */
  isDryRun: boolean
  /** A block that is hit in part stays whole when the part is shorter, so that retention does not write it again and again. */
  slackMs: number
}

export interface RemoveResult {
  directory: Directory
  readings: number
  bytes: number
  /** Topics that have lost readings. */
  topicIds: number[]
}

const batchBytes = 16 * 2 ** 20

export async function removeRows(context: RollContext, input: RemoveInput): Promise<RemoveResult> {
  const { db, directory, pause } = context
  const writer = new BlockWriter(context)
  const changes = new Map<number, readonly BlockEntry[]>()
  let readings = 0
  let bytes = 0
  for (const topicId of input.topicIds) {
    const before = directory.entries(topicId)
    const found = withoutRows(context, writer, { topicId, before }, input)
    if (found.readings > 0) {
      readings += found.readings
      bytes += found.bytes
      if (!input.isDryRun) {
        const topic = decodeTopic(db.getSync(topicKey(topicId)))
        if (!topic) throw new AppError('store_corrupt', `the record of topic number ${topicId} is damaged`)
        const entries = writer.replace(topicId, before, found.pieces)
        changes.set(topicId, entries)
        writer.put(topicKey(topicId), encodeTopic(without(topic, found, entries, input)))
        if (writer.bytes >= batchBytes) await writer.flush()
      }
    }
    await pause()
  }
  const topicIds = [...changes.keys()]
  if (topicIds.length > 0) await writer.flush()
  return { directory: directory.with(changes), readings, bytes, topicIds }
}

/** Gives the space of removed blocks back. */
export async function compactTopics(db: Database, topicIds: readonly number[]): Promise<void> {
  let first = Number.POSITIVE_INFINITY
  let last = -1
  for (const id of topicIds) {
    first = Math.min(first, id)
    last = Math.max(last, id)
  }
  if (last < 0) return
  await compactRange(db, blockKey(first, 0, 0), blockKey(last + 1, 0, 0))
  await compactRange(db, indexKey(first, 0, 0), indexKey(last + 1, 0, 0))
}

interface Found {
  pieces: Piece[]
  readings: number
  bytes: number
  /** The newest reading that is left, when blocks had to be opened for it. */
  newest: (Pick<StoredTopic, 'lastTime' | 'newestSeq' | 'newest'> & { entryTmin: number }) | null
}

function withoutRows(
  context: RollContext,
  writer: BlockWriter,
  { topicId, before }: { topicId: number; before: readonly BlockEntry[] },
  input: RemoveInput,
): Found {
  const { from, to, slackMs, isDryRun } = input
  const found: Found = { pieces: [], readings: 0, bytes: 0, newest: null }
  for (const entry of before) {
    const isOutside = entry.tmax < from || entry.tmin >= to
    const isInside = entry.tmin >= from && entry.tmax < to
    const hitMs = Math.min(entry.tmax + 1, to) - Math.max(entry.tmin, from)
    if (isOutside || (!isInside && hitMs < slackMs)) {
      found.pieces.push({ kept: entry })
      continue
    }
    if (isInside) {
      found.readings += entry.count
      found.bytes += payloadBytes(context, topicId, entry)
      continue
    }
    const rows = writer.read(topicId, entry)
    // Nobody can say which of its readings are meant.
    if (!rows) throw damagedBlock(context.db, topicId, entry)
    const left = filterRows(rows, (row) => rows.times[row]! < from || rows.times[row]! >= to)
    const gone = filterRows(rows, (row) => rows.times[row]! >= from && rows.times[row]! < to)
    if (gone.count === 0) {
      found.pieces.push({ kept: entry })
      continue
    }
    found.readings += gone.count
    found.bytes += gone.lengths.reduce((sum, length) => sum + length, 0)
    if (!isDryRun) found.pieces.push(...cut(left))
  }
  if (!isDryRun && found.readings > 0) found.newest = newestOf(writer, topicId, found.pieces)
  return found
}

function payloadBytes({ db }: RollContext, topicId: number, { tmin, seq }: BlockEntry): number {
  const record = db.getSync(indexKey(topicId, tmin, seq))
  return record ? (readIndexExtent(record)?.payloadBytes ?? 0) : 0
}

function newestOf(writer: BlockWriter, topicId: number, pieces: readonly Piece[]): Found['newest'] {
  const last = pieces.at(-1)
  if (!last) return null
  const rows = 'kept' in last ? writer.read(topicId, last.kept) : last.rows
  if (!rows) return null
  const at = rows.count - 1
  return {
    lastTime: rows.times[at]!,
    newestSeq: rows.seqs[at]!,
    newest: readingAt(rows, at),
    entryTmin: rows.times[0]!,
  }
}

function without(
  topic: StoredTopic,
  { readings, bytes, newest }: Found,
  entries: readonly BlockEntry[],
  { from, to }: RemoveInput,
): StoredTopic {
  const isNewestGone = topic.lastTime >= from && topic.lastTime < to
  return {
    ...topic,
    readings: topic.readings - readings,
    bytes: topic.bytes - bytes,
    firstTime: entries[0]?.tmin ?? 0,
    ...(isNewestGone
      ? {
          lastTime: newest?.lastTime ?? 0,
          newestSeq: newest?.newestSeq ?? 0,
          newest: newest?.newest ?? null,
        }
      : {}),
  }
}
