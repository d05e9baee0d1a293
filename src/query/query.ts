// Reads for people and programs: topics, newest readings and ranges, a page at a time, under the ceiling.
// Promises: only what the caller may read, each reading once over all pages, and nothing cut without a cursor.

import { createGate } from '../auth/gate.ts'
import type { FieldDescription } from '../domain/description.ts'
import { AppError } from '../domain/errors.ts'
import type { Fields, Reading } from '../domain/reading.ts'
import { timeMax, timeOf } from '../domain/time.ts'
import { openZone, type Zone } from '../domain/zone.ts'
import type { ReadingStore, TopicInfo } from '../store/store.ts'
import {
  type AggregateLimits,
  type AggregateQuestion,
  type AggregateAnswer,
  answerAggregate,
  type SeriesTaker,
} from './aggregate.ts'
import { type FieldType, fieldTypesOf } from './fieldTypes.ts'
import { type Following, follow, type Live } from './follow.ts'
import { DecodedReading, type FoundReading, type Reader } from './found.ts'
import { Turns } from './turns.ts'
import { answerTree, type TreeListing, type TreeNode } from './tree.ts'
import type { Promql, PromqlLimits } from './promql/service.ts'
import { promqlWhenAsked } from './promql/whenAsked.ts'
import { createCeiling, type Ceiling, type CeilingLimits, type CeilingMetrics } from './ceiling.ts'
import {
  checkListing,
  checkReadable,
  type LatestListing,
  type Listing,
  type Page,
  type PageLimits,
  type ReadingsListing,
  type TopicsListing,
} from './listing.ts'
import {
  decodeRangeCursor,
  decodeTopicCursor,
  encodeRangeCursor,
  encodeTopicCursor,
  markOf,
} from './cursor.ts'

/** What the newest reading says of its topic stands beside it. */
export interface FoundTopic extends TopicInfo {
  fields: Fields
  /** Field → unit. */
  units: Readonly<Record<string, string>>
  tags: Readonly<Record<string, string>>
  /** What devices say of the fields elsewhere. */
  described: ReadonlyMap<string, FieldDescription> | null
}

export interface WholeRange extends Pick<Listing, 'filters' | 'mayRead'> {
  from?: string | undefined
  to?: string | undefined
  signal: AbortSignal
}

export interface Query {
  topics(listing: TopicsListing): Promise<Page<FoundTopic>>
  /** The names on one level of the tree of topics. */
  tree(listing: TreeListing): Promise<Page<TreeNode>>
  latest(listing: LatestListing): Promise<Page<FoundReading>>
  readings(listing: ReadingsListing): Promise<Page<FoundReading>>
  /** Gives what `begin` made, once it has taken every series. */
  aggregate<T extends SeriesTaker>(
    question: AggregateQuestion,
    begin: (answer: AggregateAnswer) => T,
    signal?: AbortSignal,
  ): Promise<T>
  /** Every reading of a range, by default of all times, oldest first, in chunks and without a ceiling on time. */
  all(range: WholeRange): AsyncIterable<Reading[]>
  /** The fields of the newest readings, and of which type each is. */
  fieldTypes(
    topics: Pick<Listing, 'filters' | 'mayRead'>,
    signal?: AbortSignal,
  ): Promise<Map<string, FieldType>>
  readonly promql: Promql
  /** Ends when its signal does. */
  follow(following: Following): Promise<void>
  /** The newest number that is durable, and the newest that every follower has been given. */
  readonly newest: Pick<Live, 'lastSeq' | 'settledSeq'>
  /** A reading with its fields, as answers show it. */
  show(reading: Reading): FoundReading
}

export interface QueryLimits extends CeilingLimits, AggregateLimits, PromqlLimits, PageLimits {
  page_bytes: number
}

interface Deps extends Reader {
  /** What is known of the fields of a topic beside its readings. */
  describe?: (topic: string) => ReadonlyMap<string, FieldDescription> | null
  store: ReadingStore
  live: Live
  limits: QueryLimits
  metrics: CeilingMetrics
  now?: () => number
}

