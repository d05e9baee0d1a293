// The figures of an aggregate: mean, min, max, sum, count, first, last, stddev and any quantile, one column each,
// and how buckets without readings are filled. NaN stands for "there is none".

import { AppError } from '../domain/errors.ts'
import { printable } from '../domain/topic.ts'
import type { AggregateColumn, SeriesAggregate } from '../store/store.ts'

export interface Figures {
  /** As they were asked for: the names of the columns. */
  names: readonly string[]
  /** What the store is to work out. */
  quantiles: readonly number[]
  columns: readonly AggregateColumn[]
  /** One column for each name. */
  columnsOf(series: SeriesAggregate): Float64Array[]
}

export type Fill = 'none' | 'null' | 'previous' | 'linear'

const figuresMax = 32

interface Simple {
  /** What it is worked out from, beside counts. */
  from: AggregateColumn[]
  of: (series: SeriesAggregate) => Float64Array
}

const simple: Record<string, Simple> = {
  mean: { from: ['sums'], of: ({ sums, counts }) => ratios(sums, counts) },
  min: { from: ['mins'], of: ({ mins }) => mins },
  max: { from: ['maxs'], of: ({ maxs }) => maxs },
  sum: { from: ['sums'], of: ({ sums }) => sums },
  count: { from: [], of: ({ counts }) => counts },
  first: { from: ['firsts'], of: ({ firsts }) => firsts },
  last: { from: ['lasts'], of: ({ lasts }) => lasts },
  stddev: {
    from: ['m2s'],
    of: ({ m2s, counts }) => ratios(m2s, counts).map(Math.sqrt),
  },
}

function ratios(values: Float64Array, counts: Float64Array): Float64Array {
  const found = new Float64Array(values.length)
  for (let at = 0; at < found.length; at++) found[at] = (values[at] ?? 0) / (counts[at] ?? 0)
  return found
}

/** Reads `mean,p95`; each name once. Throws `bad_request` that names what is not known. */
export function parseFigures(names: readonly string[]): Figures {
  const wanted = [...new Set(names)]
  if (wanted.length === 0 || wanted.length > figuresMax) {
    throw fault(`ask for 1 to ${figuresMax} functions`)
  }
  const quantiles: number[] = []
  const needed = new Set<AggregateColumn>()
  const columns = wanted.map((name): ((series: SeriesAggregate) => Float64Array) => {
    const known = Object.hasOwn(simple, name) ? simple[name] : undefined
    for (const column of known?.from ?? []) needed.add(column)
    if (known) return known.of
    const [, percent] = /^p(\d{1,3}(?:\.\d{1,6})?)$/.exec(name) ?? []
    if (percent === undefined || Number(percent) > 100) return fail(name)
    const at = quantiles.push(Number(percent) / 100) - 1
    return ({ quantiles: found }) => found[at] ?? new Float64Array(0)
  })
  return {
    names: wanted,
    quantiles,
    columns: [...needed],
    columnsOf: (series) => columns.map((column) => column(series)),
  }
}

/** Columns over every bucket. A count of nothing is 0, whatever the fill. */
export function fillColumn(
  name: string,
  column: Float64Array,
  { buckets, starts, fill }: { buckets: Uint32Array; starts: Float64Array; fill: Exclude<Fill, 'none'> },
): Float64Array {
  const full = new Float64Array(starts.length).fill(name === 'count' ? 0 : Number.NaN)
  for (const [at, bucket] of buckets.entries()) full[bucket] = column[at] ?? Number.NaN
  if (name === 'count' || fill === 'null') return full
  for (const [at, bucket] of buckets.entries()) {
    const end = buckets[at + 1] ?? starts.length
    const value = column[at] ?? Number.NaN
    if (fill === 'previous') full.fill(value, bucket, end)
    else if (at + 1 < buckets.length) {
      const from = starts[bucket] ?? 0
      const slope = ((column[at + 1] ?? Number.NaN) - value) / ((starts[end] ?? 0) - from)
      for (let gap = bucket + 1; gap < end; gap++) full[gap] = value + slope * ((starts[gap] ?? 0) - from)
    }
  }
  return full
}

function fail(name: string): never {
  const known = [...Object.keys(simple), 'p50', 'p95', 'p99.9'].join(', ')
  throw fault(`"${printable(name)}" is no function; use ${known} (any pNN)`)
}

function fault(message: string): AppError {
  return new AppError('bad_request', `fn: ${message}`, { problems: [{ path: 'fn', message }] })
}
