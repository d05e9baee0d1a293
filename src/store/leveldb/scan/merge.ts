// Merges runs of many topics into one (time, seq) order, forwards or backwards: a binary heap of runs, in which a run that
// is not open yet stands at its bound and is opened when it comes to the top.

import { ChunkWriter, type RowChunk } from './chunk.ts'
import type { Run } from './runs.ts'

export interface MergeLimits {
  /** Rows in all. */
  limit: number
  chunkRows: number
  chunkBytes: number
}

const firstRows = 128

/** Chunks of merged rows. The caller may stop between any two. */
export function* mergeRuns(
  runs: readonly Run[],
  order: 'asc' | 'desc',
  { limit, chunkRows, chunkBytes }: MergeLimits,
): Generator<RowChunk> {
  const heap = new RunHeap<Run>(order === 'asc' ? 1 : -1)
  for (const run of runs) heap.push(run)
  const rowsOf = (left: number): number => Math.min(chunkRows, left)
  let left = limit
  if (left <= 0) return
  // Most questions have a few rows for an answer.
  let chunk = new ChunkWriter(rowsOf(left), chunkBytes, firstRows)
  for (let run = heap.top; run && left > 0; run = heap.top) {
    if (!run.isOpen) {
      heap.settle(run.open())
      continue
    }
    heap.settle(run.give(chunk))
    left--
    if (!chunk.isFull) continue
    yield chunk.finish()
    if (left > 0) chunk = new ChunkWriter(rowsOf(left), chunkBytes)
  }
  if (chunk.count > 0 && !chunk.isFull) yield chunk.finish()
}

/** Runs by the row they stand at. */
export class RunHeap<T extends Run> {
  readonly #runs: T[] = []
  readonly #sign: 1 | -1

  constructor(sign: 1 | -1) {
    this.#sign = sign
  }

  get top(): T | undefined {
    return this.#runs[0]
  }

  push(run: T): void {
    const runs = this.#runs
    let at = runs.length
    runs.push(run)
    while (at > 0) {
      const up = (at - 1) >>> 1
      const parent = runs[up]!
      if (!this.#isBefore(run, parent)) break
      runs[at] = parent
      at = up
    }
    runs[at] = run
  }

  /** The top has changed its place, or is at its end. */
  settle(goesOn: boolean): void {
    const runs = this.#runs
    const last = goesOn ? runs[0]! : runs.pop()!
    if (runs.length === 0) return
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= runs.length) break
      if (child + 1 < runs.length && this.#isBefore(runs[child + 1]!, runs[child]!)) child++
      if (!this.#isBefore(runs[child]!, last)) break
      runs[at] = runs[child]!
      at = child
    }
    runs[at] = last
  }

  /** At one place a run that is not open comes first: it may hold the row that is due. */
  #isBefore(a: T, b: T): boolean {
    const order = (a.time - b.time || a.seq - b.seq) * this.#sign
    return order < 0 || (order === 0 && !a.isOpen && b.isOpen)
  }
}