export function createQuery({
  store,
  live,
  limits,
  metrics,
  describe,
  now = Date.now,
  ...reader
}: Deps): Query {
  const under = createCeiling(limits, metrics)
  const gate = createGate({ concurrency: limits.query_concurrency, waitingMax: backlogsWaitingMax })
  const found = (reading: Reading): FoundReading => new DecodedReading(reading, reader)
  return {
    show: found,
    newest: live,
    promql: promqlWhenAsked({
      store,
      fieldsOf: (reading) => reading.fields ?? found(reading).fields,
      under,
      limits,
    }),
    follow: (following) => follow({ store, live, gate }, following),

    all({ from, to, ...range }) {
      checkReadable(range)
      const limits = rangeOf({ from: from ?? String(-timeMax), to }, now())
      return store.range({ ...range, ...limits, order: 'asc', limit: Number.POSITIVE_INFINITY })
    },

    fieldTypes(topics, gone) {
      checkReadable(topics)
      return under('fields', (signal) => readFieldTypes({ store, limits, signal }, topics, found), gone)
    },

    async topics(listing) {
      checkListing(listing, limits)
      const mark = markOf(['topics', listing.filters, listing.contains ?? null])
      return under(
        'topics',
        async (signal) => {
          const ask = { ...topicsQuery(listing, mark, signal), ...contains(listing.contains) }
          const infos = await store.topics(ask)
          const newest = new Map((await store.latest(ask)).map((reading) => [reading.topic, reading]))
          return topicPage(infos, listing, { mark, signal }, (info) => {
            const reading = newest.get(info.topic)
            const { units = {}, tags = {} } = reading?.cleaned ?? {}
            const fields = reading ? found(reading).fields : {}
            return { ...info, fields, units, tags, described: describe?.(info.topic) ?? null }
          })
        },
        listing.signal,
      )
    },

    tree: (listing) => answerTree({ store, under, limits }, listing),

    async latest(listing) {
      checkListing(listing, limits)
      return readLatest({ store, live, limits, under, now: now() }, listing, found)
    },

    async readings(listing) {
      checkListing(listing, limits)
      return readReadings({ store, live, limits, under, now: now() }, listing, found)
    },

    async aggregate(question, begin, gone) {
      checkReadable(question)
      const at = now()
      // Without an end there would be no last bucket.
      const zone = openZone(question.tz)
      const { from, to } = rangeOf({ ...question, to: question.to ?? 'now' }, at, zone)
      const deps = { store, limits, from, to, zone }
      return under('aggregate', (signal) => answerAggregate({ ...deps, signal }, question, begin), gone)
    },
  }
}

interface ReadContext {
  store: ReadingStore
  live: Live
  limits: QueryLimits
  under: Ceiling
  now: number
}

async function readLatest(
  { store, live, limits, under, now }: ReadContext,
  listing: LatestListing,
  found: (reading: Reading) => FoundReading,
): Promise<Page<FoundReading>> {
  const mark = markOf(['latest', listing.filters, listing.asOf ?? null])
  const asOf = asOfMoment(listing, mark, now)
  const work = async (signal: AbortSignal): Promise<Page<FoundReading>> => {
    const ask = { ...topicsQuery(listing, mark, signal), ...(asOf === undefined ? {} : { asOf }) }
    const readings = await store.latest(ask)
    const fit = readings.slice(0, countWithin(readings, limits.page_bytes))
    return topicPage(fit, listing, { mark, signal }, found, { cut: fit.length < readings.length, asOf })
  }
  return under('latest', work, listing.signal, arrivalOf(live, limits, listing.minSeq))
}

async function readReadings(
  { store, live, limits, under, now }: ReadContext,
  listing: ReadingsListing,
  found: (reading: Reading) => FoundReading,
): Promise<Page<FoundReading>> {
  const { filters, mayRead, order, limit, cursor } = listing
  const mark = markOf(['readings', filters, order, listing.from ?? null, listing.to ?? null])
  const start = cursor === undefined ? undefined : decodeRangeCursor(mark, cursor)
  const { from, to } = start ?? rangeOf(listing, now)
  return under(
    'readings',
    async (signal) => {
      const rows: FoundReading[] = []
      const after = start ? { after: start.after } : {}
      let bytes = 0
      let more = false
      // One row beyond the page tells whether there is another page.
      const chunks = store.range({ filters, mayRead, from, to, order, limit: limit + 1, ...after, signal })
      reading: for await (const chunk of chunks) {
        signal.throwIfAborted()
        for (const reading of chunk) {
          more =
            rows.length === limit || (rows.length > 0 && bytes + reading.payload.length > limits.page_bytes)
          if (more) break reading
          bytes += reading.payload.length
          rows.push(found(reading))
        }
      }
      const last = rows.at(-1)?.reading
      const next =
        more && last ? encodeRangeCursor(mark, { from, to, after: { time: last.time, seq: last.seq } }) : null
      return { rows, limit, next }
    },
    listing.signal,
    arrivalOf(live, limits, listing.minSeq),
  )
}

