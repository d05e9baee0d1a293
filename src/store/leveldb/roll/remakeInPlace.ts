// One step of making fields again where the blocks are read: reads the blocks of some topics, has their rows made by a module that
// was named, and writes them again. Where no row has fields, before or after, only the column of capture data is written anew.

import { AppError } from '../../../domain/errors.ts'
import type { Cleaned } from '../../../domain/reading.ts'
import type { MadeRows, RowMaker, StoredCapture, StoredRows } from '../../remaker.ts'
import { fieldsText } from '../block/fields.ts'
import { withMetas } from '../block/metas.ts'
import { openBlock } from '../block/open.ts'
import type { Rows, Texts } from '../block/rows.ts'
import type { Shapes } from '../block/shapes.ts'
import { decodeCapture } from '../captures.ts'
import type { Database } from '../database.ts'
import type { BlockEntry, Directory } from '../directory.ts'
import { blockKey, topicKey } from '../keys.ts'
import { readCapture } from '../load.ts'
import { decodeTopic, encodeTopic } from '../topicRecord.ts'
import { damagedBlock } from '../view.ts'
import { cut, type Piece } from './place.ts'
import { batchBytes, putCaptures, type RemakeInput, type RemakeResult } from './remake.ts'
import { BlockWriter, readingAt, type RollContext } from './roll.ts'

/** Which rows. */
export interface RemakeAsk {
  topics: readonly { topicId: number; name: string }[]
  /** Milliseconds; `from` ≤ time < `to`. */
  from: number
  to: number
  /** Only rows up to this number. */
  seqMax: number
}

/** What was made, but for the numbers of capture data. */
export interface RemakeAnswer {
  readings: number
  left: number
  /** New capture data: that of number `captureId` with `cleaned` in place of its own. */
  captures: readonly { captureId: number; cleaned: Cleaned | undefined }[]
}

interface MadeBlock {
  entry: BlockEntry
  record: Buffer
  rows: Rows
  /** The fields of rows that are made anew; `null`: none of them has any. */
  fields: Texts | null
  /** For each row its place among the new capture data; -1: it stays as it is. */
  captures: Int32Array
}

/** Capture data of so many numbers is remembered. */
const capturesMax = 16_384

export class RemakeInPlace {
  readonly #db: Database
  readonly #captures = new Map<number, StoredCapture>()
  #topics = new Map<number, MadeBlock[]>()

  constructor(db: Database) {
    this.#db = db
  }

  /** Has the rows made; `write` comes next, or another `make` in its place. */
  make(
    { shapes, directory }: { shapes: Shapes; directory: Directory },
    { topics, from, to, seqMax }: RemakeAsk,
    maker: RowMaker,
  ): RemakeAnswer {
    this.#topics = new Map()
    const captures = new NewCaptures()
    let readings = 0
    let left = 0
    for (const { topicId, name } of topics) {
      const blocks: MadeBlock[] = []
      for (const entry of directory.between(topicId, from, to)) {
        if (entry.seqMin > seqMax) continue
        const { record, rows } = this.#read(topicId, entry, shapes)
        const asked = new AskedRows(name, rows, { from, to, seqMax }, (id) => this.#capture(id))
        const made = maker.make(asked)
        if (made.places.length !== rows.count) throw new AppError('internal', 'not every row was made again')
        readings += asked.readings
        left += made.left
        blocks.push({
          entry,
          record,
          rows,
          fields: textsOf(made, rows.count),
          captures: captures.of(rows, made),
        })
      }
      this.#topics.set(topicId, blocks)
    }
    return { readings, left, captures: captures.all }
  }

  /** `ids`: the numbers of the new capture data. */
  async write(
    context: RollContext,
    { ids, captures }: { ids: Uint32Array; captures: RemakeInput['captures'] },
  ): Promise<RemakeResult> {
    const { directory, pause } = context
    const writer = new BlockWriter(context)
    putCaptures(writer, captures)
    const changes = new Map<number, readonly BlockEntry[]>()
    let readings = 0
    for (const [topicId, blocks] of this.#topics) {
      const before = directory.entries(topicId)
      const pieces = new Map<number, Piece[]>()
      for (const block of blocks) {
        const count = block.captures.reduce((sum, place) => sum + (place < 0 ? 0 : 1), 0)
        if (count === 0) continue
        readings += count
        const rows = withMade(block, ids)
        if (rows.fields) pieces.set(block.entry.seq, cut(rows))
        else {
          const { tmin, seq } = block.entry
          writer.put(blockKey(topicId, tmin, seq), withMetas(block.record, rows.metas, context.shapes))
        }
        this.#putNewest(writer, topicId, rows, block.captures)
      }
      if (pieces.size > 0) {
        const all = before.flatMap((entry) => pieces.get(entry.seq) ?? [{ kept: entry }])
        changes.set(topicId, writer.replace(topicId, before, all))
      }
      if (writer.bytes >= batchBytes) await writer.flush()
      await pause()
    }
    this.#topics = new Map()
    if (readings > 0) await writer.flush()
    return { directory: directory.with(changes), readings }
  }

  #read(topicId: number, entry: BlockEntry, shapes: Shapes): { record: Buffer; rows: Rows } {
    const record = this.#db.getSync(blockKey(topicId, entry.tmin, entry.seq))
    try {
      if (record) return { record, rows: openBlock(record, shapes).rows(0, entry.count) }
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== 'store_corrupt') throw error
    }
    throw damagedBlock(this.#db, topicId, entry)
  }

