// Aggregations over series: sum, avg, min, max, count, group, stddev, stdvar, quantile, topk, bottomk, count_values.

import type { Aggregation } from './ast.ts'
import { execution, fault } from './faults.ts'
import { keyOf, type Labels, makeLabels, metricName, only, without } from './labels.ts'
import { compensatedSum, quantile } from './overTime.ts'
import { type Column, makeColumn, type Value, type Vector } from './values.ts'

type Reduce = (values: number[], parameter: number) => number

const varianceOf: Reduce = (values) => {
  const mean = compensatedSum(values) / values.length
  return compensatedSum(values.map((value) => (value - mean) ** 2)) / values.length
}

const reducers: Record<string, Reduce> = {
  sum: (values) => compensatedSum(values),
  avg: (values) => compensatedSum(values) / values.length,
  min: (values) => values.reduce((least, value) => (value < least || Number.isNaN(least) ? value : least)),
  max: (values) => values.reduce((most, value) => (value > most || Number.isNaN(most) ? value : most)),
  count: (values) => values.length,
  group: () => 1,
  stdvar: varianceOf,
  stddev: (values, parameter) => Math.sqrt(varianceOf(values, parameter)),
  quantile: (values, q) => quantile(Float64Array.from(values), q),
}

interface Group {
  labels: Labels
  columns: Column[]
}

export function evaluateAggregation(
  node: Aggregation,
  { series }: Vector,
  parameter: Value | null,
  steps: number,
): Vector {
  const { operator } = node
  const groups = [...groupsOf(node, series).values()]
  if (operator === 'topk' || operator === 'bottomk') {
    if (parameter?.type !== 'scalar') throw fault(`${operator} needs a number`)
    return {
      type: 'vector',
      series: groups.flatMap((group) => pick(group, parameter.values, operator === 'topk')),
    }
  }
  if (operator === 'count_values') {
    if (parameter?.type !== 'string') throw fault('count_values needs a label name')
    return countValues(groups, parameter.value, steps)
  }
  const reduce = Object.hasOwn(reducers, operator) ? reducers[operator] : undefined
  if (!reduce) throw execution(`the aggregation ${operator} is not supported here`)
  const numbers = parameter?.type === 'scalar' ? parameter.values : null
  const results = groups.map(({ labels, columns }) => {
    const result = makeColumn(labels, steps)
    for (let step = 0; step < steps; step++) {
      const values = columns.filter(({ has }) => has[step]).map((column) => column.values[step] ?? Number.NaN)
      if (values.length === 0) continue
      result.values[step] = reduce(values, numbers?.[step] ?? Number.NaN)
      result.has[step] = 1
    }
    return result
  })
  return { type: 'vector', series: results }
}

function groupsOf({ by, labels: names }: Aggregation, series: readonly Column[]): Map<string, Group> {
  const groups = new Map<string, Group>()
  for (const column of series) {
    const labels = by ? only(column.labels, names) : without(column.labels, [...names, metricName])
    const key = keyOf(labels)
    const group = groups.get(key)
    if (group) group.columns.push(column)
    else groups.set(key, { labels, columns: [column] })
  }
  return groups
}

/** The k largest, or smallest, of each step; NaN comes last. They keep their labels. */
function pick({ columns }: Group, counts: Float64Array, isTop: boolean): Column[] {
  const results = columns.map(({ labels, values }) => ({
    labels,
    values,
    has: new Uint8Array(values.length),
  }))
  for (const [step, count] of counts.entries()) {
    const k = Math.floor(count)
    if (!(k >= 1)) continue
    const present = columns.flatMap((column, at) =>
      column.has[step] ? [{ at, value: column.values[step] ?? Number.NaN }] : [],
    )
    present.sort((a, b) => rank(a.value, b.value, isTop) || a.at - b.at)
    for (const { at } of present.slice(0, k)) {
      const result = results[at]
      if (result) result.has[step] = 1
    }
  }
  return results
}

function rank(a: number, b: number, isTop: boolean): number {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(a)) - Number(Number.isNaN(b))
  return isTop ? b - a : a - b
}

function countValues(groups: readonly Group[], label: string, steps: number): Vector {
  if (!/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(label)) throw fault(`invalid label name "${label.slice(0, 60)}"`)
  const results = new Map<string, Column>()
  for (const { labels, columns } of groups) {
    for (const { values, has } of columns) {
      for (let step = 0; step < steps; step++) {
        if (!has[step]) continue
        const text = formatNumber(values[step] ?? Number.NaN)
        const named = makeLabels([
          ...Object.entries(labels).filter(([name]) => name !== label),
          [label, text],
        ])
        const key = keyOf(named)
        let result = results.get(key)
        if (!result) results.set(key, (result = makeColumn(named, steps)))
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
