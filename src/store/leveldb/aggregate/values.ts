// Every value of a field with its bucket, for quantiles, which no summary gives exactly.

import { quantileOf } from '../../aggregate.ts'
import type { Reserve } from './cells.ts'

/** Value i belongs to bucket buckets[i]; `length` of both are in use. */
export interface Collected {
  values: Float64Array
  buckets: Uint32Array
  length: number
}

/** What a collected value takes. */
const valueBytes = 12

/** Appends values[from…to) of one bucket. */
export function collectValues(
  collected: Collected,
  bucket: number,
  values: Float64Array,
  from: number,
  to: number,
  reserve: Reserve,
): void {
  const wanted = collected.length + to - from
  if (wanted > collected.values.length) {
    const capacity = Math.max(wanted, Math.min(2 * collected.length, collected.length + 2 ** 20), 16)
    reserve((capacity - collected.values.length) * valueBytes)
    const grownValues = new Float64Array(capacity)
    grownValues.set(collected.values.subarray(0, collected.length))
    const grownBuckets = new Uint32Array(capacity)
    grownBuckets.set(collected.buckets.subarray(0, collected.length))
    collected.values = grownValues
    collected.buckets = grownBuckets
  }
  for (let i = from; i < to; i++) collected.values[collected.length + i - from] = values[i]!
  collected.buckets.fill(bucket, collected.length, wanted)
  collected.length = wanted
}

/** For each quantile its value in each of the buckets, which hold so many values each and are ascending. */
export function quantilesOf(
  { values, buckets, length }: Collected,
  found: Uint32Array,
  counts: Float64Array,
  quantiles: readonly number[],
): Float64Array[] {
  const base = found[0] ?? 0
  const ends = new Uint32Array((found.at(-1) ?? 0) - base + 1)
  const results = quantiles.map(() => new Float64Array(found.length))
  let end = 0
  for (let i = 0; i < found.length; i++) {
    ends[found[i]! - base] = end
    end += counts[i]!
  }
  const sorted = new Float64Array(end)
  for (let i = 0; i < length; i++) {
    const place = buckets[i]! - base
    sorted[ends[place]!] = values[i]!
    ends[place] = ends[place]! + 1
  }
  for (let i = 0; i < found.length; i++) {
    const to = ends[found[i]! - base]!
    const own = sorted.subarray(to - counts[i]!, to).sort()
    for (const [place, quantile] of quantiles.entries()) results[place]![i] = quantileOf(own, quantile)
  }
  return results
}
