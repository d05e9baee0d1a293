// Series out of readings: each numeric field of each topic is one. Its name is the field's, made a metric name; its labels
// are `topic`, `field` (the exact one) and the tags that cleaning gave.

import type { Fields, Reading } from '../../domain/reading.ts'
import { tooManySamples } from '../../store/samples.ts'
import type { ReadingReader } from '../../store/store.ts'
import { exactly } from '../pattern.ts'
import { keyOf, labelNameOf, type Labels, makeLabels, metricName, metricNameOf } from './labels.ts'
import { type Matcher, matchesAll } from './matchers.ts'
import type { Turns } from '../turns.ts'
import type { Column } from './values.ts'

/** Samples in the order of their times; of equal times the last counts. */
export interface Series {
  labels: Labels
  /** Milliseconds. */
  times: Float64Array
  values: Float64Array
}

export interface SampleSource {
  samples: ReadingReader['samples']
  steps: ReadingReader['steps']
  mayRead: (topic: string) => boolean
  signal: AbortSignal
  turns: Turns
  /** Samples one query may look at. */
  samplesMax: number
}

type Tags = Readonly<Record<string, string>> | undefined

/** Every sample with `from` ≤ time ≤ `to` of the series that match; with `newestAt` it may be only the newest at each of these times. */
export async function loadSeries(
  source: SampleSource,
  matchers: readonly Matcher[],
  { from, to, newestAt }: { from: number; to: number; newestAt?: Float64Array },
): Promise<Series[]> {
  const chunks = source.samples({
    ...selectionOf(source, matchers),
    limit: source.samplesMax,
    from,
    to: to + 1,
    ...(newestAt ? { newestAt } : {}),
  })
  const found = new Map<string, Series>()
  let samples = 0
  for await (const chunk of chunks) {
    source.signal.throwIfAborted()
    for (const { topic: name, field, tags, times, values } of chunk) {
      if (source.turns.isOver) await source.turns.next()
      const labels = seriesLabels(name, field, tags)
      if (!matchesAll(matchers, labels)) continue
      samples += times.length
      if (samples > source.samplesMax) throw tooManySamples(source.samplesMax)
      const key = seriesKey(name, field, labels)
      const series = newestOfEqual({ labels, times, values })
      const before = found.get(key)
      found.set(key, before ? together(before, series) : series)
    }
  }
  return [...found.values()]
}

/**
 * The newest number at each of the times, or what the windows that end there come to, of the series that match, unless two of them have equal labels: `null`, and their samples
 * have to be looked at. `check` is called with the number of series before more are kept.
 */
export async function loadSteps(
  source: SampleSource,
  matchers: readonly Matcher[],
  {
    at,
    lookbackMs,
    over,
    check,
  }: { at: Float64Array; lookbackMs: number; over?: string; check: (series: number) => void },
): Promise<Column[] | null> {
  const keys = new Set<string>()
  const columns: Column[] = []
  let samples = 0
  for await (const chunk of source.steps({
    ...selectionOf(source, matchers),
    at,
    lookbackMs,
    ...(over === undefined ? {} : { over: { fn: over, samplesMax: source.samplesMax } }),
  })) {
    source.signal.throwIfAborted()
    const has = new Uint8Array(chunk.length * at.length)
    let start = 0
    for (const { topic, field, tags, values } of chunk) {
      if (source.turns.isOver) await source.turns.next()
      const labels = seriesLabels(topic, field, tags)
      if (!matchesAll(matchers, labels)) continue
      const column = { labels, values, has: has.subarray(start, (start += at.length)) }
      const found = markNumbers(column)
      samples += found
      if (samples > source.samplesMax) throw tooManySamples(source.samplesMax)
      if (found === 0) continue
      const key = seriesKey(topic, field, labels)
      if (keys.has(key)) return null
      keys.add(key)
      check(columns.push(column))
    }
  }
  return columns
}

/** Says at which steps there is a number, and how many there are. */
function markNumbers({ values, has }: Column): number {
  let found = 0
  for (let step = 0; step < values.length; step++) {
    const value = values[step] ?? Number.NaN
    if (value !== value) continue
    has[step] = 1
    found++
  }
  return found
}

