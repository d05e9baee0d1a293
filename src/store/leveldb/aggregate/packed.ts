// Series of an aggregate packed into two arrays, so that thousands of them go from one thread to another as one message; and
// read there column by column, of which a question seldom wants more than a few.

import type { AggregateColumn, SeriesAggregate } from '../../store.ts'
import { cell, cellLength, type Cells } from './cells.ts'
import { quantilesOf } from './values.ts'

export interface SeriesChunk {
  groups: string[]
  /** For each series its place in `paths`. */
  fields: Uint32Array
  paths: string[]
  /** Where the buckets of each series end. */
  ends: Uint32Array
  /** Of all series, one after the other. */
  buckets: Uint32Array
  /** Series after series; of each, one column after the other: counts, `columns`, quantiles. */
  figures: Float64Array
  columns: readonly AggregateColumn[]
  quantiles: number
}

/** The columns by their place in a cell. */
const places: Record<AggregateColumn, number> = {
  sums: cell.sum,
  m2s: cell.m2,
  mins: cell.min,
  maxs: cell.max,
  firsts: cell.first,
  lasts: cell.last,
}
const allColumns = Object.keys(places) as AggregateColumn[]

/** Gathers series until they are taken. */
export class SeriesPacker {
  readonly #paths: string[]
  readonly #quantiles: readonly number[]
  readonly #names: readonly AggregateColumn[]
  /** In a cell. */
  readonly #places: readonly number[]
  readonly #columns: number
  #groups: string[] = []
  #fields: number[] = []
  #ends: number[] = []
  #buckets = new Uint32Array(256)
  #figures: Float64Array
  #length = 0

  constructor(
    paths: string[],
    quantiles: readonly number[],
    columns: readonly AggregateColumn[] = allColumns,
  ) {
    this.#paths = paths
    this.#quantiles = quantiles
    this.#names = columns
    this.#places = [cell.count, ...columns.map((column) => places[column])]
    this.#columns = this.#places.length + quantiles.length
    this.#figures = new Float64Array(this.#buckets.length * this.#columns)
  }

  get series(): number {
    return this.#groups.length
  }

  /** Of all series. */
  get buckets(): number {
    return this.#length
  }

  /** Adds the buckets of a field that hold something; nothing when none does. */
  add(group: string, cells: Cells): void {
    const { base, length, data, offset, collected, field } = cells
    this.#reserve(length)
    const start = this.#length
    const buckets = this.#buckets
    let end = start
    for (let index = 0; index < length; index++) {
      if (data[offset + index * cellLength]! > 0) buckets[end++] = base + index
    }
    const size = end - start
    if (size === 0) return
    const figures = this.#figures
    let to = start * this.#columns
    for (const place of this.#places) {
      for (let at = start; at < end; at++)
        figures[to++] = data[offset + (buckets[at]! - base) * cellLength + place]!
    }
    if (this.#quantiles.length > 0 && collected) {
      const counts = figures.slice(start * this.#columns, start * this.#columns + size)
      for (const column of quantilesOf(collected, buckets.subarray(start, end), counts, this.#quantiles)) {
        figures.set(column, to)
        to += size
      }
    }
    this.#groups.push(group)
    this.#fields.push(field)
    this.#ends.push(end)
    this.#length = end
  }

  /** What was added; begins anew. */
  take(): SeriesChunk {
    const chunk: SeriesChunk = {
      groups: this.#groups,
      fields: Uint32Array.from(this.#fields),
      paths: this.#paths,
      ends: Uint32Array.from(this.#ends),
      buckets: this.#buckets.slice(0, this.#length),
      figures: this.#figures.slice(0, this.#length * this.#columns),
      columns: this.#names,
      quantiles: this.#quantiles.length,
    }
    this.#groups = []
    this.#fields = []
    this.#ends = []
    this.#length = 0
    return chunk
  }

  #reserve(more: number): void {
    const wanted = this.#length + more
    if (wanted <= this.#buckets.length) return
    const room = Math.max(wanted, 2 * this.#buckets.length)
    const buckets = new Uint32Array(room)
    buckets.set(this.#buckets)
    const figures = new Float64Array(room * this.#columns)
    figures.set(this.#figures)
    this.#buckets = buckets
    this.#figures = figures
  }
}

/** The buffers of a chunk, to be given to another thread. */
export function seriesBuffersOf({ fields, ends, buckets, figures }: SeriesChunk): ArrayBuffer[] {
  return [fields, ends, buckets, figures].map(({ buffer }) => buffer as ArrayBuffer)
}

export function unpacked(chunk: SeriesChunk): SeriesAggregate[] {
  return chunk.groups.map(
    (group, i) => new PackedSeries(chunk, group, i === 0 ? 0 : chunk.ends[i - 1]!, chunk.ends[i]!, i),
  )
}

const none = new Float64Array(0)

class PackedSeries implements SeriesAggregate {
  readonly group: string
  readonly field: string
  readonly buckets: Uint32Array
  readonly #chunk: SeriesChunk
  readonly #start: number

  constructor(chunk: SeriesChunk, group: string, start: number, end: number, at: number) {
    this.group = group
    this.field = chunk.paths[chunk.fields[at]!]!
    this.buckets = chunk.buckets.subarray(start, end)
    this.#chunk = chunk
    this.#start = start
  }

  get counts(): Float64Array {
    return this.#column(0)
  }

  get sums(): Float64Array {
    return this.#named('sums')
  }

  get m2s(): Float64Array {
    return this.#named('m2s')
  }

  get mins(): Float64Array {
    return this.#named('mins')
  }

  get maxs(): Float64Array {
    return this.#named('maxs')
  }

  get firsts(): Float64Array {
    return this.#named('firsts')
  }

  get lasts(): Float64Array {
    return this.#named('lasts')
  }

  get quantiles(): Float64Array[] {
    return Array.from({ length: this.#chunk.quantiles }, (_, q) =>
      this.#column(1 + this.#chunk.columns.length + q),
    )
  }

  #named(name: AggregateColumn): Float64Array {
    const at = this.#chunk.columns.indexOf(name)
    return at < 0 ? none : this.#column(1 + at)
  }

  #column(number: number): Float64Array {
    const { figures, quantiles, columns } = this.#chunk
    const size = this.buckets.length
    const from = this.#start * (1 + columns.length + quantiles) + number * size
    return figures.subarray(from, from + size)
  }
}
