// What one field of one group comes to in each bucket: one array of numbers that covers the buckets met so far. The
// first and the last value are chosen by (time, seq); a value that comes from a slot of an index is known to lie between
// two times only, and is looked up in its block when that does not decide.

import type { Slab } from './slab.ts'
import { type Collected, collectValues } from './values.ts'

/** Places in a cell. */
export const cell = {
  count: 0,
  sum: 1,
  /** Sum of squared distances from the mean. */
  m2: 2,
  min: 3,
  max: 4,
  first: 5,
  /** The first value's time lies from here … */
  firstFrom: 6,
  /** … to here; both are the same once the time is known. */
  firstTo: 7,
  /** Its seq, or -1 - block while only its block is known. */
  firstSource: 8,
  last: 9,
  lastFrom: 10,
  lastTo: 11,
  lastSource: 12,
} as const

export const cellLength = 13
export const cellBytes = cellLength * 8

/** Where a number was: its time when known, and its seq or `-1 - block`. */
export interface Place {
  time: number
  seq: number
}

/** Finds the first number of a field at or after `time` in block `block`, or the last one at or before it. */
export interface PlaceFinder {
  firstAt(block: number, field: number, time: number): Place
  lastAt(block: number, field: number, time: number): Place
}

/** Takes note of memory; throws when it is too much. */
export type Reserve = (bytes: number) => void

export class Cells {
  readonly field: number
  /** Bucket of the first cell. */
  base = 0
  /** Cells in use. */
  length = 0
  /** The cells begin at `offset` in here. */
  data: Float64Array = none
  offset = 0
  /** Cells there is room for. */
  #room = 0
  /** Every value with its bucket; only when quantiles are asked for. */
  collected: Collected | null = null
  readonly #finder: PlaceFinder
  readonly #slab: Slab
  readonly #reserve: Reserve

  constructor(field: number, finder: PlaceFinder, slab: Slab, reserve: Reserve) {
    this.#slab = slab
    this.field = field
    this.#finder = finder
    this.#reserve = reserve
  }

  /** Where the cell of `bucket` begins in `data`. */
  at(bucket: number): number {
    const index = bucket - this.base
    if (index < 0 || index >= this.length) this.cover(bucket, bucket)
    return this.offset + (bucket - this.base) * cellLength
  }

  /** Makes room for buckets low…high at once. */
  cover(low: number, high: number): void {
    const isEmpty = this.length === 0
    const from = isEmpty ? low : Math.min(this.base, low)
    const to = isEmpty ? high + 1 : Math.max(this.base + this.length, high + 1)
    if (to - from > this.#room || (from < this.base && !isEmpty)) {
      const room = isEmpty ? to - from : Math.max(to - from, this.length + (this.length >>> 1))
      this.#reserve(room * cellBytes)
      const { data, offset } = this.#slab.take(room * cellLength)
      const end = this.offset + this.length * cellLength
      if (!isEmpty) data.set(this.data.subarray(this.offset, end), offset + (this.base - from) * cellLength)
      this.data = data
      this.offset = offset
      this.#room = room
    }
    this.base = from
    this.length = to - from
  }

  /** Adds `count` > 0 numbers by what they come to. Called before `first` and `last` of the same numbers. */
  add(at: number, count: number, sum: number, m2: number, min: number, max: number): void {
    const { data } = this
    const known = data[at]!
    if (known === 0) {
      data[at] = count
      data[at + cell.sum] = sum
      data[at + cell.m2] = m2
      data[at + cell.min] = min
      data[at + cell.max] = max
      data[at + cell.firstFrom] = Number.POSITIVE_INFINITY
      data[at + cell.lastTo] = Number.NEGATIVE_INFINITY
      data[at + cell.firstTo] = Number.POSITIVE_INFINITY
      data[at + cell.lastFrom] = Number.NEGATIVE_INFINITY
      return
    }
    // Chan, Golub and LeVeque (1979).
    const total = known + count
    const apart = sum / count - data[at + cell.sum]! / known
    data[at] = total
    data[at + cell.sum] = data[at + cell.sum]! + sum
    data[at + cell.m2] = data[at + cell.m2]! + m2 + ((apart * apart * known) / total) * count
    if (min < data[at + cell.min]!) data[at + cell.min] = min
    if (max > data[at + cell.max]!) data[at + cell.max] = max
  }

  /** Offers a first value, whose time lies in from…to. */
  first(at: number, value: number, from: number, to: number, source: number): void {
    const { data } = this
    if (from > data[at + cell.firstTo]!) return
    if (to < data[at + cell.firstFrom]!) this.#setFirst(at, value, from, to, source)
    else this.#decideFirst(at, value, from, to, source)
  }

  /** Offers a last value, whose time lies in from…to. */
  last(at: number, value: number, from: number, to: number, source: number): void {
    const { data } = this
    if (to < data[at + cell.lastFrom]!) return
    if (from > data[at + cell.lastTo]!) this.#setLast(at, value, from, to, source)
    else this.#decideLast(at, value, from, to, source)
  }

  /** The two overlap: looks up where they were, the one at hand first, because it stays. */
  #decideFirst(at: number, value: number, from: number, to: number, source: number): void {
    const { data, field } = this
    let time = data[at + cell.firstFrom]!
    let seq = data[at + cell.firstSource]!
    if (seq < 0) {
      ;({ time, seq } = this.#finder.firstAt(-1 - seq, field, time))
      this.#setFirst(at, data[at + cell.first]!, time, time, seq)
    }
    if (to < time) this.#setFirst(at, value, from, to, source)
    if (to < time || from > time) return
    const own = source < 0 ? this.#finder.firstAt(-1 - source, field, from) : { time: from, seq: source }
    if (own.time < time || (own.time === time && own.seq < seq)) {
      this.#setFirst(at, value, own.time, own.time, own.seq)
    }
  }

  #decideLast(at: number, value: number, from: number, to: number, source: number): void {
    const { data, field } = this
    let time = data[at + cell.lastTo]!
    let seq = data[at + cell.lastSource]!
    if (seq < 0) {
      ;({ time, seq } = this.#finder.lastAt(-1 - seq, field, time))
      this.#setLast(at, data[at + cell.last]!, time, time, seq)
    }
    if (from > time) this.#setLast(at, value, from, to, source)
    if (from > time || to < time) return
    const own = source < 0 ? this.#finder.lastAt(-1 - source, field, to) : { time: to, seq: source }
    if (own.time > time || (own.time === time && own.seq > seq)) {
      this.#setLast(at, value, own.time, own.time, own.seq)
    }
  }

  #setFirst(at: number, value: number, from: number, to: number, source: number): void {
    const { data } = this
    data[at + cell.first] = value
    data[at + cell.firstFrom] = from
    data[at + cell.firstTo] = to
    data[at + cell.firstSource] = source
  }

  #setLast(at: number, value: number, from: number, to: number, source: number): void {
    const { data } = this
    data[at + cell.last] = value
    data[at + cell.lastFrom] = from
    data[at + cell.lastTo] = to
    data[at + cell.lastSource] = source
  }

  /** Adds values[from…to) of one bucket to what quantiles are worked out from. */
  collect(bucket: number, values: Float64Array, from: number, to: number): void {
    this.collected ??= { values: none, buckets: noBuckets, length: 0 }
    collectValues(this.collected, bucket, values, from, to, this.#reserve)
  }
}

const none = new Float64Array(0)
const noBuckets = new Uint32Array(0)
