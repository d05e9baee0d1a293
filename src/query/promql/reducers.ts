// What the values of many series come to at each step: column by column, which is how they lie in memory, and each step's values
// in the order of the series.

import { quantile, quantileOf } from '../../store/overTime.ts'
import { compareNumbers, sortedInTurns } from '../sorting.ts'
import type { Turns } from '../turns.ts'
import type { Column } from './values.ts'

/** Series that are put together, and how many of them have a value at each step. */
export interface Reduction {
  columns: readonly Column[]
  counts: Uint32Array
  /** The scalar of operators that take one, a number a step. */
  parameter: Float64Array | null
  turns: Turns
}

/** What a step comes to that has a value at all. */
export type Reduced = (step: number) => number

export const reducers: Record<string, (reduction: Reduction) => Promise<Reduced>> = {
  sum: (reduction) => sumsOf(reduction),
  avg: meansOf,
  min: (reduction) => extremesOf(reduction, 1),
  max: (reduction) => extremesOf(reduction, -1),
  count:
    async ({ counts }) =>
    (step) =>
      counts[step] ?? 0,
  group: async () => () => 1,
  stdvar: variancesOf,
  stddev: async (reduction) => {
    const variances = await variancesOf(reduction)
    return (step) => Math.sqrt(variances(step))
  },
  quantile: quantilesOf,
}

/** How many columns have a value at each step. */
export async function countsOf(
  columns: readonly Column[],
  steps: number,
  turns: Turns,
): Promise<Uint32Array> {
  const counts = new Uint32Array(steps)
  for (const { has } of columns) {
    for (let step = 0; step < steps; step++) counts[step] = (counts[step] ?? 0) + (has[step] ?? 0)
    if (turns.isOver) await turns.next()
  }
  return counts
}

/** Neumaier's sums: what rounding loses is kept beside. With `means`, of the squared distances from them. */
async function sumsOf(
  { columns, counts, turns }: Reduction,
  means: Float64Array | null = null,
): Promise<Reduced> {
  const sums = new Float64Array(counts.length)
  const losses = new Float64Array(counts.length)
  for (const { has, values } of columns) {
    // Written out: numbers that go through a function are put on the heap, a million of them a query.
    for (let step = 0; step < sums.length; step++) {
      if (has[step] === 0) continue
      let value = values[step] ?? Number.NaN
      if (means !== null) value = (value - (means[step] ?? 0)) ** 2
      const sum = sums[step] ?? 0
      const total = sum + value
      if (total - total !== 0) losses[step] = 0
      else {
        const lost = Math.abs(sum) >= Math.abs(value) ? sum - total + value : value - total + sum
        losses[step] = (losses[step] ?? 0) + lost
      }
      sums[step] = total
    }
    if (turns.isOver) await turns.next()
  }
  return (step) => (sums[step] ?? 0) + (losses[step] ?? 0)
}

async function meansOf(reduction: Reduction): Promise<Reduced> {
  const sums = await sumsOf(reduction)
  return (step) => sums(step) / (reduction.counts[step] ?? 0)
}

async function variancesOf(reduction: Reduction): Promise<Reduced> {
  const meanAt = await meansOf(reduction)
  const means = new Float64Array(reduction.counts.length)
  for (let step = 0; step < means.length; step++) means[step] = meanAt(step)
  const squares = await sumsOf(reduction, means)
  return (step) => squares(step) / (reduction.counts[step] ?? 0)
}

/** The lowest (`sign` 1) or the highest (-1); NaN gives way to any number. */
async function extremesOf({ columns, counts, turns }: Reduction, sign: 1 | -1): Promise<Reduced> {
  const best = new Float64Array(counts.length).fill(Number.NaN)
  for (const { has, values } of columns) {
    for (let step = 0; step < best.length; step++) {
      if (has[step] === 0) continue
      const value = values[step] ?? Number.NaN
      const known = best[step] ?? Number.NaN
      if (sign * value < sign * known || known !== known) best[step] = value
    }
    if (turns.isOver) await turns.next()
  }
  return (step) => best[step] ?? Number.NaN
}

/** Numbers that are put in order in one go. */
const sortedAtOnce = 65_536

async function quantilesOf({ columns, counts, parameter, turns }: Reduction): Promise<Reduced> {
  const results = new Float64Array(counts.length)
  const gathered = new Float64Array(columns.length)
  for (let step = 0; step < results.length; step++) {
    let size = 0
    for (const { has, values } of columns) if (has[step] === 1) gathered[size++] = values[step] ?? Number.NaN
    const q = parameter?.[step] ?? Number.NaN
    const values = gathered.subarray(0, size)
    if (size > sortedAtOnce) {
      const sorted = await sortedInTurns(Array.from(values), compareNumbers, turns)
      results[step] = quantileOf(size, q, (place) => sorted[place] ?? Number.NaN)
    } else results[step] = quantile(values, q)
    if (turns.isOver) await turns.next()
  }
  return (step) => results[step] ?? Number.NaN
}
