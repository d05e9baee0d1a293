// From rows to blocks: groups an epoch by topic, puts each topic's rows where they belong and writes blocks, indexes, shapes
// and topic records; the log goes with the last batch. Recovery at open is the same function. A crash between two batches
// harms nothing: a topic's record says up to which number its rows are in blocks, and the log's others are rolled again.

import assert from 'node:assert'
import { AppError } from '../../../domain/errors.ts'
import { encodeBlock } from '../block/block.ts'
import { openBlock } from '../block/open.ts'
import type { Rows } from '../block/rows.ts'
import type { Shapes } from '../block/shapes.ts'
import type { Database } from '../database.ts'
import type { BlockEntry, Directory } from '../directory.ts'
import type { HotRows } from '../hot/pages.ts'
import { blockKey, indexKey, segmentKey, topicKey } from '../keys.ts'
import { putShapes } from '../shapeTable.ts'
import { decodeTopic, encodeTopic, type StoredTopic } from '../topicRecord.ts'
import { rowsByTopic } from './group.ts'
import { type Piece, placeRows } from './place.ts'
import { textBytes } from './rowsets.ts'
import { storedEntries } from './storedEntries.ts'

export type Batch = ReturnType<Database['batch']>

export interface RollContext {
  db: Database
  shapes: Shapes
  directory: Directory
  /** Called once before anything is written: readers that need the blocks as they are have taken their snapshot. */
  beforeWrite: () => Promise<void>
  /** Writes a batch and waits until it is on the disk; no other write is under way meanwhile. */
  write: (batch: Batch) => Promise<void>
  /** Blocks of so many rows were replaced by others. */
  onReplaced: (rows: number) => void
  /** Gives way to others now and then. */
  pause: () => Promise<void>
}

/** A complete epoch. */
export interface RollInput {
  rows: HotRows
  /** Rows 0 ≤ row < end. */
  end: number
  /** Keys of its log segments. */
  segments: readonly number[]
}

/** Bytes after which a batch is written and another begun. */
const batchBytes = 16 * 2 ** 20

/** Writes the blocks of an epoch; the directory as it stands then. */
export async function rollEpoch(
  context: RollContext,
  { rows, end, segments }: RollInput,
): Promise<Directory> {
  const { db, directory, pause } = context
  const writer = new BlockWriter(context)
  const changes = new Map<number, readonly BlockEntry[]>()
  for (const { topicId, rows: fresh } of rowsByTopic(rows, end)) {
    const topic = decodeTopic(db.getSync(topicKey(topicId)))
    if (!topic) throw new AppError('store_corrupt', `the record of topic number ${topicId} is damaged`)
    if (largest(fresh.seqs) <= topic.seqMax) {
      // A roll before this one failed behind the batch with this topic.
      changes.set(topicId, await storedEntries(db, topicId))
      continue
    }
    const entries = directory.entries(topicId)
    const pieces = placeRows(entries, fresh, (entry) => writer.read(topicId, entry))
    changes.set(topicId, writer.replace(topicId, entries, pieces))
    writer.put(topicKey(topicId), encodeTopic(withRows(topic, fresh)))
    if (writer.bytes >= batchBytes) await writer.flush()
    await pause()
  }
  for (const seq of segments) writer.del(segmentKey(seq))
  await writer.flush()
  return directory.with(changes)
}

/** A topic's record once `fresh` is in blocks. */
export function withRows(topic: StoredTopic, fresh: Rows): StoredTopic {
  const last = fresh.count - 1
  const time = fresh.times[last]!
  const seq = fresh.seqs[last]!
  const isFirst = topic.readings === 0
  const isNewest = isFirst || time > topic.lastTime || (time === topic.lastTime && seq > topic.newestSeq)
  return {
    name: topic.name,
    readings: topic.readings + fresh.count,
    bytes: topic.bytes + textBytes(fresh),
    firstTime: isFirst ? fresh.times[0]! : Math.min(topic.firstTime, fresh.times[0]!),
    lastTime: isNewest ? time : topic.lastTime,
    newestSeq: isNewest ? seq : topic.newestSeq,
    seqMax: Math.max(topic.seqMax, largest(fresh.seqs)),
    newest: isNewest ? readingAt(fresh, last) : topic.newest,
  }
}

