// Figures by tags: each number counts for the group that the tags of its reading name, so that one topic may feed many groups (a
// gateway's lines with a host each) and one group many topics. Columns of samples are gone through once, a chunk at a time.

import { AppError } from '../domain/errors.ts'
import { quantileOf } from '../store/aggregate.ts'
import type { AggregateQuery, ReadingReader, SeriesAggregate } from '../store/store.ts'
import { exactly } from './pattern.ts'
import { Turns } from './turns.ts'

export interface TaggedQuery extends Pick<AggregateQuery, 'filters' | 'fields' | 'edges' | 'quantiles'> {
  mayRead: (topic: string) => boolean
  /** Names of the tags that make a group. */
  tags: readonly string[]
  /** Samples one query may look at. */
  samplesMax: number
  signal: AbortSignal
}

/** One field of one group, which is named by the values of its tags: `null` for readings without the tag. */
export interface TaggedSeries extends SeriesAggregate {
  values: readonly (string | null)[]
}

/** Memory one answer may take: cells, and numbers kept for quantiles. */
const bytesMax = 256 * 2 ** 20
const cellBytes = 9 * 8

/** Every series, in the order of its tags and field. Of equal times in a group the topic that comes later is the last. */
export async function aggregateByTags(
  store: Pick<ReadingReader, 'samples'>,
  query: TaggedQuery,
): Promise<TaggedSeries[]> {
  const { filters, mayRead, fields, edges, quantiles, tags, samplesMax, signal } = query
  const buckets = edges.length - 1
  const groups = new Map<string, { values: (string | null)[]; field: string; cells: TaggedCells }>()
  const chunks = store.samples({
    filters,
    mayRead,
    pattern: fields.length === 0 ? null : fields.map(exactly).join('|'),
    from: edges[0] ?? 0,
    to: edges[buckets] ?? 0,
    limit: samplesMax,
    signal,
  })
  const turns = new Turns(signal)
  let samples = 0
  let bytes = 0
  for await (const chunk of chunks) {
    signal.throwIfAborted()
    for (const { field, tags: own, times, values } of chunk) {
      samples += times.length
      if (samples > samplesMax) throw tooManySamples(samplesMax)
      const named = tags.map((tag) => (own && Object.hasOwn(own, tag) ? (own[tag] ?? null) : null))
      const key = JSON.stringify([...named, field])
      let group = groups.get(key)
      if (group === undefined) {
        bytes += buckets * cellBytes
        group = { values: named, field, cells: new TaggedCells(buckets, quantiles.length > 0) }
        groups.set(key, group)
      }
      if (quantiles.length > 0) bytes += times.length * 8
      if (bytes > bytesMax) throw tooMuch()
      group.cells.add(edges, times, values)
      if (turns.isOver) await turns.next()
    }
  }
  return [...groups]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, { values, field, cells }]) => ({ values, ...cells.series(field, quantiles) }))
}

/** What a group and field come to in each bucket. */
class TaggedCells {
  readonly #counts: Float64Array
  readonly #sums: Float64Array
  readonly #means: Float64Array
  readonly #m2s: Float64Array
  readonly #mins: Float64Array
  readonly #maxs: Float64Array
  readonly #firsts: Float64Array
  readonly #lasts: Float64Array
  /** Times of the first and the last, two a bucket. */
  readonly #ends: Float64Array
  readonly #kept: number[][] | null

  constructor(buckets: number, keepsValues: boolean) {
    const column = (): Float64Array => new Float64Array(buckets)
    this.#counts = column()
    this.#sums = column()
    this.#means = column()
    this.#m2s = column()
    this.#mins = column().fill(Number.POSITIVE_INFINITY)
    this.#maxs = column().fill(Number.NEGATIVE_INFINITY)
    this.#firsts = column()
    this.#lasts = column()
    this.#ends = new Float64Array(2 * buckets)
    this.#kept = keepsValues ? Array.from({ length: buckets }, () => []) : null
  }

  /** Numbers in the order of their times, all within the edges. */
  add(edges: Float64Array, times: Float64Array, values: Float64Array): void {
    let bucket = 0
    for (let at = 0; at < times.length; at++) {
      const time = times[at] ?? 0
      while (bucket + 2 < edges.length && (edges[bucket + 1] ?? 0) <= time) bucket++
      const value = values[at] ?? Number.NaN
      if (Number.isFinite(value)) this.#take(bucket, time, value)
    }
  }

  #take(bucket: number, time: number, value: number): void {
    const count = (this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1)
    this.#sums[bucket] = (this.#sums[bucket] ?? 0) + value
    // Welford (1962): sums of squares would lose what is common to all.
    const mean = this.#means[bucket] ?? 0
    const moved = mean + (value - mean) / count
    this.#means[bucket] = moved
    this.#m2s[bucket] = (this.#m2s[bucket] ?? 0) + (value - mean) * (value - moved)
    if (value < (this.#mins[bucket] ?? 0)) this.#mins[bucket] = value
    if (value > (this.#maxs[bucket] ?? 0)) this.#maxs[bucket] = value
    if (count === 1 || time < (this.#ends[2 * bucket] ?? 0)) {
      this.#firsts[bucket] = value
      this.#ends[2 * bucket] = time
    }
    if (count === 1 || time >= (this.#ends[2 * bucket + 1] ?? 0)) {
      this.#lasts[bucket] = value
      this.#ends[2 * bucket + 1] = time
    }
    this.#kept?.[bucket]?.push(value)
  }

  series(field: string, quantiles: readonly number[]): SeriesAggregate {
    const buckets = Uint32Array.from(this.#counts.keys()).filter((at) => (this.#counts[at] ?? 0) > 0)
    const only = (column: Float64Array): Float64Array => Float64Array.from(buckets, (at) => column[at] ?? 0)
    const kept = this.#kept
    const sorted = kept === null ? [] : Array.from(buckets, (at) => Float64Array.from(kept[at] ?? []).sort())
    return {
      group: '',
      field,
      buckets,
      counts: only(this.#counts),
      sums: only(this.#sums),
      m2s: only(this.#m2s),
      mins: only(this.#mins),
      maxs: only(this.#maxs),
      firsts: only(this.#firsts),
      lasts: only(this.#lasts),
      quantiles: quantiles.map((quantile) =>
        Float64Array.from(sorted, (values) => quantileOf(values, quantile)),
      ),
    }
  }
}

function tooManySamples(samplesMax: number): AppError {
  return new AppError(
    'query_limit',
    `grouping by tags looks at more than ${samplesMax} samples; ask for fewer topics or fields, or a shorter range (limits.query_samples)`,
  )
}

function tooMuch(): AppError {
  return new AppError(
    'query_limit',
    `groups times buckets need more than ${bytesMax} bytes of memory; ask for fewer fields, a shorter range, longer buckets or no percentiles`,
  )
}