/** Waits for `min_seq` without a place among the queries that run: whoever asks for what never comes stands in nobody's way. */
function arrivalOf(live: Live, { query_time_ms: timeMs }: QueryLimits, minSeq = 0) {
  return async (signal: AbortSignal): Promise<void> => {
    try {
      await live.reached(minSeq, signal)
    } catch (error) {
      if (!(error instanceof AppError && error.code === 'query_limit')) throw error
      const message = `nothing so new was stored here within ${timeMs} ms (limits.query_time_ms)`
      throw new AppError('query_limit', `min_seq: ${message}`, { problems: [{ path: 'min_seq', message }] })
    }
  }
}

/** An hour up to now, unless the caller says otherwise. Without `to` there is no upper bound: what was just stored is in. */
function rangeOf(
  listing: { from?: string | undefined; to?: string | undefined },
  now: number,
  zone?: Zone,
): { from: number; to: number } {
  const end = listing.to === undefined ? timeMax : timeOf('to', listing.to, now, zone)
  // `to` is exclusive; "up to now" is to hold what was stored in this very millisecond.
  const to = listing.to === undefined || listing.to === 'now' ? end + 1 : end
  const from = Math.floor(
    listing.from === undefined ? Math.min(now, to) - hourMs : timeOf('from', listing.from, now, zone),
  )
  if (from >= to) {
    const message = 'the range is empty: `from` must be before `to` (from ≤ time < to)'
    throw new AppError('bad_time', message, { problems: [{ path: 'from', message }] })
  }
  return { from, to: Math.ceil(to) }
}

/** Followers that wait for their turn to read the log. */
const backlogsWaitingMax = 100_000

const hourMs = 3_600_000

function topicsQuery(listing: Listing, mark: string, signal: AbortSignal) {
  const { filters, mayRead, limit, cursor } = listing
  const after = cursor === undefined ? {} : { after: decodeTopicCursor(mark, cursor).topic }
  return { filters, mayRead, limit: limit + 1, signal, ...after }
}

/** The moment of the first page holds for those that follow. */
function asOfMoment({ asOf, cursor }: LatestListing, mark: string, now: number): number | undefined {
  if (cursor !== undefined) return decodeTopicCursor(mark, cursor).asOf
  return asOf === undefined ? undefined : Math.floor(timeOf('as_of', asOf, now))
}

function contains(text: string | undefined): { contains?: string } {
  return text === undefined ? {} : { contains: text }
}

async function topicPage<T extends { topic: string }, U>(
  found: readonly T[],
  { limit }: Listing,
  { mark, signal }: { mark: string; signal: AbortSignal },
  show: (row: T) => U,
  { cut = false, asOf }: { cut?: boolean; asOf?: number | undefined } = {},
): Promise<Page<U>> {
  const rows = found.slice(0, limit)
  const last = rows.at(-1)
  const next =
    (cut || found.length > limit) && last ? encodeTopicCursor(mark, { topic: last.topic, asOf }) : null
  const turns = new Turns(signal)
  const shown: U[] = []
  for (const row of rows) {
    shown.push(show(row))
    if (turns.isOver) await turns.next()
  }
  return { rows: shown, limit, next }
}

/** How many of the readings stay within `bytesMax`; one at least, so that paging always moves on. */
function countWithin(readings: readonly Reading[], bytesMax: number): number {
  let bytes = 0
  for (const [index, { payload }] of readings.entries()) {
    bytes += payload.length
    if (index > 0 && bytes > bytesMax) return index
  }
  return readings.length
}

async function readFieldTypes(
  { store, limits, signal }: Pick<ReadContext, 'store' | 'limits'> & { signal: AbortSignal },
  topics: Pick<Listing, 'filters' | 'mayRead'>,
  found: (reading: Reading) => FoundReading,
): Promise<Map<string, FieldType>> {
  const newest = await store.latest({ ...topics, limit: limits.query_rows + 1, signal })
  if (newest.length > limits.query_rows) {
    throw new AppError(
      'query_limit',
      `more than ${limits.query_rows} topics; ask for fewer (limits.query_rows)`,
    )
  }
  return fieldTypesOf(newest, (reading) => found(reading).fields, new Turns(signal))
}