function largest(numbers: Float64Array): number {
  let most = Number.NEGATIVE_INFINITY
  for (let i = 0; i < numbers.length; i++) if (numbers[i]! > most) most = numbers[i]!
  return most
}

/** What a topic's record keeps of row `at`. */
export function readingAt(rows: Rows, at: number): StoredTopic['newest'] {
  const text = ({ bytes, offsets, lengths }: Pick<Rows, 'bytes' | 'offsets' | 'lengths'>): Uint8Array =>
    bytes.subarray(offsets[at]!, offsets[at]! + lengths[at]!)
  return {
    receivedAt: rows.receivedAt[at]!,
    captureId: rows.metas[at]!,
    fields: rows.fields ? text(rows.fields) : new Uint8Array(0),
    payload: text(rows),
  }
}

/** Batches of block changes, one atomic write each. */
export class BlockWriter {
  bytes = 0
  readonly #context: RollContext
  #batch: Batch
  #shapesPut: number
  #isBegun = false

  constructor(context: RollContext) {
    this.#context = context
    this.#batch = context.db.batch()
    this.#shapesPut = context.shapes.count
  }

  put(key: Buffer, value: Buffer): void {
    this.#batch.put(key, value)
    this.bytes += key.length + value.length
  }

  del(key: Buffer): void {
    this.#batch.del(key)
    this.bytes += key.length
  }

  /** The rows of a block; `null` when it is damaged. */
  read(topicId: number, entry: BlockEntry): Rows | null {
    const record = this.#context.db.getSync(blockKey(topicId, entry.tmin, entry.seq))
    try {
      return record === undefined ? null : openBlock(record, this.#context.shapes).rows(0, entry.count)
    } catch (error) {
      if (error instanceof AppError && error.code === 'store_corrupt') return null
      throw error
    }
  }

  /** Replaces a topic's blocks by `pieces`, in which those that stay are the very entries of `before`. */
  replace(topicId: number, before: readonly BlockEntry[], pieces: readonly Piece[]): BlockEntry[] {
    const kept = new Set(pieces.flatMap((piece) => ('kept' in piece ? [piece.kept] : [])))
    assert([...kept].every((entry) => before.includes(entry)))
    for (const entry of before) {
      if (kept.has(entry)) continue
      this.del(blockKey(topicId, entry.tmin, entry.seq))
      this.del(indexKey(topicId, entry.tmin, entry.seq))
      this.#context.onReplaced(entry.count)
    }
    return pieces.map((piece) => ('kept' in piece ? piece.kept : this.#write(topicId, piece.rows)))
  }

  async flush(): Promise<void> {
    if (!this.#isBegun) await this.#context.beforeWrite()
    this.#isBegun = true
    const batch = this.#batch
    this.#batch = this.#context.db.batch()
    this.bytes = 0
    await this.#context.write(batch)
  }

  #write(topicId: number, rows: Rows): BlockEntry {
    const { shapes } = this.#context
    const { block, index } = encodeBlock(rows, 0, rows.count, shapes)
    this.#shapesPut = putShapes(this.#batch, shapes, this.#shapesPut)
    const tmin = rows.times[0]!
    const seq = rows.seqs[0]!
    this.put(blockKey(topicId, tmin, seq), block)
    this.put(indexKey(topicId, tmin, seq), index)
    let seqMin = seq
    let seqMax = seq
    for (const each of rows.seqs) {
      if (each < seqMin) seqMin = each
      else if (each > seqMax) seqMax = each
    }
    return { tmin, tmax: rows.times[rows.count - 1]!, seq, seqMin, seqMax, count: rows.count }
  }
}
