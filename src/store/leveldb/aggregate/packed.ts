// Series of an aggregate packed into two arrays, so that thousands of them go from one thread to another as one message; and
// read there column by column, of which a question seldom wants more than a few.

import type { SeriesAggregate } from '../../store.ts'
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
  /** One column after the other, each as long as `buckets`: those of `places`, then the quantiles. */
  figures: Float64Array
  quantiles: number
}

/** The columns in their order, by their place in a cell. */
const places = [cell.count, cell.sum, cell.m2, cell.min, cell.max, cell.first, cell.last] as const

/** What a chunk is made of: series in their order, each with the number of buckets that hold something. */
export interface Unpacked {
  group: string
  cells: Cells
  size: number
}

export function packSeries(
  list: readonly Unpacked[],
  paths: string[],
  quantiles: readonly number[],
): SeriesChunk {
  const total = list.reduce((sum, { size }) => sum + size, 0)
  const chunk: SeriesChunk = {
    groups: list.map(({ group }) => group),
    fields: Uint32Array.from(list, ({ cells }) => cells.field),
    paths,
    ends: new Uint32Array(list.length),
    buckets: new Uint32Array(total),
    figures: new Float64Array(total * (places.length + quantiles.length)),
    quantiles: quantiles.length,
  }
  const { buckets, figures, ends } = chunk
  let to = 0
  for (const [i, { cells }] of list.entries()) {
    const start = to
    const { base, length, data, offset, collected } = cells
    for (let index = 0; index < length; index++) {
      const at = offset + index * cellLength
      if (data[at + cell.count] === 0) continue
      buckets[to] = base + index
      for (let column = 0; column < places.length; column++)
        figures[column * total + to] = data[at + places[column]!]!
      to++
    }
    ends[i] = to
    if (quantiles.length === 0 || !collected) continue
    const counts = figures.subarray(start, to)
    for (const [q, column] of quantilesOf(
      collected,
      buckets.subarray(start, to),
      counts,
      quantiles,
    ).entries())
      figures.set(column, (places.length + q) * total + start)
  }
  return chunk
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

class PackedSeries implements SeriesAggregate {
  readonly group: string
  readonly field: string
  readonly buckets: Uint32Array
  readonly #chunk: SeriesChunk
  readonly #start: number
  readonly #end: number

  constructor(chunk: SeriesChunk, group: string, start: number, end: number, at: number) {
    this.group = group
    this.field = chunk.paths[chunk.fields[at]!]!
    this.buckets = chunk.buckets.subarray(start, end)
    this.#chunk = chunk
    this.#start = start
    this.#end = end
  }

  get counts(): Float64Array {
    return this.#column(0)
  }

  get sums(): Float64Array {
    return this.#column(1)
  }

  get m2s(): Float64Array {
    return this.#column(2)
  }

  get mins(): Float64Array {
    return this.#column(3)
  }

  get maxs(): Float64Array {
    return this.#column(4)
  }

  get firsts(): Float64Array {
    return this.#column(5)
  }

  get lasts(): Float64Array {
    return this.#column(6)
  }

  get quantiles(): Float64Array[] {
    return Array.from({ length: this.#chunk.quantiles }, (_, q) => this.#column(places.length + q))
  }

  #column(number: number): Float64Array {
    const { buckets, figures } = this.#chunk
    const from = number * buckets.length
    return figures.subarray(from + this.#start, from + this.#end)
  }
}
