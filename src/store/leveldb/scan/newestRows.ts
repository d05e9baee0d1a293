// Which rows of a block are the newest at one of some times: PromQL shows a number a step, and readings are mostly more.

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
  for (let at = placeOf(times[first]!, wanted); at < wanted.length && row < end; at++) {
    const time = wanted[at]!
    while (row < end && times[row]! <= time) row++
    if (row === last) continue
    kept[count++] = row - 1
    last = row
  }
  return count
}

/** The first of the times that is not before `time`. */
function placeOf(time: number, wanted: Float64Array): number {
  let low = 0
  let high = wanted.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (wanted[middle]! < time) low = middle + 1
    else high = middle
  }
  return low
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
  let at = placeOf(times[first]!, wanted)
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
