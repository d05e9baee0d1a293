// quantile_over_time: the samples of a series in the order of their values, and a tree that counts which of them are in the window.
// A window is not sorted anew at every step: what enters and leaves it costs the logarithm of the number of samples.

import { quantileOf } from '../../store/overTime.ts'
import { compareNumbers, sortedInTurns } from '../sorting.ts'
import type { Turns } from '../turns.ts'
import type { Series } from './samples.ts'
import type { Column } from './values.ts'

interface Windows {
  /** Where windows end, in milliseconds; they do not go back. A window begins after its end - `rangeMs`. */
  ends: Float64Array
  rangeMs: number
  /** The quantile wanted of each window. */
  q: Float64Array
  turns: Turns
}

/** Fills in what each window comes to that holds a sample. */
export async function fillQuantiles(
  { values: results, has }: Column,
  { times, values }: Pick<Series, 'times' | 'values'>,
  { ends, rangeMs, q, turns }: Windows,
): Promise<void> {
  const places: number[] = []
  for (let at = 0; at < times.length; at++) places.push(at)
  const byValue = (a: number, b: number): number => compareNumbers(values[a] ?? 0, values[b] ?? 0)
  const order = await sortedInTurns(places, byValue, turns)
  const ranks = new Uint32Array(order.length)
  for (let rank = 0; rank < order.length; rank++) ranks[order[rank] ?? 0] = rank
  const inside = new RankCounts(order.length)
  const valueAt = (place: number): number => values[order[inside.rankOf(place)] ?? 0] ?? Number.NaN
  let [from, to] = [0, 0]
  for (let step = 0; step < ends.length; step++) {
    const end = ends[step] ?? 0
    for (; to < times.length && (times[to] ?? 0) <= end; to++) {
      inside.add(ranks[to] ?? 0, 1)
      if (to % 1024 === 0 && turns.isOver) await turns.next()
    }
    for (; from < to && (times[from] ?? 0) <= end - rangeMs; from++) {
      inside.add(ranks[from] ?? 0, -1)
      if (from % 1024 === 0 && turns.isOver) await turns.next()
    }
    if (to === from) continue
    results[step] = quantileOf(to - from, q[step] ?? Number.NaN, valueAt)
    has[step] = 1
    if (step % 256 === 0 && turns.isOver) await turns.next()
  }
}

/** Which ranks are there, in a tree of partial sums (Fenwick). */
class RankCounts {
  readonly #sums: Int32Array
  readonly #top: number

  constructor(size: number) {
    this.#sums = new Int32Array(size + 1)
    this.#top = size === 0 ? 0 : 2 ** Math.floor(Math.log2(size))
  }

  add(rank: number, change: number): void {
    const sums = this.#sums
    for (let at = rank + 1; at < sums.length; at += at & -at) sums[at] = (sums[at] ?? 0) + change
  }

  /** The rank that has `place` others before it. */
  rankOf(place: number): number {
    const sums = this.#sums
    let at = 0
    let left = place
    for (let width = this.#top; width > 0; width >>>= 1) {
      const next = at + width
      if (next >= sums.length || (sums[next] ?? 0) > left) continue
      left -= sums[next] ?? 0
      at = next
    }
    return at
  }
}
