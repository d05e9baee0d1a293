// Runs in the order of numbers instead of time: what a projection of the log (sessions, retained messages, a live stream)
// has missed. Blocks name the smallest and largest number they hold, so only those with newer ones are opened.

import type { RowCursor } from '../block/cursor.ts'
import type { Rows } from '../block/rows.ts'
import type { BlockEntry } from '../directory.ts'
import type { HotRows } from '../hot/pages.ts'
import type { ChunkWriter } from './chunk.ts'
import { type BlockOpener, giveHotRow, type Run, type SliceSize } from './runs.ts'

/** The rows of one block with numbers above `after`. */
export class BlockNumbers implements Run {
  readonly time = 0
  seq: number
  isOpen = false
  readonly #topicId: number
  readonly #entry: BlockEntry
  readonly #after: number
  readonly #reading: { openBlock: BlockOpener; slice: SliceSize }
  #cursor: RowCursor | null = null
  #seqs: Float64Array = new Float64Array(0)
  /** Rows by number. */
  #order: Uint32Array = new Uint32Array(0)
  #at = 0
  #rows: Rows | null = null
  #first = 0

  constructor(
    topicId: number,
    entry: BlockEntry,
    after: number,
    reading: { openBlock: BlockOpener; slice: SliceSize },
  ) {
    this.#topicId = topicId
    this.#entry = entry
    this.#after = after
    this.#reading = reading
    this.seq = Math.max(entry.seqMin, after)
  }

  open(): boolean {
    const block = this.#reading.openBlock(this.#topicId, this.#entry)
    const seqs = block.seqs()
    this.#seqs = seqs
    const order = Uint32Array.from(seqs.keys())
      .filter((row) => seqs[row]! > this.#after)
      .sort((a, b) => seqs[a]! - seqs[b]!)
    this.#order = order
    this.isOpen = true
    if (order.length === 0) return this.#stand()
    // Late readings stand out of order, and then the whole block is put together; else a slice of it at a time.
    const isInOrder = order.every((row, i) => i === 0 || row > order[i - 1]!)
    if (isInOrder) {
      this.#first = order[0]!
      this.#cursor = block.cursor(this.#first, order.at(-1)! + 1, this.#reading.slice.rows)
    } else this.#rows = block.rows(0, block.count)
    return this.#stand()
  }

  give(to: ChunkWriter): boolean {
    const row = this.#order[this.#at]!
    const rows = this.#rowsAround(row)
    to.pushDecoded(rows, this.#topicId, row - this.#first)
    this.#at++
    return this.#stand()
  }

  #rowsAround(row: number): Rows {
    while (!this.#rows || row >= this.#first + this.#rows.count) {
      this.#first += this.#rows?.count ?? 0
      this.#rows = this.#cursor!.next(this.#reading.slice.bytes)
    }
    return this.#rows
  }

  #stand(): boolean {
    if (this.#at >= this.#order.length) {
      this.#cursor = null
      this.#rows = null
      return false
    }
    this.seq = this.#seqs[this.#order[this.#at]!]!
    return true
  }
}

/** The rows of one epoch, all topics: they lie in the order of their numbers. */
export class HotNumbers implements Run {
  readonly time = 0
  seq: number
  readonly isOpen = true
  readonly #rows: HotRows
  readonly #end: number
  #row: number

  /** Rows before `end` with numbers above `after`; there must be one. */
  constructor(rows: HotRows, end: number, after: number) {
    this.#rows = rows
    this.#end = end
    this.#row = firstAbove(rows, end, after)
    this.seq = this.#row < end ? rows.seq(this.#row) : Number.POSITIVE_INFINITY
  }

  open(): boolean {
    return this.#row < this.#end
  }

  give(to: ChunkWriter): boolean {
    giveHotRow(this.#rows, this.#rows.topic(this.#row), this.#row, to)
    this.#row++
    if (this.#row >= this.#end) return false
    this.seq = this.#rows.seq(this.#row)
    return true
  }
}

/** The first row with a number above `after`; `end` when there is none. */
export function firstAbove(rows: HotRows, end: number, after: number): number {
  let low = 0
  let high = end
  while (low < high) {
    const middle = (low + high) >>> 1
    if (rows.seq(middle) <= after) low = middle + 1
    else high = middle
  }
  return low
}
