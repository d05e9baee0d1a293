// The block an aggregate looked into last, with the columns it has read of it: the fields of a block, and the places of
// their first and last values, are asked for one after another.

import { AssertionError } from 'node:assert'
import type { OpenBlock } from '../block/open.ts'
import type { NumberSeries } from '../block/series.ts'
import type { Place, PlaceFinder } from './cells.ts'

const noNumbers = new Float64Array(0)

export class BlockCache implements PlaceFinder {
  readonly #open: (block: number) => OpenBlock
  readonly #paths: readonly string[]
  #block = -1
  #opened: OpenBlock | null = null
  #times: Float64Array | null = null
  #seqs: Float64Array | null = null
  #field = -1
  #numbers: NumberSeries | null = null
  // Columns are read into the same arrays again and again; one block of a few readings needs no large ones.
  #timesTarget: Float64Array = noNumbers
  #valuesTarget: Float64Array = noNumbers

  constructor(open: (block: number) => OpenBlock, paths: readonly string[]) {
    this.#open = open
    this.#paths = paths
  }

  open(block: number): OpenBlock {
    if (this.#opened && this.#block === block) return this.#opened
    this.#opened = null
    const opened = this.#open(block)
    this.#block = block
    this.#opened = opened
    this.#times = null
    this.#seqs = null
    this.#field = -1
    return opened
  }

  /** Good until the next block is opened. */
  times(block: number): Float64Array {
    const opened = this.open(block)
    this.#timesTarget = roomFor(opened.count, this.#timesTarget)
    this.#times ??= opened.times(this.#timesTarget)
    return this.#times
  }

  /** Good until the next field or block is asked for. */
  numbers(block: number, field: number): NumberSeries {
    const opened = this.open(block)
    if (this.#field === field && this.#numbers) return this.#numbers
    this.#valuesTarget = roomFor(opened.count, this.#valuesTarget)
    this.#numbers = opened.numbers(this.#paths[field]!, this.#valuesTarget)
    this.#field = field
    return this.#numbers
  }

  firstAt(block: number, field: number, time: number): Place {
    const times = this.times(block)
    const { rows } = this.numbers(block, field)
    const row = rowFrom(times, time)
    return this.#place(block, rows ? rows[placeFrom(rows, row)] : row)
  }

  lastAt(block: number, field: number, time: number): Place {
    const times = this.times(block)
    const { rows } = this.numbers(block, field)
    let row = rowFrom(times, time)
    while (row < times.length && times[row]! <= time) row++
    return this.#place(block, rows ? rows[placeFrom(rows, row) - 1] : row - 1)
  }

  #place(block: number, row: number | undefined): Place {
    const time = row === undefined ? undefined : this.times(block)[row]
    if (row === undefined || time === undefined) {
      throw new AssertionError({ message: 'an index has a number that its block does not have' })
    }
    this.#seqs ??= this.open(block).seqs()
    return { time, seq: this.#seqs[row]! }
  }
}

/** The first row at or after `time`; near `from`, before which there is none, it is found soonest. */
export function rowFrom(times: Float64Array, time: number, from = 0): number {
  let low = from
  let reach = 16
  while (low + reach < times.length && times[low + reach]! < time) {
    low += reach + 1
    reach *= 2
  }
  let high = Math.min(times.length, low + reach)
  while (low < high) {
    const middle = (low + high) >>> 1
    if (times[middle]! < time) low = middle + 1
    else high = middle
  }
  return low
}

/** The place in ascending `rows` of the first that is `row` or after it. */
export function placeFrom(rows: Uint32Array, row: number): number {
  let low = 0
  let high = rows.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (rows[middle]! < row) low = middle + 1
    else high = middle
  }
  return low
}

function roomFor(count: number, target: Float64Array): Float64Array {
  return target.length >= count ? target : new Float64Array(Math.max(count, 2 * target.length))
}
