// Work on many things in turns: in order, or a piece at a time. Sorting a hundred thousand texts takes a tenth of a second.

import type { Turns } from './turns.ts'

/** Sorted, or merged, at a time. */
const runLength = 2048

/** NaN comes last. */
export function compareNumbers(a: number, b: number): number {
  return a < b ? -1 : a > b ? 1 : Number(Number.isNaN(a)) - Number(Number.isNaN(b))
}

/** In order, and stable, as Array.toSorted. */
export async function sortedInTurns<T>(
  list: readonly T[],
  compare: (a: T, b: T) => number,
  turns: Turns,
): Promise<T[]> {
  let runs: T[][] = []
  for (let from = 0; from < list.length; from += runLength) {
    runs.push(list.slice(from, from + runLength).sort(compare))
    if (turns.isOver) await turns.next()
  }
  while (runs.length > 1) {
    const longer: T[][] = []
    for (let at = 0; at < runs.length; at += 2) {
      const [left = [], right] = [runs[at], runs[at + 1]]
      longer.push(right ? await mergedRuns(left, right, compare, turns) : left)
    }
    runs = longer
  }
  return runs[0] ?? []
}

async function mergedRuns<T>(
  left: readonly T[],
  right: readonly T[],
  compare: (a: T, b: T) => number,
  turns: Turns,
): Promise<T[]> {
  const merged: T[] = []
  let [l, r] = [0, 0]
  while (l < left.length && r < right.length) {
    // Of equal ones the left comes first.
    merged.push(compare(left[l] as T, right[r] as T) <= 0 ? (left[l++] as T) : (right[r++] as T))
    if (merged.length % runLength === 0 && turns.isOver) await turns.next()
  }
  for (; l < left.length; l++) merged.push(left[l] as T)
  for (; r < right.length; r++) merged.push(right[r] as T)
  return merged
}

/** Steps that are worked out at a time. */
const pieceSteps = 65_536

/** Calls `work` with the ends of a piece after the other, of `steps` in all. */
export async function inPieces(
  steps: number,
  turns: Turns,
  work: (from: number, to: number) => void,
): Promise<void> {
  for (let from = 0; from < steps; from += pieceSteps) {
    work(from, Math.min(steps, from + pieceSteps))
    if (turns.isOver) await turns.next()
  }
}
