// The seam between what is captured and where it lasts. An engine promises:
// when `done` is called without an error the reading is durable and the next read returns it.
// test/store/contract.ts is the full promise, run on every engine.

import type { AppError } from '../domain/errors.ts'
import type { NewReading, Reading } from '../domain/reading.ts'
import type { DatabaseRecord } from './backup.ts'
import type { Remaker } from './remaker.ts'

/** Called once, in append order: `error` is `null` when the reading is durable, and then `seq` is its number. */
export type Appended = (error: AppError | null, seq: number) => void

export interface AppendOptions {
  /** Somebody waits for this one: in durability `fsync`, the commit that holds it is synced to the disk first. */
  awaited: boolean
  /** A durable mark committed in the same instant as the reading (QoS 2: client id and packet id). */
  receipt?: string
}

/** Which topics: any of these MQTT filters (`+`, `#`), or every topic when empty. */
export type TopicFilters = readonly string[]

/** A position in a topic-ordered or time-ordered listing; opaque to callers of `query/`. */
export interface Position {
  time: number
  seq: number
}

export interface RangeQuery {
  filters: TopicFilters
  /** Leaves out topics for which it answers false (what the caller may not read). */
  mayRead?: (topic: string) => boolean
  /** Milliseconds; `from` ≤ time < `to`. */
  from: number
  to: number
  order: 'asc' | 'desc'
  /** At most this many readings. */
  limit: number
  /** Continue strictly after this reading (in `order`). */
  after?: Position
  signal?: AbortSignal
}

export interface TopicInfo {
  topic: string
  readings: number
  /** Payload bytes as received. */
  bytes: number
  firstTime: number
  lastTime: number
}

export interface TopicsQuery {
  filters: TopicFilters
  mayRead?: (topic: string) => boolean
  /** Case-insensitive part of the topic. */
  contains?: string
  limit: number
  /** Topics are listed in code-unit order; continue strictly after this one. */
  after?: string
  signal?: AbortSignal
}

/** The newest readings; with `asOf`, as they stood then. */
export interface LatestQuery extends TopicsQuery {
  /** Milliseconds: readings of a later time do not count. */
  asOf?: number
}

/**
 * Numbers of fields over buckets of time. A reading's numbers are those of its `fields`, or of its payload's own JSON leaves
 * when `fields` is `null` (of a payload within leafLimits.ts); booleans and texts count nothing.
 */
export interface AggregateQuery {
  filters: TopicFilters
  mayRead?: (topic: string) => boolean
  /** Paths of the fields; empty: every field that has numbers. */
  fields: readonly string[]
  /** Bucket k is edges[k] ≤ time < edges[k + 1], in milliseconds; at least two, ascending. Days of a time zone may differ in length. */
  edges: Float64Array
  /** Quantiles wanted, each from 0 to 1; exact, between two values interpolated in a straight line (R-7, as in PromQL). */
  quantiles: readonly number[]
  /** Columns that are looked at, beside counts and quantiles: others may be left empty. By default all are. */
  columns?: readonly AggregateColumn[] | undefined
  /** Topics with the same answer are one series, by that name; `null` leaves a topic out. By default each topic is one. */
  groupOf?: (topic: string) => string | null
  signal?: AbortSignal
}

export type AggregateColumn = 'sums' | 'm2s' | 'mins' | 'maxs' | 'firsts' | 'lasts'

/** One field of one topic or group over the buckets in which it has a number: arrays of one length, or empty ones. */
export interface SeriesAggregate {
  /** The topic, or what `groupOf` answered. */
  group: string
  field: string
  /** Numbers of the buckets, ascending. */
  buckets: Uint32Array
  counts: Float64Array
  sums: Float64Array
  /** Sums of squared distances from the bucket's mean: m2 / count is the (population) variance. */
  m2s: Float64Array
  mins: Float64Array
  maxs: Float64Array
  /** By (time, seq). */
  firsts: Float64Array
  lasts: Float64Array
  /** One array for each quantile asked for. */
  quantiles: Float64Array[]
}

/** Every number of fields, for questions that look at each. What the numbers of a reading are is as in `AggregateQuery`. */
export interface SamplesQuery {
  filters: TopicFilters
  mayRead?: (topic: string) => boolean
  /** Source of a regular expression that a field's path must match from end to end; `null`: every field. Runs where it may not stall. */
  pattern: string | null
  /** Milliseconds; `from` ≤ time < `to`. */
  from: number
  to: number
  /** When given: only the newest sample at or before each of these times, which do not go back, is asked for; others may be left out. */
  newestAt?: Float64Array
  /** An answer may end once it has more samples than this. */
  limit: number
  signal?: AbortSignal
}

/** The newest number of each field at each of some times, or what its windows come to, as charts show it. */
export interface StepsQuery extends Pick<SamplesQuery, 'filters' | 'mayRead' | 'pattern' | 'signal'> {
  /** Milliseconds; they do not go back. */
  at: Float64Array
  /** A number counts from its time on for so long: at `at[k]` when at[k] - lookbackMs < time ≤ at[k]. */
  lookbackMs: number
  /**
   * Instead of the newest: what a function of `overTime.ts` (`isStepFunction`) makes of all numbers that count, of equal times the
   * last. When it has to look at more than `samplesMax` of them it fails with `query_limit`.
   */
  over?: { fn: string; samplesMax: number }
}

