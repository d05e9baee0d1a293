// Merges all rows of many topics by (time, seq), oldest first, a window of time after another: each run gives what it has up to
// the window's end, and the rows of all are sorted then. A heap that takes one row of a thousand runs at a time touches other
// memory with each of them, and waits for it.

import { ChunkWriter, type RowChunk } from './chunk.ts'
import { type MergeLimits, RunHeap } from './merge.ts'
import type { TimedRun } from './runs.ts'

/** About so many rows are sorted at a time: they fit into a core's own cache. */
const windowRows = 8192

/** Chunks of merged rows. The caller may stop between any two. */
export function* mergeWindows(
  runs: readonly TimedRun[],
  { chunkRows, chunkBytes }: Omit<MergeLimits, 'limit'>,
): Generator<RowChunk> {
  const heap = new RunHeap<TimedRun>(1)
  for (const run of runs) heap.push(run)
  const ahead = Math.ceil(windowRows / Math.max(1, runs.length))
  const window = new ChunkWriter(windowRows, Number.POSITIVE_INFINITY)
  const order = new RowOrder()
  let chunk = new ChunkWriter(chunkRows, chunkBytes)
  while (heap.top) {
    window.clear()
    const given = fill(window, heap, ahead)
    const rows = order.of(window, given > 1)
    for (let i = 0; i < window.count; i++) {
      chunk.pushFrom(window, rows[i]!)
      if (!chunk.isFull) continue
      yield chunk.finish()
      chunk = new ChunkWriter(chunkRows, chunkBytes)
    }
  }
  if (chunk.count > 0) yield chunk.finish()
}

/** Takes the rows of the next window from the runs; how many of them gave some. */
function fill(window: ChunkWriter, heap: RunHeap<TimedRun>, ahead: number): number {
  const taken: TimedRun[] = []
  let end = Number.POSITIVE_INFINITY
  for (let run = heap.top; run && run.time <= end; run = heap.top) {
    if (!run.isOpen) {
      heap.settle(run.open())
      continue
    }
    taken.push(run)
    end = Math.min(end, run.timeAhead(ahead))
    heap.settle(false)
  }
  let given = 0
  for (const run of taken) {
    const before = window.count
    let goesOn = true
    // To the end also over what is not open yet: rows of one time stand together, whichever blocks they are in.
    while (goesOn && run.time <= end) goesOn = run.isOpen ? run.give(window) : run.open()
    if (window.count > before) given++
    if (goesOn) heap.push(run)
  }
  return given
}

/** The order of a window's rows, in memory that is used again. */
class RowOrder {
  #keys = new Float64Array(windowRows)
  #rows = new Uint32Array(windowRows)

  of(window: ChunkWriter, isMixed: boolean): Uint32Array {
    const { count } = window
    if (this.#rows.length < count) {
      this.#keys = new Float64Array(2 * count)
      this.#rows = new Uint32Array(2 * count)
    }
    const rows = this.#rows.subarray(0, count)
    const { times, seqs } = window.keys()
    if (isMixed && !this.#sortByKeys(rows, times)) {
      for (let i = 0; i < count; i++) rows[i] = i
      return rows.sort((a, b) => times[a]! - times[b]! || seqs[a]! - seqs[b]!)
    }
    if (isMixed) sortTies(rows, times, seqs)
    else for (let i = 0; i < count; i++) rows[i] = i
    return rows
  }

  /** By time: sorts times that carry the row in their last bits. `false` when they have no room for it. */
  #sortByKeys(rows: Uint32Array, times: Float64Array): boolean {
    const { length } = rows
    const keys = this.#keys.subarray(0, length)
    let first = Number.POSITIVE_INFINITY
    let last = Number.NEGATIVE_INFINITY
    let areWhole = true
    for (let i = 0; i < length; i++) {
      const time = times[i]!
      if (time < first) first = time
      if (time > last) last = time
      if (time !== Math.floor(time)) areWhole = false
    }
    const size = 2 ** Math.ceil(Math.log2(length))
    if (!areWhole || (last - first + 1) * size > Number.MAX_SAFE_INTEGER) return false
    for (let i = 0; i < length; i++) keys[i] = (times[i]! - first) * size + i
    keys.sort()
    for (let i = 0; i < length; i++) rows[i] = keys[i]! % size
    return true
  }
}

/** Puts rows of one time in the order of their numbers. */
function sortTies(rows: Uint32Array, times: Float64Array, seqs: Float64Array): void {
  const byNumber = (a: number, b: number): number => seqs[a]! - seqs[b]!
  for (let from = 0; from < rows.length; ) {
    const time = times[rows[from]!]!
    let to = from + 1
    let isSorted = true
    for (; to < rows.length && times[rows[to]!]! === time; to++) {
      if (seqs[rows[to]!]! < seqs[rows[to - 1]!]!) isSorted = false
    }
    if (!isSorted) rows.subarray(from, to).sort(byNumber)
    from = to
  }
}
