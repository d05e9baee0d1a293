// What expressions are worth over all steps of a query at once: a number a step, or series with a number at some steps.

import { inPieces } from '../sorting.ts'
import type { Turns } from '../turns.ts'
import { execution } from './faults.ts'
import { keyOf, type Labels, metricName, without } from './labels.ts'

/** `has[step]` says whether there is a number; a NaN is one. */
export interface Column {
  labels: Labels
  values: Float64Array
  has: Uint8Array
}

export interface Scalar {
  type: 'scalar'
  values: Float64Array
}

export interface Vector {
  type: 'vector'
  series: Column[]
}

export type Value = Scalar | Vector | { type: 'string'; value: string }

/** Makes columns for many series: they lie in one piece of memory, for thousands of small ones cost more than what is in them. */
export function createColumns(series: number, steps: number): (labels: Labels) => Column {
  const values = new Float64Array(series * steps)
  const has = new Uint8Array(series * steps)
  let at = 0
  return (labels) => {
    const [from, to] = [at, (at += steps)]
    return { labels, values: values.subarray(from, to), has: has.subarray(from, to) }
  }
}

export function makeColumn(labels: Labels, steps: number): Column {
  return { labels, values: new Float64Array(steps), has: new Uint8Array(steps) }
}

/** Each number changed, which is then no longer what its name says. */
export async function mapVector(
  { series }: Vector,
  change: (value: number, step: number) => number,
  turns: Turns,
): Promise<Vector> {
  const changed: Column[] = []
  for (const { labels, values, has } of series) {
    const results = new Float64Array(values.length)
    await inPieces(results.length, turns, (from, to) => {
      for (let step = from; step < to; step++)
        if (has[step]) results[step] = change(values[step] ?? Number.NaN, step)
    })
    changed.push({ labels: withoutName(labels), values: results, has })
  }
  return merged(changed, turns)
}

/** As Array.map, in turns. */
export async function mapColumns<T>(
  series: readonly T[],
  change: (column: T) => Column,
  turns: Turns,
): Promise<Column[]> {
  const changed: Column[] = []
  for (const column of series) {
    changed.push(change(column))
    if (turns.isOver) await turns.next()
  }
  return changed
}

export function withoutName(labels: Labels): Labels {
  return labels[metricName] === undefined ? labels : without(labels, [metricName])
}

/** Series that have come to have equal labels become one, unless both have a number at one step. */
export async function merged(series: readonly Column[], turns: Turns): Promise<Vector> {
  const found = new Map<string, Column>()
  for (const column of series) {
    if (turns.isOver) await turns.next()
    const key = keyOf(column.labels)
    const before = found.get(key)
    if (!before) {
      found.set(key, column)
      continue
    }
    const both = { labels: column.labels, values: before.values.slice(), has: before.has.slice() }
    for (const [step, present] of column.has.entries()) {
      if (!present) continue
      if (both.has[step]) throw execution('vector cannot contain metrics with the same labelset')
      both.has[step] = 1
      both.values[step] = column.values[step] ?? Number.NaN
    }
    found.set(key, both)
  }
  return { type: 'vector', series: [...found.values()] }
}