  /** A topic's record keeps its newest reading. */
  #putNewest(writer: BlockWriter, topicId: number, rows: Rows, captures: Int32Array): void {
    const topic = decodeTopic(this.#db.getSync(topicKey(topicId)))
    if (!topic) throw new AppError('store_corrupt', `the record of topic number ${topicId} is damaged`)
    const row = rows.seqs.indexOf(topic.newestSeq)
    if (row < 0 || captures[row]! < 0) return
    writer.put(topicKey(topicId), encodeTopic({ ...topic, newest: readingAt(rows, row) }))
  }

  #capture(id: number): StoredCapture {
    const known = this.#captures.get(id)
    if (known) return known
    const text = readCapture(this.#db, id)
    if (text === undefined)
      throw new AppError('store_corrupt', `the capture data (${id}) of a reading is damaged`)
    if (this.#captures.size >= capturesMax) this.#captures.clear()
    const capture = decodeCapture(text)
    this.#captures.set(id, capture)
    return capture
  }
}

/** Old capture data with new words of cleaning beside it, each pair once. */
class NewCaptures {
  readonly all: { captureId: number; cleaned: Cleaned | undefined }[] = []

  /** For each row its place in `all`; -1: it stays as it is. */
  of({ metas, count }: Rows, { places, cleaned }: MadeRows): Int32Array {
    const known = new Map<number, number>()
    const found = new Int32Array(count)
    for (let row = 0; row < count; row++) {
      const place = places[row]!
      if (place < 0) {
        found[row] = -1
        continue
      }
      const captureId = metas[row]!
      const pair = captureId * cleaned.length + place
      let at = known.get(pair)
      if (at === undefined) {
        at = this.all.push({ captureId, cleaned: cleaned[place] }) - 1
        known.set(pair, at)
      }
      found[row] = at
    }
    return found
  }
}

class AskedRows implements StoredRows {
  readonly topic: string
  readonly count: number
  readonly times: Float64Array
  readonly receivedAt: Float64Array
  readonly bytes: Uint8Array
  readonly offsets: Uint32Array
  readonly lengths: Uint32Array
  readings = 0
  readonly #rows: Rows
  readonly #asked: Uint8Array
  readonly #captureOf: (id: number) => StoredCapture

  constructor(
    topic: string,
    rows: Rows,
    { from, to, seqMax }: Pick<RemakeAsk, 'from' | 'to' | 'seqMax'>,
    captureOf: (id: number) => StoredCapture,
  ) {
    const { count, times, receivedAt, seqs } = rows
    this.topic = topic
    this.count = count
    this.times = times
    this.receivedAt = receivedAt
    this.bytes = rows.bytes
    this.offsets = rows.offsets
    this.lengths = rows.lengths
    this.#rows = rows
    this.#captureOf = captureOf
    this.#asked = new Uint8Array(count)
    for (let row = 0; row < count; row++) {
      const isAsked = times[row]! >= from && times[row]! < to && seqs[row]! <= seqMax
      this.#asked[row] = isAsked ? 1 : 0
      if (isAsked) this.readings++
    }
  }

  isAsked(row: number): boolean {
    return this.#asked[row] === 1
  }

  payload(row: number): Uint8Array {
    return textAt(this.#rows, row)
  }

  fieldsText(row: number): Uint8Array {
    const { fields } = this.#rows
    return fields ? textAt(fields, row) : noText
  }

  capture(row: number): StoredCapture {
    return this.#captureOf(this.#rows.metas[row]!)
  }
}

const noText = new Uint8Array(0)

function textAt({ bytes, offsets, lengths }: Texts, row: number): Uint8Array {
  return bytes.subarray(offsets[row]!, offsets[row]! + lengths[row]!)
}

function textsOf({ fields }: MadeRows, count: number): Texts | null {
  if (fields.size === 0) return null
  const offsets = new Uint32Array(count)
  const lengths = new Uint32Array(count)
  let bytes = Buffer.allocUnsafe(64 * fields.size)
  let at = 0
  for (const [row, one] of fields) {
    const text = fieldsText(one)
    // UTF-8 takes at most three bytes for a unit of a string.
    if (at + 3 * text.length > bytes.length) {
      bytes = Buffer.concat([bytes], 2 * bytes.length + 3 * text.length)
    }
    offsets[row] = at
    lengths[row] = bytes.write(text, at)
    at += lengths[row]!
  }
  return { bytes: bytes.subarray(0, at), offsets, lengths }
}

/** The rows with what they are to have; texts are not copied one by one. */
function withMade({ rows, fields: made, captures }: MadeBlock, ids: Uint32Array): Rows {
  const metas = rows.metas.slice()
  const { fields: old } = rows
  const offsets = old?.offsets.slice() ?? new Uint32Array(rows.count)
  const lengths = old?.lengths.slice() ?? new Uint32Array(rows.count)
  const oldBytes = old?.bytes ?? noText
  for (let row = 0; row < rows.count; row++) {
    const place = captures[row]!
    if (place < 0) continue
    metas[row] = ids[place]!
    offsets[row] = oldBytes.length + (made?.offsets[row] ?? 0)
    lengths[row] = made?.lengths[row] ?? 0
  }
  // Empty texts count: a block that has had fields must forget them.
  if (!old && !made) return { ...rows, metas }
  const bytes = made ? Buffer.concat([oldBytes, made.bytes]) : oldBytes
  return { ...rows, metas, fields: { bytes, offsets, lengths } }
}
