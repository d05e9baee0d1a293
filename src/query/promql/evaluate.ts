// Evaluates an expression at the steps of a query. Samples are read once for each selector; windows are left-open, as in
// Prometheus 3: a sample exactly at the start of a window is outside.

import { fillWindows, isStepFunction, overTime } from '../../store/overTime.ts'
import type { Call, MatrixSelector, Node, Shift, Subquery, VectorSelector } from './ast.ts'
import { evaluateBinary } from './binary.ts'
import { execution } from './faults.ts'
import { absent, callFunction } from './functions.ts'
import { evaluateAggregation } from './grouping.ts'
import { compileMatchers } from './matchers.ts'
import { fillQuantiles } from './quantileWindows.ts'
import type { Room } from './room.ts'
import { loadSeries, loadSteps, present, type SampleSource, type Series } from './samples.ts'
import {
  type Column,
  createColumns,
  mapColumns,
  mapVector,
  merged,
  type Scalar,
  type Value,
  type Vector,
  withoutName,
} from './values.ts'

export interface Evaluation {
  source: SampleSource
  /** Of the steps, in milliseconds, ascending. */
  times: Float64Array
  /** Ends of the whole query, which @ start() and @ end() mean. */
  startMs: number
  endMs: number
  /** How far back an instant selector looks. */
  lookbackMs: number
  /** The step of a subquery that names none. */
  subqueryStepMs: number
  room: Room
}

export async function evaluate(node: Node, on: Evaluation): Promise<Value> {
  const { turns } = on.source
  if (turns.isOver) await turns.next()
  const value = await work(node, on)
  if (value.type === 'vector') on.room.check(value.series.length, on.times.length)
  return value
}

async function work(node: Node, on: Evaluation): Promise<Value> {
  const { room, source, times } = on
  const { turns } = source
  const steps = times.length
  switch (node.kind) {
    case 'number':
      return { type: 'scalar', values: new Float64Array(steps).fill(node.value) }
    case 'string':
      return { type: 'string', value: node.value }
    case 'paren':
      return evaluate(node.inner, on)
    case 'negate': {
      const value = await evaluate(node.inner, on)
      if (value.type === 'scalar') {
        const values = new Float64Array(steps)
        for (let step = 0; step < steps; step++) values[step] = -(value.values[step] ?? Number.NaN)
        return { type: 'scalar', values }
      }
      return value.type === 'vector' ? mapVector(value, (one) => -one, turns) : value
    }
    case 'vector':
      return instant(node, on)
    case 'binary': {
      const left = await evaluate(node.left, on)
      const right = await room.holding(left, () => evaluate(node.right, on))
      return evaluateBinary(node, left, right, { steps, room, turns })
    }
    case 'aggregation': {
      const parameter = node.parameter ? await evaluate(node.parameter, on) : null
      const inner = parameter
        ? await room.holding(parameter, () => evaluate(node.inner, on))
        : await evaluate(node.inner, on)
      if (inner.type !== 'vector') throw execution(`${node.operator} needs a vector`)
      return evaluateAggregation(node, inner, parameter, { steps, room, turns })
    }
    case 'call':
      return call(node, on)
    case 'matrix':
    case 'subquery':
      throw execution('a range vector must be inside a function such as rate() or avg_over_time()')
  }
}

/** The newest sample of each series that is not older than the lookback. */
async function instant(
  selector: VectorSelector,
  on: Evaluation,
  value?: (series: Series, at: number) => number,
): Promise<Vector> {
  const ends = endsOf(selector.shift, on)
  const matchers = await compileMatchers(selector.matchers, on.source.turns)
  const check = (series: number): void => on.room.check(series, ends.length)
  if (!value) {
    const stepped = await loadSteps(on.source, matchers, { at: ends, lookbackMs: on.lookbackMs, check })
    if (stepped) return { type: 'vector', series: stepped }
  }
  const [first, last] = span(ends)
  const within = { from: first - on.lookbackMs + 1, to: last, newestAt: ends }
  const series = await loadSeries(on.source, matchers, within)
  check(series.length)
  const make = createColumns(series.length, ends.length)
  const columns: Column[] = []
  for (const one of series) {
    const column = make(one.labels)
    fillNewest(column, one, { ends, lookbackMs: on.lookbackMs, value })
    if (column.has.includes(1)) columns.push(column)
    if (on.source.turns.isOver) await on.source.turns.next()
  }
  return { type: 'vector', series: columns }
}

