// Figures of fields over buckets of time: what the question means, the ceiling on its size, and the empty buckets filled.

import { type Buckets, bucketsOf, parseInterval } from '../domain/buckets.ts'
import { AppError } from '../domain/errors.ts'
import { openZone } from '../domain/zone.ts'
import type { ReadingReader, SeriesAggregate, TopicFilters } from '../store/store.ts'
import { type Figures, type Fill, fillColumn, parseFigures } from './figures.ts'

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
  /** `none`: all topics are one series. */
  group: 'topic' | 'none'
  tz: string
}

/** One series: columns over `buckets`, which are numbers into `starts`. NaN stands for null. */
export interface AnsweredSeries {
  /** `null` with group=none. */
  topic: string | null
  field: string
  buckets: Uint32Array
  columns: Float64Array[]
}

export interface AggregateAnswer {
  /** Milliseconds; where each bucket begins. */
  starts: Float64Array
  names: readonly string[]
  series: AnsweredSeries[]
  /** The most buckets of all series together that an answer may have. */
  limit: number
}

export interface AggregateLimits {
  query_rows: number
  aggregate_buckets: number
}

export interface AggregateDeps {
  store: Pick<ReadingReader, 'aggregate'>
  limits: AggregateLimits
  /** The range in milliseconds; `from` ≤ time < `to`. */
  from: number
  to: number
  signal: AbortSignal
}

/** Everything about a question that can be wrong is found before the store is asked. */
export async function answerAggregate(
  { store, limits, from, to, signal }: AggregateDeps,
  question: AggregateQuestion,
): Promise<AggregateAnswer> {
  const figures = parseFigures(question.fn)
  const every = parseInterval(question.every)
  const buckets = bucketsOf(
    from,
    to,
    every,
    openZone(question.tz),
    Math.min(limits.aggregate_buckets, limits.query_rows),
  )
  const { filters, mayRead, fields, group } = question
  const found = store.aggregate({
    filters,
    mayRead,
    fields,
    edges: buckets.edges,
    quantiles: figures.quantiles,
    ...(group === 'none' ? { groupOf: () => '' } : {}),
    signal,
  })
  const series: AnsweredSeries[] = []
  let rows = 0
  for await (const chunk of found) {
    signal.throwIfAborted()
    for (const one of chunk) {
      rows += question.fill === 'none' ? one.buckets.length : buckets.starts.length
      if (rows > limits.query_rows) throw tooMany(limits)
      series.push(answered(one, question, buckets, figures))
    }
  }
  return { starts: buckets.starts, names: figures.names, series, limit: limits.query_rows }
}

function answered(
  series: SeriesAggregate,
  { group, fill }: AggregateQuestion,
  { starts }: Buckets,
  figures: Figures,
): AnsweredSeries {
  const { field, buckets } = series
  const topic = group === 'none' ? null : series.group
  const columns = figures.columnsOf(series)
  if (fill === 'none') return { topic, field, buckets, columns }
  return {
    topic,
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
