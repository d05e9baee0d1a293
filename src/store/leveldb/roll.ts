// From rows to blocks: sorts an epoch by topic and time, merges late readings into the blocks they belong to, and
// writes blocks, indexes and topic records in one atomic batch that also deletes the log. Recovery is the same function.

import { setImmediate as nextTurn } from 'node:timers/promises'
import { AppError } from '../../domain/errors.ts'
import { ByteReader, ByteWriter } from './binary.ts'
import type { Database } from './database.ts'
import { decodeFrame, encodeFrame } from './frame.ts'
import type { HotRows } from './hot.ts'
import { blockKey, indexKey, segmentKey, topicKey } from './keys.ts'
import { byTime, decodeRows, encodeRows, type Row } from './row.ts'
import { type BlockEntry, countRow, encodeTopic, type Stats, type Topic, type TopicTable } from './topics.ts'

/** Readings in a full block. */
export const blockRowsMax = 1024

const turnMs = 5

/** New block lists and counts by topic, to be put in force in one tick with the epoch's end. */
export type Rolled = Map<Topic, { blocks: readonly BlockEntry[]; rolled: Stats }>

/** Writes the blocks of `hot`. Gives way to the loop every few milliseconds. */
export async function rollRows(db: Database, topics: TopicTable, hot: HotRows): Promise<Rolled> {
  const rolled: Rolled = new Map()
  const batch = db.batch()
  let turn = performance.now()
  for (const id of hot.topicIds()) {
    const topic = topics.byId(id)
    if (!topic)
      throw new AppError('store_corrupt', `the log speaks of topic number ${id}, which has no record`)
    const before = topic.blocks
    const fresh = hot.sorted(id)
    const after = mergeRows(db, topic, fresh)
    const stats = { ...topic.rolled }
    for (const row of fresh) countRow(stats, row)
    const kept = new Set(after.map(({ entry }) => entry))
    for (const entry of before) {
      if (kept.has(entry)) continue
      batch.del(blockKey(id, entry.tmin, entry.seq))
      batch.del(indexKey(id, entry.tmin, entry.seq))
    }
    for (const { entry, rows } of after) {
      if (!rows) continue
      batch.put(blockKey(id, entry.tmin, entry.seq), encodeFrame(encodeRows(rows)))
      batch.put(indexKey(id, entry.tmin, entry.seq), encodeFrame(encodeIndex(entry)))
    }
    batch.put(topicKey(id), encodeFrame(encodeTopic(topic.name, stats)))
    rolled.set(topic, { blocks: after.map(({ entry }) => entry), rolled: stats })
    if (performance.now() - turn > turnMs) {
      await nextTurn()
      turn = performance.now()
    }
  }
  for (const seq of hot.segments) batch.del(segmentKey(seq))
  await batch.write({ sync: true })
  return rolled
}

interface Piece {
  entry: BlockEntry
  /** Only when the block is new or written again. */
  rows?: Row[]
}

/** The block list of a topic once `fresh` (in order) is in it; late rows open only the blocks they fall into. */
function mergeRows(db: Database, topic: Topic, fresh: Row[]): Piece[] {
  const groups = new Map<number, Row[]>()
  for (const row of fresh) {
    const at = homeOf(topic.blocks, row.time)
    const group = groups.get(at)
    if (group) group.push(row)
    else groups.set(at, [row])
  }
  const pieces: Piece[] = []
  const early = groups.get(-1)
  if (early) pieces.push(...cut(early))
  for (const [at, entry] of topic.blocks.entries()) {
    const group = groups.get(at)
    if (!group) pieces.push({ entry })
    else if (at === topic.blocks.length - 1 && isAfter(group, entry)) {
      pieces.push({ entry })
      appendTail(db, topic, pieces, group)
    } else {
      const rows = readWhole(db, topic, entry)
      if (rows) pieces.push(...cut([...rows, ...group].sort(byTime)))
      else pieces.push({ entry }, ...cut(group))
    }
  }
  return pieces
}

/** Small blocks at the tail are written again together with the new rows, so that there are never many of them. */
function appendTail(db: Database, topic: Topic, pieces: Piece[], group: Row[]): void {
  let rows = group
  for (let last = pieces.at(-1); last && !last.rows; last = pieces.at(-1)) {
    if (last.entry.count >= blockRowsMax || last.entry.count > 2 * rows.length) break
    const before = readWhole(db, topic, last.entry)
    if (!before) break
    rows = [...before, ...rows]
    pieces.pop()
  }
  pieces.push(...cut(rows))
}

/** `null` for a damaged block: it stays as it is, new rows go beside it, and whoever reads it is told. */
function readWhole(db: Database, topic: Topic, entry: BlockEntry): Row[] | null {
  try {
    return readBlock(db, topic, entry)
  } catch (error) {
    if (error instanceof AppError && error.code === 'store_corrupt') return null
    throw error
  }
}

function isAfter(group: Row[], entry: BlockEntry): boolean {
  const [first] = group
  return (
    first !== undefined &&
    (first.time > entry.tmax || (first.time === entry.tmax && first.seq > entry.lastSeq))
  )
}

/** The last block that starts at or before `time`; -1 when the row is older than all. */
function homeOf(blocks: readonly BlockEntry[], time: number): number {
  let low = 0
  let high = blocks.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((blocks[middle]?.tmin ?? 0) <= time) low = middle + 1
    else high = middle
  }
  return low - 1
}

function cut(rows: Row[]): Piece[] {
  const pieces: Piece[] = []
  for (let at = 0; at < rows.length; at += blockRowsMax) {
    const part = rows.slice(at, at + blockRowsMax)
    const first = part[0]
    const last = part.at(-1)
    if (!first || !last) break
    const seqMax = part.reduce((most, { seq }) => Math.max(most, seq), 0)
    const { time: tmin, seq } = first
    const entry = { tmin, seq, tmax: last.time, lastSeq: last.seq, seqMax, count: part.length }
    pieces.push({ entry, rows: part })
  }
  return pieces
}

/** The rows of a block. Throws `store_corrupt` with topic and time range when its checksum does not hold. */
export function readBlock(
  db: Database,
  topic: Topic,
  entry: BlockEntry,
  snapshot?: ReturnType<Database['snapshot']>,
): Row[] {
  const key = blockKey(topic.id, entry.tmin, entry.seq)
  const frame = db.getSync(key, snapshot ? { snapshot } : {})
  const body = frame === undefined ? null : decodeFrame(frame)
  try {
    if (body) return decodeRows(body)
  } catch {
    // A body that keeps its checksum and is no rows is as damaged as one that does not.
  }
  throw new AppError(
    'store_corrupt',
    `the readings of "${topic.name}" from ${new Date(entry.tmin).toISOString()} to ${new Date(entry.tmax).toISOString()} are damaged; the rest can be read`,
  )
}

function encodeIndex(entry: BlockEntry): Buffer {
  const out = new ByteWriter(64)
  out.int(entry.tmax)
  out.uint(entry.lastSeq)
  out.uint(entry.count)
  out.uint(entry.seqMax - entry.lastSeq)
  return out.finish()
}

export function decodeIndex(tmin: number, seq: number, body: Uint8Array): BlockEntry {
  const input = new ByteReader(body)
  const entry = { tmin, seq, tmax: input.int(), lastSeq: input.uint(), count: input.uint() }
  // An index written before this was kept says nothing of it, so its block is always opened.
  return { ...entry, seqMax: input.done ? Number.MAX_SAFE_INTEGER : entry.lastSeq + input.uint() }
}
