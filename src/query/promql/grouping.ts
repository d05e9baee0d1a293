// Aggregations over series: sum, avg, min, max, count, group, stddev, stdvar, quantile, topk, bottomk, count_values.

import type { Aggregation } from './ast.ts'
import { execution, fault } from './faults.ts'
import { keyOf, type Labels, makeLabels, metricName, only, without } from './labels.ts'
import { countsOf, reducers } from './reducers.ts'
import { sortedInTurns } from '../sorting.ts'
import type { Turns } from '../turns.ts'
import type { Room } from './room.ts'
import { type Column, makeColumn, mapColumns, type Value, type Vector } from './values.ts'

interface Group {
  labels: Labels
  columns: Column[]
}

export async function evaluateAggregation(
  node: Aggregation,
  { series }: Vector,
  parameter: Value | null,
  { steps, room, turns }: { steps: number; room: Room; turns: Turns },
): Promise<Vector> {
  const { operator } = node
  const groups = await groupsOf(node, series, turns)
  if (operator === 'topk' || operator === 'bottomk') {
    if (parameter?.type !== 'scalar') throw fault(`${operator} needs a number`)
    const picked: Column[] = []
    for (const group of groups)
      picked.push(...(await pick(group, parameter.values, operator === 'topk', turns)))
    return { type: 'vector', series: picked }
  }
  if (operator === 'count_values') {
    if (parameter?.type !== 'string') throw fault('count_values needs a label name')
    return countValues(groups, parameter.value, { steps, room, turns })
  }
  const reduce = Object.hasOwn(reducers, operator) ? reducers[operator] : undefined
  if (!reduce) throw execution(`the aggregation ${operator} is not supported here`)
  const numbers = parameter?.type === 'scalar' ? parameter.values : null
  const results: Column[] = []
  for (const { labels, columns } of groups) {
    const counts = await countsOf(columns, steps, turns)
    const reduced = await reduce({ columns, counts, parameter: numbers, turns })
    const result = makeColumn(labels, steps)
    for (let step = 0; step < steps; step++) {
      if (counts[step] === 0) continue
      result.values[step] = reduced(step)
      result.has[step] = 1
    }
    results.push(result)
  }
  return { type: 'vector', series: results }
}

async function groupsOf(
  { by, labels: names }: Aggregation,
  series: readonly Column[],
  turns: Turns,
): Promise<Group[]> {
  if (by && names.length === 0)
    return series.length === 0 ? [] : [{ labels: makeLabels([]), columns: [...series] }]
  const groups = new Map<string, Group>()
  for (const column of series) {
    if (turns.isOver) await turns.next()
    const labels = by ? only(column.labels, names) : without(column.labels, [...names, metricName])
    const key = keyOf(labels)
    const group = groups.get(key)
    if (group) group.columns.push(column)
    else groups.set(key, { labels, columns: [column] })
  }
  return [...groups.values()]
}

/** The k largest, or smallest, of each step; NaN comes last. They keep their labels. */
async function pick(
  { columns }: Group,
  counts: Float64Array,
  isTop: boolean,
  turns: Turns,
): Promise<Column[]> {
  const make = ({ labels, values }: Column): Column => ({
    labels,
    values,
    has: new Uint8Array(values.length),
  })
  const results = await mapColumns(columns, make, turns)
  const valueAt = (at: number): number => columns[at]?.values[step] ?? Number.NaN
  const compare = (a: number, b: number): number => rank(valueAt(a), valueAt(b), isTop)
  let step = 0
  for (; step < counts.length; step++) {
    const k = Math.min(columns.length, Math.floor(counts[step] ?? 0))
    if (!(k >= 1)) continue
    const there: number[] = []
    for (let at = 0; at < columns.length; at++) if (columns[at]?.has[step] === 1) there.push(at)
    const best = k < sortedFrom ? bestOf(there, k, compare) : await sortedInTurns(there, compare, turns)
    for (let at = 0; at < Math.min(k, best.length); at++) {
      const result = results[best[at] ?? 0]
      if (result) result.has[step] = 1
    }
    if (turns.isOver) await turns.next()
  }
  return results
}

/** From so many wanted on, all are put in order. */
const sortedFrom = 32

/** The first `k` in order. */
function bestOf(list: readonly number[], k: number, compare: (a: number, b: number) => number): number[] {
  const best: number[] = []
  for (const one of list) {
    // Of equal ones the first stays.
    if (best.length === k && compare(one, best[k - 1] ?? 0) >= 0) continue
    if (best.length === k) best.pop()
    let at = best.length
    while (at > 0 && compare(one, best[at - 1] ?? 0) < 0) at--
    best.splice(at, 0, one)
  }
  return best
}

function rank(a: number, b: number, isTop: boolean): number {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(a)) - Number(Number.isNaN(b))
  return isTop ? b - a : a - b
}

async function countValues(
  groups: readonly Group[],
  label: string,
  { steps, room, turns }: { steps: number; room: Room; turns: Turns },
): Promise<Vector> {
  if (!/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(label)) throw fault(`invalid label name "${label.slice(0, 60)}"`)
  const results = new Map<string, Column>()
  for (const { labels, columns } of groups) {
    for (const { values, has } of columns) {
      for (let step = 0; step < steps; step++) {
        if (!has[step]) continue
        if (turns.isOver) await turns.next()
        const text = formatNumber(values[step] ?? Number.NaN)
        const named = makeLabels([
          ...Object.entries(labels).filter(([name]) => name !== label),
          [label, text],
        ])
        const key = keyOf(named)
        let result = results.get(key)
        if (!result) {
          // Each value makes a series.
          room.check(results.size + 1, steps)
          results.set(key, (result = makeColumn(named, steps)))
        }
        result.values[step] = (result.values[step] ?? 0) + 1
        result.has[step] = 1
      }
    }
  }
  return { type: 'vector', series: [...results.values()] }
}

/** As Prometheus writes it: +Inf, -Inf, NaN. */
export function formatNumber(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf'
  if (value === Number.NEGATIVE_INFINITY) return '-Inf'
  return String(value)
}
