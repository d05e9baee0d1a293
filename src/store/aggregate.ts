// Aggregates straight from readings: every number of every reading is looked at. Obviously correct, whatever it costs:
// the reference engine answers with it, and what the embedded engine works out from columns must agree with it.

import type { Reading } from '../domain/reading.ts'
import { payloadLeavesMax, payloadLevelsMax } from './leafLimits.ts'
import type { AggregateQuery, SeriesAggregate } from './store.ts'

/** What an aggregate over everything would have to hold at once is cut up into so many series. */
const chunkSeries = 1000

interface Bucket {
  /** In (time, seq) order. */
  values: number[]
}

/** Series of `readings`, which come in (time, seq) order and lie in the range of the edges. */
export async function* aggregateReadings(
  readings: AsyncIterable<Reading[]>,
  query: Pick<AggregateQuery, 'fields' | 'edges' | 'quantiles' | 'groupOf'>,
): AsyncGenerator<SeriesAggregate[]> {
  const groups = new Map<string, Map<string, Map<number, Bucket>>>()
  for await (const chunk of readings) {
    for (const reading of chunk) {
      const group = query.groupOf ? query.groupOf(reading.topic) : reading.topic
      const at = bucketAt(query.edges, reading.time)
      if (group === null || at < 0) continue
      const fields = madeIn(groups, group, () => new Map<string, Map<number, Bucket>>())
      for (const [path, value] of numbersOf(reading)) {
        if (query.fields.length > 0 && !query.fields.includes(path)) continue
        const buckets = madeIn(fields, path, () => new Map<number, Bucket>())
        madeIn(buckets, at, () => ({ values: [] })).values.push(value)
      }
    }
  }
  const series = [...groups]
    .sort(byName)
    .flatMap(([group, fields]) =>
      [...fields].sort(byName).map(([field, buckets]) => seriesOf(group, field, buckets, query.quantiles)),
    )
  for (let at = 0; at < series.length; at += chunkSeries) yield series.slice(at, at + chunkSeries)
}

/** The bucket of `time`, or -1 when it is in none. */
export function bucketAt(edges: Float64Array, time: number): number {
  let low = 0
  let high = edges.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((edges[middle] ?? 0) <= time) low = middle + 1
    else high = middle
  }
  return low === edges.length ? -1 : low - 1
}

/** The quantile of ascending `values`, between two of them in a straight line: R-7 of Hyndman and Fan (1996). */
export function quantileOf(values: ArrayLike<number>, quantile: number): number {
  const rank = quantile * (values.length - 1)
  const below = Math.floor(rank)
  const low = values[below] ?? Number.NaN
  const high = values[Math.min(below + 1, values.length - 1)] ?? low
  return low === high ? low : low + (high - low) * (rank - below)
}

/** Dotted path and number of every numeric field of a reading. */
export function numbersOf({ fields, payload }: Reading): [string, number][] {
  const found = fields ? Object.entries(fields) : leavesOf(payload)
  return found.flatMap(([path, value]): [string, number][] => {
    const number = typeof value === 'bigint' ? Number(value) : value
    return typeof number === 'number' && Number.isFinite(number) ? [[path, number]] : []
  })
}

function leavesOf(payload: Uint8Array): [string, unknown][] {
  let root: unknown
  try {
    root = JSON.parse(Buffer.from(payload).toString())
  } catch {
    return []
  }
  const leaves = new Map<string, unknown>()
  /** False when there is more than counts. */
  const walk = (node: unknown, prefix: string, level: number): boolean => {
    if (level > payloadLevelsMax) return false
    for (const [key, child] of Object.entries(node as object)) {
      if (typeof child === 'object' && child !== null) {
        if (!walk(child, `${prefix}${key}.`, level + 1)) return false
      } else if (leaves.set(`${prefix}${key}`, child).size > payloadLeavesMax) return false
    }
    return true
  }
  if (typeof root !== 'object' || root === null) leaves.set('value', root)
  else if (!walk(root, '', 1)) return []
  return [...leaves]
}

function seriesOf(
  group: string,
  field: string,
  buckets: Map<number, Bucket>,
  quantiles: readonly number[],
): SeriesAggregate {
  const found = [...buckets].sort(([a], [b]) => a - b)
  const each = (figure: (values: number[]) => number): Float64Array =>
    Float64Array.from(found, ([, { values }]) => figure(values))
  const sum = (values: number[]): number => values.reduce((total, value) => total + value, 0)
  return {
    group,
    field,
    buckets: Uint32Array.from(found, ([at]) => at),
    counts: each(({ length }) => length),
    sums: each(sum),
    m2s: each((values) => {
      const mean = sum(values) / values.length
      return values.reduce((total, value) => total + (value - mean) ** 2, 0)
    }),
    mins: each((values) => values.reduce((least, value) => Math.min(least, value))),
    maxs: each((values) => values.reduce((most, value) => Math.max(most, value))),
    firsts: each((values) => values[0] ?? Number.NaN),
    lasts: each((values) => values.at(-1) ?? Number.NaN),
    quantiles: quantiles.map((quantile) =>
      each((values) => quantileOf(Float64Array.from(values).sort(), quantile)),
    ),
  }
}

function madeIn<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const known = map.get(key)
  if (known !== undefined) return known
  const made = make()
  map.set(key, made)
  return made
}

function byName([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : a > b ? 1 : 0
}
