// The rows of a block, some at a time, forward: each column is read a run at a time, so that a merge of a thousand topics
// holds a few hundred rows of each, in memory that is used again.

import { seqsPerMs } from '../../numbering.ts'
import type { StoredBody } from './body.ts'
import { type ColumnMap, readColumn } from './columns.ts'
import { IntegerWindow } from './integers.ts'
import { type Rows, rowBytesHint, type Texts } from './rows.ts'
import { guarded } from './seal.ts'
import { BodyWriter } from './writer.ts'

/** What of an open block a cursor reads. */
export interface BlockColumns {
  map: ColumnMap
  count: number
  /** The column of the times that readings were received at, as distances from theirs; -1: they are the same. */
  receivedAtColumn: number
  metaColumn: number
  /** Numbers are distances from the clock. */
  hasClockSeqs: boolean
  payloads: StoredBody
  payloadBytes: number
  fields: StoredBody | null
}

export class RowCursor {
  readonly #times: IntegerWindow
  readonly #seqs: IntegerWindow
  readonly #delays: IntegerWindow | null
  readonly #metas: IntegerWindow
  readonly #hasClockSeqs: boolean
  readonly #payloads: TextColumn
  readonly #fields: TextColumn | null
  readonly #rows: Omit<Rows, keyof Texts | 'fields'>
  readonly #to: number
  #at: number

  /** Rows `from` to `to` (left out), at most `rowsMax` at a time. */
  constructor(columns: BlockColumns, from: number, to: number, rowsMax: number) {
    const { map, count, receivedAtColumn, metaColumn, hasClockSeqs, payloads, fields } = columns
    const window = (column: number): IntegerWindow => new IntegerWindow(readColumn(map, column), count)
    const size = Math.min(rowsMax, to - from)
    this.#times = window(0)
    this.#seqs = window(1)
    this.#delays = receivedAtColumn < 0 ? null : window(receivedAtColumn)
    this.#metas = window(metaColumn)
    this.#hasClockSeqs = hasClockSeqs
    const hint = Math.ceil((columns.payloadBytes * size) / count)
    this.#payloads = new TextColumn(new BodyWriter(map, payloads, from, hint), size)
    this.#fields = fields && new TextColumn(new BodyWriter(map, fields, from, rowBytesHint * size), size)
    this.#rows = {
      count: 0,
      times: new Float64Array(size),
      seqs: new Float64Array(size),
      receivedAt: new Float64Array(size),
      metas: new Uint32Array(size),
    }
    this.#at = from
    this.#to = to
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#to
  }

  /** The next rows, until the next call; as many as were asked for, or less when their texts come to `bytesMax`. */
  next(bytesMax = Number.POSITIVE_INFINITY): Rows {
    return guarded('block', () => this.#next(bytesMax))
  }

  #next(bytesMax: number): Rows {
    const { times, seqs, receivedAt, metas } = this.#rows
    this.#payloads.clear()
    this.#fields?.clear()
    const most = Math.min(times.length, this.#to - this.#at)
    let count = 0
    for (let bytes = 0; count < most && bytes < bytesMax; count++) {
      const row = this.#at + count
      const time = this.#times.at(row)
      const received = this.#delays ? time + this.#delays.at(row) : time
      times[count] = time
      receivedAt[count] = received
      seqs[count] = this.#hasClockSeqs ? this.#seqs.at(row) + received * seqsPerMs : this.#seqs.at(row)
      metas[count] = this.#metas.at(row)
      bytes = this.#payloads.write(count) + (this.#fields?.write(count) ?? 0)
    }
    this.#at += count
    const { bytes, offsets, lengths } = this.#payloads.texts()
    const fieldTexts = this.#fields?.texts() ?? null
    return { count, times, seqs, receivedAt, metas, bytes, offsets, lengths, fields: fieldTexts }
  }
}

/** Texts that are written one after another. */
class TextColumn {
  readonly #writer: BodyWriter
  readonly #offsets: Uint32Array
  readonly #lengths: Uint32Array
  #end = 0

  constructor(writer: BodyWriter, rows: number) {
    this.#writer = writer
    this.#offsets = new Uint32Array(rows)
    this.#lengths = new Uint32Array(rows)
  }

  clear(): void {
    this.#writer.clear()
    this.#end = 0
  }

  /** Writes the next as number `at`; gives the bytes of all. */
  write(at: number): number {
    const start = this.#end
    this.#end = this.#writer.write()
    this.#offsets[at] = start
    this.#lengths[at] = this.#end - start
    return this.#end
  }

  texts(): Texts {
    return { bytes: this.#writer.bytes, offsets: this.#offsets, lengths: this.#lengths }
  }
}