/** One field of one topic with one set of tags: a number for each of the times, NaN where there is none. */
export interface SeriesSteps {
  topic: string
  field: string
  tags: Readonly<Record<string, string>> | undefined
  values: Float64Array
}

/** One field of one topic with one set of tags, by (time, seq). The reading of a whole message is left out: its records say the same. */
export interface SeriesSamples {
  topic: string
  field: string
  tags: Readonly<Record<string, string>> | undefined
  /** Milliseconds. */
  times: Float64Array
  values: Float64Array
}

export interface RemoveQuery {
  filters: TopicFilters
  mayRemove?: (topic: string) => boolean
  /** Milliseconds; `from` ≤ time < `to`. */
  from: number
  to: number
  /** Counts, and removes nothing. */
  isDryRun: boolean
  signal?: AbortSignal
}

export interface Removed {
  readings: number
  /** Payload bytes as received. */
  bytes: number
}

/** Which stored readings get their fields anew, and how many in one step. */
export interface RemakeQuery {
  filters: TopicFilters
  /** Milliseconds; `from` ≤ time < `to`. */
  from: number
  to: number
  /** Only readings up to this number. */
  seqMax: number
  /** Where the step before ended. */
  after?: RemakePosition
  /** Readings in memory at a time; a larger block is one step all the same. */
  readingsMax: number
  signal?: AbortSignal
}

/** Topics are gone through in code-unit order: those before `topic` are done, and of it what lies before `time`. */
export interface RemakePosition {
  topic: string
  time: number
}

export interface RemakeStep {
  /** Looked at, of these made anew, and of these left because they cannot be made again on their own. */
  readings: number
  remade: number
  left: number
  /** `null`: there is nothing left. */
  next: RemakePosition | null
}

/** Sizes and health, read often and cheaply. */
export interface StoreStatus {
  engine: string
  /** `ok`, or why writes are refused just now (reads go on). */
  state: 'ok' | 'full' | 'failed' | 'closed'
  readings: number
  topics: number
  /** The newest number given. */
  lastSeq: number
  /** Bytes on disk; 0 for memory. */
  diskBytes: number
  /** Readings appended and not yet durable. */
  pending: number
  /** Durable readings still in memory, and their bytes there. */
  hotReadings: number
  hotBytes: number
  blocks: number
  /** Damaged records found since the start. */
  damaged: number
  /** Bytes of the file system that this user may still take; `null` while that is not known. */
  freeBytes: number | null
  /** At the pace of the last day; `null` while that is not known. */
  daysUntilFull: number | null
}

/** What capture needs of a store. */
export interface ReadingWriter {
  /** Captures one reading. Calls `done` once, maybe at once when refused; never throws for what a device sent. */
  append(reading: NewReading, options: AppendOptions, done: Appended): void
  /** Durable marks left by `append`: is it there, and take it away (durable when `done` is called). */
  readonly receipts: Receipts
}

/** What questions need of a store. Readings of one topic are ordered by (time, seq). */
export interface ReadingReader {
  /** The newest reading (by time, then seq) of each topic that matches, in topic order. */
  latest(query: LatestQuery): Promise<Reading[]>
  /** Readings of all topics that match, ordered by (time, seq), in chunks. */
  range(query: RangeQuery): AsyncIterable<Reading[]>
  topics(query: TopicsQuery): Promise<TopicInfo[]>
  /** Every reading captured after number `seq`, by number, in chunks: what a projection of the log has missed. */
  since(seq: number): AsyncIterable<Reading[]>
  /** Series in the order of their groups, then of their fields (code units), in chunks. */
  aggregate(query: AggregateQuery): AsyncIterable<SeriesAggregate[]>
  /** Series in chunks, a topic after the other. */
  samples(query: SamplesQuery): AsyncIterable<SeriesSamples[]>
  steps(query: StepsQuery): AsyncIterable<SeriesSteps[]>
}

/** Writes, reads and keeps readings. */
export interface ReadingStore extends ReadingWriter, ReadingReader {
  /** Every record as it lies on the disk at one moment, for backups. Throws `conflict` where nothing lies on a disk. */
  records(signal?: AbortSignal): AsyncIterable<readonly DatabaseRecord[]>
  /** Takes readings away for good; the space is given back. */
  remove(query: RemoveQuery): Promise<Removed>
  /**
   * Gives the next stored readings the fields that `remaker` answers, topic by topic in the order of time.
   * Readers see all of a step or nothing of it, and it is durable when the promise is kept. Payloads are not touched.
   */
  remake(query: RemakeQuery, remaker: Remaker): Promise<RemakeStep>
  readonly status: StoreStatus
  /** Waits for what was appended, then closes. Appends after this are refused with `shutting_down`. */
  close(): Promise<void>
}

/** The QoS 2 memory of who has sent what [MQTT-4.3.3-10]: a mark says "this packet is stored already". */
export interface Receipts {
  has(receipt: string): boolean
  /** Every receipt that starts with `prefix`. */
  list(prefix: string): string[]
  settle(receipt: string, done: (error: AppError | null) => void): void
}
