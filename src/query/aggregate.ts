// Figures of fields over buckets of time: what the question means, the ceiling on its size, and the empty buckets filled.

import { bucketsOf, parseInterval } from '../domain/buckets.ts'
import { AppError } from '../domain/errors.ts'
import type { Zone } from '../domain/zone.ts'
import type { ReadingReader, SeriesAggregate, TopicFilters } from '../store/store.ts'
import { aggregateByTags } from './byTags.ts'
import { type Figures, type Fill, fillColumn, parseFigures } from './figures.ts'
import { Turns } from './turns.ts'

export interface AggregateQuestion {
  filters: TopicFilters
  mayRead: (topic: string) => boolean
  /** Exact paths; empty: every field that has numbers. */
  fields: readonly string[]
  from?: string | undefined
  to?: string | undefined
  every: string
  fn: readonly string[]
  fill: Fill
  /** What a series is of: a topic, all topics, or the readings that have the same values of these tags. */
  group: 'topic' | 'none' | readonly string[]
  tz: string
}

/** One series: columns over `buckets`, which are numbers into `starts`. NaN stands for null. */
export interface AnsweredSeries {
  /** What it is of, by the names of the answer: a topic (`null` for all), or values of tags (`null` without the tag). */
  group: readonly (string | null)[]
  field: string
  buckets: Uint32Array
  columns: Float64Array[]
}

/** What all series of an answer have in common. */
export interface AggregateAnswer {
  /** Milliseconds; where each bucket begins. */
  starts: Float64Array
  names: readonly string[]
  /** What the members of each group are: `topic`, or tags. */
  groupNames: readonly string[]
  /** The most buckets of all series together that an answer may have. */
  limit: number
}

/** Who gets the series of an answer, as the store finds them. */
export interface SeriesTaker {
  take(series: AnsweredSeries): void
}

export interface AggregateLimits {
  query_rows: number
  aggregate_buckets: number
  query_samples: number
}

export interface AggregateDeps {
  store: Pick<ReadingReader, 'aggregate' | 'samples'>
  limits: AggregateLimits
  /** The range in milliseconds; `from` ≤ time < `to`. */
  from: number
  to: number
  /** Whose calendar buckets follow. */
  zone: Zone
  signal: AbortSignal
}

/**
 * Everything about a question that can be wrong is found before `begin` makes who takes the series, and before the store is
 * asked. An answer that gets too large fails on its way: what was taken until then is worth nothing.
 */
export async function answerAggregate<T extends SeriesTaker>(
  { store, limits, from, to, zone, signal }: AggregateDeps,
  question: AggregateQuestion,
  begin: (answer: AggregateAnswer) => T,
): Promise<T> {
  const figures = parseFigures(question.fn)
  const every = parseInterval(question.every)
  const buckets = bucketsOf(from, to, every, zone, Math.min(limits.aggregate_buckets, limits.query_rows))
  const { filters, mayRead, fields, group } = question
  const ask = {
    filters,
    mayRead,
    fields,
    edges: buckets.edges,
    quantiles: figures.quantiles,
    columns: figures.columns,
    signal,
  }
  const groupNames = typeof group === 'string' ? ['topic'] : group
  const taker = begin({ starts: buckets.starts, names: figures.names, groupNames, limit: limits.query_rows })
  const turns = new Turns(signal)
  let rows = 0
  const add = (group: AnsweredSeries['group'], one: SeriesAggregate): void => {
    rows += question.fill === 'none' ? one.buckets.length : buckets.starts.length
    if (rows > limits.query_rows) throw tooMany(limits)
    taker.take(answered(group, one, { fill: question.fill, starts: buckets.starts, figures }))
  }
  if (typeof group !== 'string') {
    const found = await aggregateByTags(store, { ...ask, tags: group, samplesMax: limits.query_samples })
    for (const { values, ...one } of found) {
      add(values, one)
      if (turns.isOver) await turns.next()
    }
    return taker
  }
  const found = store.aggregate({ ...ask, ...(group === 'none' ? { groupOf: () => '' } : {}) })
  for await (const chunk of found) {
    signal.throwIfAborted()
    for (const one of chunk) {
      add([group === 'none' ? null : one.group], one)
      if (turns.isOver) await turns.next()
    }
  }
  return taker
}

function answered(
  group: AnsweredSeries['group'],
  series: SeriesAggregate,
  { fill, starts, figures }: { fill: Fill; starts: Float64Array; figures: Figures },
): AnsweredSeries {
  const { field, buckets } = series
  const columns = figures.columnsOf(series)
  if (fill === 'none') return { group, field, buckets, columns }
  return {
    group,
    field,
    buckets: Uint32Array.from(starts, (_start, at) => at),
    columns: columns.map((column, at) =>
      fillColumn(figures.names[at] ?? '', column, { buckets, starts, fill }),
    ),
  }
}

function tooMany({ query_rows }: AggregateLimits): AppError {
  return new AppError(
    'query_limit',
    `buckets times series are more than ${query_rows}; ask for fewer topics or fields, a shorter range or longer buckets (limits.query_rows)`,
  )
}