/** Millions of keys: as JSON only those that tags are in. */
function seriesKey(topic: string, field: string, labels: Labels): string {
  return Object.keys(labels).length === 3 ? `${topic}\0${field}` : keyOf(labels)
}

/** Which topics and fields are asked for, and by whom. */
function selectionOf({ mayRead, signal }: SampleSource, matchers: readonly Matcher[]) {
  const ofTopic = matchers.filter(({ name }) => name === 'topic')
  const topic = ofTopic.find(({ exact }) => exact !== null && exact !== '')?.exact
  return {
    // A name with a wildcard is no topic: nothing matches it, and it must not be taken for a filter.
    filters: topic === undefined || topic === null || /[+#]/.test(topic) ? [] : [topic],
    mayRead: (name: string) => ofTopic.every(({ test }) => test(name)) && mayRead(name),
    pattern: patternOf(matchers),
    signal,
  }
}

/** The paths that a metric of this name, or a field label, can come from; `null` when any may. */
function patternOf(matchers: readonly Matcher[]): string | null {
  const exactOf = (label: string): string | null | undefined =>
    matchers.find(({ name, exact }) => name === label && exact !== null && exact !== '')?.exact
  const field = exactOf('field')
  if (field !== null && field !== undefined) return exactly(field)
  const name = exactOf(metricName)
  if (name === null || name === undefined || !/^[\w:]+$/.test(name)) return null
  // An underscore stands for whatever a metric's name cannot have, and before a digit or alone maybe for nothing.
  const other = '[^a-zA-Z0-9:]'
  const start = /^_(?=\d|$)/.test(name) ? `${other}?` : ''
  return start + name.slice(start === '' ? 0 : 1).replaceAll('_', other)
}

/** Of equal times the last counts. */
function newestOfEqual(series: Series): Series {
  const { labels, times, values } = series
  let kept = 0
  for (let at = 0; at < times.length; at++) {
    if (at > 0 && times[at] === times[at - 1]) kept--
    if (kept !== at) {
      times[kept] = times[at] ?? 0
      values[kept] = values[at] ?? Number.NaN
    }
    kept++
  }
  return kept === times.length
    ? series
    : { labels, times: times.subarray(0, kept), values: values.subarray(0, kept) }
}

/** Two fields of one topic whose names look the same as metric and label. */
function together(a: Series, b: Series): Series {
  const times = new Float64Array(a.times.length + b.times.length)
  const values = new Float64Array(times.length)
  let [left, right] = [0, 0]
  for (let at = 0; at < times.length; at++) {
    const isLeft =
      right === b.times.length || (left < a.times.length && (a.times[left] ?? 0) <= (b.times[right] ?? 0))
    const from = isLeft ? a : b
    const place = isLeft ? left++ : right++
    times[at] = from.times[place] ?? 0
    values[at] = from.values[place] ?? Number.NaN
  }
  return newestOfEqual({ labels: a.labels, times, values })
}

/** The labels of every numeric field of a reading. */
export function labelsOf(reading: Reading, fields: Fields): Labels[] {
  return Object.entries(fields)
    .filter(([, value]) => typeof value === 'number' || typeof value === 'bigint')
    .map(([field]) => seriesLabels(reading.topic, field, reading.cleaned?.tags))
}

function seriesLabels(topic: string, field: string, tags: Tags): Labels {
  const more = Object.entries(tags ?? {}).map(([tag, value]): [string, string] => [labelNameOf(tag), value])
  return makeLabels([...more, [metricName, metricNameOf(field)], ['field', field], ['topic', topic]])
}

/** The steps that have a number. */
export function present({ labels, values, has }: Column, times: Float64Array): Series {
  if (!has.includes(0)) return { labels, times, values }
  let count = 0
  for (let step = 0; step < has.length; step++) count += has[step] ?? 0
  const series = { labels, times: new Float64Array(count), values: new Float64Array(count) }
  let to = 0
  for (let step = 0; step < has.length; step++) {
    if (has[step] !== 1) continue
    series.times[to] = times[step] ?? 0
    series.values[to++] = values[step] ?? Number.NaN
  }
  return series
}
