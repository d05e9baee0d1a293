// The Prometheus query API over stored readings: queries at one time and over steps, and what series, labels and names
// there are. Everything runs under the ceiling of all queries.

import type { Fields, Reading } from '../../domain/reading.ts'
import type { LatestQuery, ReadingReader, TopicInfo } from '../../store/store.ts'
import type { Ceiling } from '../ceiling.ts'
import type { Node } from './ast.ts'
import { type Evaluation, evaluate, stepTimes, windows } from './evaluate.ts'
import { execution, fault } from './faults.ts'
import { formatPromql } from './format.ts'
import { keyOf, type Labels, metricName } from './labels.ts'
import { compileMatchers, type Matcher, matchesAll } from './matchers.ts'
import { parsePromql } from './parse.ts'
import { Room } from './room.ts'
import { labelsOf, present, type SampleSource, type Series } from './samples.ts'
import { sortedInTurns } from '../sorting.ts'
import { Turns } from '../turns.ts'
import type { Column, Value } from './values.ts'

/** On whose behalf, and until when. */
export interface Asker {
  mayRead: (topic: string) => boolean
  signal?: AbortSignal
}

export interface Steps {
  startMs: number
  endMs: number
  stepMs: number
}

/** Both ends are included. */
export interface Within {
  startMs: number
  endMs: number
}

export type PromResult =
  | { type: 'vector'; series: Column[]; timeMs: number }
  | { type: 'matrix'; series: Series[] }
  | { type: 'scalar'; value: number; timeMs: number }
  | { type: 'string'; value: string; timeMs: number }

export interface Promql {
  instant(text: string, timeMs: number, asker: Asker): Promise<PromResult>
  range(text: string, steps: Steps, asker: Asker): Promise<PromResult>
  /** The expression laid out for reading. */
  format(text: string): Promise<string>
  /** The label sets that any of the selectors matches; without selectors all of them. `within`: of topics with readings then. */
  series(selectors: readonly string[], asker: Asker, within?: Within): Promise<Labels[]>
}

export interface PromqlLimits {
  query_samples: number
  query_rows: number
}

interface Deps {
  store: Pick<ReadingReader, 'samples' | 'steps' | 'latest' | 'topics'>
  fieldsOf: (reading: Reading) => Fields
  under: Ceiling
  limits: PromqlLimits
}

const lookbackMs = 5 * 60_000
const subqueryStepMs = 60_000
/** As in Prometheus. */
const stepsMax = 11_000
/** Each is compared with every series. */
const selectorsMax = 1000

export function createPromql({ store, fieldsOf, under, limits }: Deps): Promql {
  const sourceOf = (mayRead: Asker['mayRead'], signal: AbortSignal): SampleSource => ({
    samples: (query) => store.samples(query),
    steps: (query) => store.steps(query),
    mayRead,
    signal,
    turns: new Turns(signal),
    samplesMax: limits.query_samples,
  })
  const evaluation = (asker: Asker, signal: AbortSignal, times: Float64Array): Evaluation => ({
    source: sourceOf(asker.mayRead, signal),
    times,
    startMs: times[0] ?? 0,
    endMs: times.at(-1) ?? 0,
    lookbackMs,
    subqueryStepMs,
    room: new Room(limits.query_samples),
  })
  return {
    async instant(text, timeMs, asker) {
      const node = parsePromql(text)
      return under(
        'promql',
        async (signal) => {
          const on = evaluation(asker, signal, Float64Array.of(timeMs))
          const bare = unwrap(node)
          if (bare.kind === 'matrix' || bare.kind === 'subquery') return rawWindow(bare, on)
          return resultOf(await evaluate(node, on), timeMs)
        },
        asker.signal,
      )
    },

    async range(text, steps, asker) {
      const node = parsePromql(text)
      const times = timesOf(steps)
      const bare = unwrap(node)
      if (bare.kind === 'matrix' || bare.kind === 'subquery' || bare.kind === 'string') {
        throw fault('invalid expression type for range query, must be scalar or instant vector')
      }
      return under(
        'promql',
        async (signal) => {
          const value = await evaluate(node, evaluation(asker, signal, times))
          return { type: 'matrix', series: await matrixOf(value, times, new Turns(signal)) }
        },
        asker.signal,
      )
    },

    format: async (text) => formatPromql(parsePromql(text)),

    async series(selectors, asker, within) {
      if (selectors.length > selectorsMax) throw fault(`a query has at most ${selectorsMax} match[]`)
      return under(
        'series',
        async (signal) => {
          const wanted = await readSelectors(selectors, new Turns(signal))
          return allSeries({ store, fieldsOf, limits }, wanted, { ...asker, signal }, within)
        },
        asker.signal,
      )
    },
  }
}