function fillNewest(
  { has, values }: Column,
  series: Series,
  {
    ends,
    lookbackMs,
    value,
  }: {
    ends: Float64Array
    lookbackMs: number
    value: ((series: Series, at: number) => number) | undefined
  },
): void {
  const { times } = series
  let next = 0
  // Ends do not go back: they are the steps, moved, or one moment.
  for (let step = 0; step < ends.length; step++) {
    const end = ends[step] ?? 0
    next = advance(times, next, end)
    if (next === 0 || (times[next - 1] ?? 0) <= end - lookbackMs) continue
    has[step] = 1
    values[step] = value ? value(series, next - 1) : (series.values[next - 1] ?? Number.NaN)
  }
}

async function call(node: Call, on: Evaluation): Promise<Value> {
  const { name, args } = node
  const { room, source, times } = on
  const { turns } = source
  const matrixAt = args.findIndex((arg) => matrixIn(arg) !== null)
  const matrix = matrixAt === -1 ? null : matrixIn(args[matrixAt] ?? node)
  if (matrix) {
    const other = args[1 - matrixAt]
    const parameter = other ? await evaluate(other, on) : null
    if (parameter?.type !== 'scalar') return windowFunction(name, matrix, null, on)
    return room.holding(parameter, () => windowFunction(name, matrix, parameter, on))
  }
  const first = args[0] && unwrap(args[0])
  if (name === 'timestamp' && first?.kind === 'vector') {
    const found = await instant(first, on, ({ times: own }, at) => (own[at] ?? 0) / 1000)
    return unnamed(found.series, on)
  }
  const values = await evaluateAll(args, on)
  if (name === 'timestamp') {
    const [vector] = values
    if (vector?.type !== 'vector') throw execution('timestamp needs a vector')
    return mapVector(vector, (_value, step) => (times[step] ?? 0) / 1000, turns)
  }
  return callFunction(name, values, { times, nodes: args.map(unwrap), room, turns })
}

/** One after the other; those that are there wait for those that come. */
async function evaluateAll([first, ...rest]: readonly Node[], on: Evaluation): Promise<Value[]> {
  if (!first) return []
  const value = await evaluate(first, on)
  return [value, ...(await on.room.holding(value, () => evaluateAll(rest, on)))]
}

async function windowFunction(
  name: string,
  matrix: MatrixSelector | Subquery,
  parameter: Scalar | null,
  on: Evaluation,
): Promise<Vector> {
  if (matrix.kind === 'matrix' && isStepFunction(name)) {
    const found = await steppedWindows(name, matrix, on)
    if (found) return found
  }
  const { series, ends } = await windows(matrix, on)
  on.room.check(series.length, ends.length)
  const columns = await fillColumns(name, series, { ends, rangeMs: matrix.rangeMs, parameter }, on)
  const { turns } = on.source
  if (name === 'absent_over_time') return absent(columns, matrix, { steps: on.times.length, turns })
  return merged(
    columns.filter(({ has }) => has.includes(1)),
    turns,
  )
}

/** What the windows of each series come to. */
async function fillColumns(
  name: string,
  series: readonly Series[],
  { ends, rangeMs, parameter }: { ends: Float64Array; rangeMs: number; parameter: Scalar | null },
  { source: { turns } }: Evaluation,
): Promise<Column[]> {
  const isQuantile = name === 'quantile_over_time'
  const compute =
    name === 'absent_over_time' ? () => 1 : Object.hasOwn(overTime, name) ? overTime[name] : undefined
  if (!compute && !isQuantile) throw execution(`the function ${name} is not supported here`)
  const make = createColumns(series.length, ends.length)
  const columns: Column[] = []
  const numbers = parameter?.values ?? null
  for (const one of series) {
    const column = make(name === 'last_over_time' ? one.labels : withoutName(one.labels))
    columns.push(column)
    if (compute) {
      const samples = { times: one.times, values: one.values, length: one.times.length }
      const asked = { at: ends, rangeMs, work: compute, parameter: numbers }
      for (const _pause of fillWindows(column.values, column.has, samples, asked))
        if (turns.isOver) await turns.next()
    } else await fillQuantiles(column, one, { ends, rangeMs, q: numbers ?? new Float64Array(0), turns })
    if (turns.isOver) await turns.next()
  }
  return columns
}

