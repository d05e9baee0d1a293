// How stored readings are made again: by a function where the store is asked, or, faster, by a module that runs where the blocks
// are read, so that no reading crosses a thread.

import type { Cleaned, Fields, NewReading, Reading } from '../domain/reading.ts'

/** What a stored reading is to have; all else of it stays. */
export type Remade = Pick<NewReading, 'fields' | 'cleaned'>

export interface Remaking {
  /** For each reading; `null`: it stays as it is. */
  made: readonly (Remade | null)[]
  /** Readings that cannot be made again on their own. */
  left: number
}

export interface Remaker {
  /** Readings of one topic in the order of time. */
  make(readings: readonly Reading[]): Promise<Remaking>
  /** Makes the same; `null`: `make` is asked for all. */
  thread: ThreadRemaker | null
}

export interface ThreadRemaker {
  /** Address of a module that exports a `CreateRowMaker` as `createRowMaker`. */
  module: string
  /** What it is called with; copied to the thread. */
  data: unknown
  /** Steps with the same key are made by one maker, which remembers what it has seen. */
  key: string
}

export type CreateRowMaker = (data: unknown) => RowMaker

export interface RowMaker {
  make(rows: StoredRows): MadeRows
}

/** What came with a publish beside topic, times, number, payload and fields. */
export type StoredCapture = Omit<NewReading, 'topic' | 'time' | 'receivedAt' | 'payload' | 'fields'>

/** Readings of one topic in the order of time, each looked at without an object of its own. */
export interface StoredRows {
  topic: string
  count: number
  times: Float64Array
  receivedAt: Float64Array
  /** Whether row `row` is to be made. */
  isAsked(row: number): boolean
  payload(row: number): Uint8Array
  /** The same without an object for each: payload `row` is `bytes` from `offsets[row]`, `lengths[row]` long. */
  bytes: Uint8Array
  offsets: Uint32Array
  lengths: Uint32Array
  /** The stored fields as JSON; empty when there are none. */
  fieldsText(row: number): Uint8Array
  /** The same object for the same data. */
  capture(row: number): StoredCapture
}

export interface MadeRows {
  /** For each row its place in `cleaned`; -1: it stays as it is. */
  places: Int32Array
  cleaned: readonly (Cleaned | undefined)[]
  /** By row; a row that is not in it has none. */
  fields: ReadonlyMap<number, Fields>
  left: number
}