async function readSelectors(selectors: readonly string[], turns: Turns): Promise<Matcher[][]> {
  const wanted: Matcher[][] = []
  for (const text of selectors) {
    const node = unwrap(parsePromql(text))
    if (node.kind !== 'vector') throw fault(`"${text.slice(0, 60)}" is no selector`)
    wanted.push(await compileMatchers(node.matchers, turns))
    if (turns.isOver) await turns.next()
  }
  return wanted
}

async function allSeries(
  { store, fieldsOf, limits }: Pick<Deps, 'store' | 'fieldsOf' | 'limits'>,
  wanted: readonly Matcher[][],
  { mayRead, signal }: Required<Asker>,
  within: Within | undefined,
): Promise<Labels[]> {
  const found = new Map<string, Labels>()
  const ask: LatestQuery = { filters: [], mayRead, limit: limits.query_rows + 1, signal }
  const newest = await store.latest(ask)
  if (newest.length > limits.query_rows)
    throw execution(`more than ${limits.query_rows} topics (limits.query_rows)`)
  const infos = within === undefined ? null : await store.topics(ask)
  const turns = new Turns(signal)
  const then = infos && new Set(infos.filter((one) => isWithin(one, within)).map(({ topic }) => topic))
  for (const reading of newest) {
    if (turns.isOver) await turns.next()
    if (then?.has(reading.topic) === false) continue
    for (const labels of labelsOf(reading, fieldsOf(reading))) {
      const isWanted = wanted.length === 0 || wanted.some((matchers) => matchesAll(matchers, labels))
      if (isWanted) found.set(keyOf(labels), labels)
    }
  }
  return [...found.values()]
}

function isWithin({ firstTime, lastTime }: TopicInfo, within: Within | undefined): boolean {
  return within === undefined || (firstTime <= within.endMs && lastTime >= within.startMs)
}

function timesOf({ startMs, endMs, stepMs }: Steps): Float64Array {
  if (!(stepMs >= 1)) throw fault('zero or negative query resolution step widths are not accepted')
  if (endMs < startMs) throw fault('end timestamp must not be before start time')
  const count = Math.floor((endMs - startMs) / stepMs) + 1
  if (count > stepsMax) {
    throw fault(`exceeded maximum resolution of ${stepsMax} points per timeseries; increase the step`)
  }
  return stepTimes(startMs, stepMs, count)
}

async function rawWindow(
  matrix: Extract<Node, { kind: 'matrix' | 'subquery' }>,
  on: Evaluation,
): Promise<PromResult> {
  const { series, ends } = await windows(matrix, on)
  const end = ends[0] ?? 0
  const inside: Series[] = []
  for (const { labels, times, values } of series) {
    if (on.source.turns.isOver) await on.source.turns.next()
    const first = firstAfter(times, end - matrix.rangeMs)
    const last = firstAfter(times, end)
    if (first < last)
      inside.push({ labels, times: times.subarray(first, last), values: values.subarray(first, last) })
  }
  return { type: 'matrix', series: inside }
}

/** The index of the first time after `time`; times are in order. */
function firstAfter(times: Float64Array, time: number): number {
  let [low, high] = [0, times.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((times[middle] ?? 0) <= time) low = middle + 1
    else high = middle
  }
  return low
}

function resultOf(value: Value, timeMs: number): PromResult {
  if (value.type === 'string') return { type: 'string', value: value.value, timeMs }
  if (value.type === 'scalar') return { type: 'scalar', value: value.values[0] ?? Number.NaN, timeMs }
  return { type: 'vector', series: value.series.filter(({ has }) => has[0] === 1), timeMs }
}

async function matrixOf(value: Value, times: Float64Array, turns: Turns): Promise<Series[]> {
  if (value.type === 'string') throw execution('a text has no values over time')
  if (value.type === 'scalar') return [{ labels: {}, times, values: value.values }]
  const found: { key: string; series: Series }[] = []
  for (const column of value.series) {
    if (turns.isOver) await turns.next()
    const series = present(column, times)
    const { labels } = column
    if (series.times.length > 0) found.push({ key: `${labels[metricName] ?? ''}${keyOf(labels)}`, series })
  }
  const sorted = await sortedInTurns(found, (a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0), turns)
  return sorted.map(({ series }) => series)
}

function unwrap(node: Node): Node {
  return node.kind === 'paren' ? unwrap(node.inner) : node
}