/** The same worked out where the samples are read; `null` where two series have equal labels. */
async function steppedWindows(
  name: string,
  { selector, rangeMs }: MatrixSelector,
  on: Evaluation,
): Promise<Vector | null> {
  const matchers = await compileMatchers(selector.matchers, on.source.turns)
  const found = await loadSteps(on.source, matchers, {
    at: endsOf(selector.shift, on),
    lookbackMs: rangeMs,
    over: name,
    check: (series) => on.room.check(series, on.times.length),
  })
  if (!found || name === 'last_over_time') return found && { type: 'vector', series: found }
  return unnamed(found, on)
}

async function unnamed(series: readonly Column[], { source: { turns } }: Evaluation): Promise<Vector> {
  const bare = (column: Column): Column => ({ ...column, labels: withoutName(column.labels) })
  return merged(await mapColumns(series, bare, turns), turns)
}

/** The samples of a range, and where its windows end at each step. */
export async function windows(
  matrix: MatrixSelector | Subquery,
  on: Evaluation,
): Promise<{ series: Series[]; ends: Float64Array }> {
  if (matrix.kind === 'matrix') {
    const ends = endsOf(matrix.selector.shift, on)
    const [first, last] = span(ends)
    const within = { from: first - matrix.rangeMs + 1, to: last }
    const matchers = await compileMatchers(matrix.selector.matchers, on.source.turns)
    return { series: await loadSeries(on.source, matchers, within), ends }
  }
  const ends = endsOf(matrix.shift, on)
  const stepMs = matrix.stepMs ?? on.subqueryStepMs
  const [first, last] = span(ends)
  // Its steps lie on multiples of the step, so that they are the same whenever the query is asked.
  const from = (Math.floor((first - matrix.rangeMs) / stepMs) + 1) * stepMs
  const count = Math.max(0, Math.floor((last - from) / stepMs) + 1)
  on.room.check(1, count)
  const times = stepTimes(from, stepMs, count)
  const value = await evaluate(matrix.inner, { ...on, times })
  if (value.type === 'string') throw execution('a subquery of a text')
  const { room, source } = on
  const { turns } = source
  const vector =
    value.type === 'vector' ? value : await callFunction('vector', [value], { times, nodes: [], room, turns })
  const series: Series[] = []
  for (const column of (vector as Vector).series) {
    series.push(present(column, times))
    if (turns.isOver) await turns.next()
  }
  return { series, ends }
}

/** The index of the first time after `time`, from `at` on. */
function advance(times: Float64Array, at: number, time: number): number {
  let next = at
  while (next < times.length && (times[next] ?? 0) <= time) next++
  return next
}

/** Where the windows of the steps end; they do not go back. */
function endsOf({ offsetMs, at }: Shift, { times, startMs, endMs }: Evaluation): Float64Array {
  const fixed = at === 'start' ? startMs : at === 'end' ? endMs : at
  const ends = new Float64Array(times.length)
  for (let step = 0; step < ends.length; step++)
    ends[step] = Math.round((fixed ?? times[step] ?? 0) - offsetMs)
  return ends
}

function span(ends: Float64Array): [number, number] {
  return [ends[0] ?? 0, ends.at(-1) ?? 0]
}

function unwrap(node: Node): Node {
  return node.kind === 'paren' ? unwrap(node.inner) : node
}

function matrixIn(node: Node): MatrixSelector | Subquery | null {
  const inner = unwrap(node)
  return inner.kind === 'matrix' || inner.kind === 'subquery' ? inner : null
}

/** Steps of a query, in milliseconds; there may be millions. */
export function stepTimes(startMs: number, stepMs: number, count: number): Float64Array {
  const times = new Float64Array(count)
  for (let step = 0; step < count; step++) times[step] = startMs + step * stepMs
  return times
}
