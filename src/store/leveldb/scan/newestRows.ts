// Which rows of a block are the newest at one of some times: PromQL shows a number a step, and readings are mostly more.

import { rowFrom } from '../aggregate/cache.ts'

/** Writes which rows are the newest at one of the times, and gives how many. */
export function newestRows(
  times: Float64Array,
  wanted: Float64Array,
  { first, end }: { first: number; end: number },
  kept: Uint32Array,
): number {
  let count = 0
  let row = first
  let last = first
  for (let at = rowFrom(wanted, times[first]!); at < wanted.length && row < end; at++) {
    const time = wanted[at]!
    while (row < end && times[row]! <= time) row++
    if (row === last) continue
    kept[count++] = row - 1
    last = row
  }
  return count
}

/** The same where capture data differ: a row hides none of other capture data, whose tags and so whose series may be others. */
export function newestOfEach(
  times: Float64Array,
  captures: Uint32Array,
  wanted: Float64Array,
  { first, end }: { first: number; end: number },
  kept: Uint32Array,
): number {
  let count = 0
  let at = rowFrom(wanted, times[first]!)
  for (let row = first; row < end; row++) {
    const time = times[row]!
    while (at < wanted.length && wanted[at]! < time) at++
    const isHidden =
      row + 1 < end &&
      captures[row + 1] === captures[row] &&
      (at === wanted.length || wanted[at]! >= times[row + 1]!)
    if (!isHidden) kept[count++] = row
  }
  return count
}
