// The seam between what is captured and where it lasts. An engine promises:
// when `done` is called without an error the reading is durable and the next read returns it.
// test/store/contract.ts is the full promise, run on every engine.

import type { AppError } from '../domain/errors.ts'
import type { NewReading, Reading } from '../domain/reading.ts'

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
}

/** Writes and reads readings. Readings of one topic are ordered by (time, seq). */
export interface ReadingStore {
  /** Captures one reading. Calls `done` once, maybe at once when refused; never throws for what a device sent. */
  append(reading: NewReading, options: AppendOptions, done: Appended): void
  /** The newest reading (by time, then seq) of each topic that matches, in topic order. */
  latest(query: TopicsQuery): Promise<Reading[]>
  /** Readings of all topics that match, ordered by (time, seq), in chunks. */
  range(query: RangeQuery): AsyncIterable<Reading[]>
  topics(query: TopicsQuery): Promise<TopicInfo[]>
  /** Every reading captured after number `seq`, by number, in chunks: what a projection of the log has missed. */
  since(seq: number): AsyncIterable<Reading[]>
  /** Durable marks left by `append`: is it there, and take it away (durable when `done` is called). */
  readonly receipts: Receipts
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
