// Group commit without a timer: while one write is under way the next batch fills. One batch is one log segment and
// whatever must last with it. After a failure nothing is written until the database has been opened again, so that no
// later batch succeeds around a failed one.

import { AppError } from '../../domain/errors.ts'
import type { Database } from './database.ts'
import { encodeFrame } from './frame.ts'
import { receiptKey, segmentKey } from './keys.ts'
import { encodeRows, type Row } from './row.ts'

export interface Entry {
  /** `null` for a settled receipt: nothing to store, only a mark to take away. */
  row: Row | null
  awaited: boolean
  receipt: string | null
  done: (error: AppError | null, seq: number) => void
}

/** What a failed write held. */
export interface FailedBatch {
  entries: readonly Entry[]
  segment: number | null
}

export interface CommitterOptions {
  durability: 'fsync' | 'os' | 'async'
  pendingBytesMax: number
  /** Records that must be on the disk with this batch (new topics, new capture data). */
  takeRecords: () => { key: Buffer; value: Buffer }[]
  /** The batch is durable: put its rows in force. */
  onCommitted: (entries: readonly Entry[], segment: number | null) => void
  /** What a failed write means, in words of the field. */
  explain: (cause: unknown) => AppError
  /** The batch failed; its segment may or may not be on the disk. */
  onFailed: (error: unknown, entries: readonly Entry[], segment: number | null) => void
}

/** Rows of one segment; more wait for the next. */
export const segmentRowsMax = 8192
const segmentBytesMax = 4 * 2 ** 20

export class Committer {
  readonly #options: CommitterOptions
  #db: Database | null
  #waiting: Entry[] = []
  #inFlight: readonly Entry[] = []
  #bytes = 0
  #scheduled = false
  #idle: (() => void)[] = []

  constructor(db: Database, options: CommitterOptions) {
    this.#db = db
    this.#options = options
  }

  get pending(): number {
    return this.#waiting.length + this.#inFlight.length
  }

  add(entry: Entry): void {
    const size = entryBytes(entry)
    if (this.#bytes + size > this.#options.pendingBytesMax && this.pending > 0) {
      entry.done(
        new AppError(
          'store_overloaded',
          'more is arriving than the disk can take; send again in a moment (store.max_pending_bytes)',
        ),
        0,
      )
      return
    }
    this.#bytes += size
    this.#waiting.push(entry)
    this.#schedule()
  }

  /** Refuses everything that waits, and what comes until `resume`. */
  suspend(error: AppError): void {
    this.#db = null
    const refused = this.#waiting
    this.#waiting = []
    for (const entry of refused) this.#settle(entry, error)
    this.#release()
  }

  resume(db: Database): void {
    this.#db = db
    this.#schedule()
  }

  /** Resolves when nothing is waiting or under way. */
  drained(): Promise<void> {
    if (this.pending === 0) return Promise.resolve()
    return new Promise((resolve) => this.#idle.push(resolve))
  }

  #schedule(): void {
    if (this.#scheduled || this.#inFlight.length > 0 || this.#waiting.length === 0 || !this.#db) return
    this.#scheduled = true
    // One turn of the loop gathers what one read of the sockets brought.
    setImmediate(() => {
      this.#scheduled = false
      this.#commit()
    })
  }

  #commit(): void {
    const db = this.#db
    if (!db || this.#waiting.length === 0) {
      this.#release()
      return
    }
    const entries = this.#take()
    this.#inFlight = entries
    const rows = entries.flatMap(({ row }) => row ?? [])
    const segment = rows[0]?.seq ?? null
    const batch = db.batch()
    const records = this.#options.takeRecords()
    for (const { key, value } of records) batch.put(key, value)
    if (segment !== null) batch.put(segmentKey(segment), encodeFrame(encodeRows(rows)))
    // Later batches speak of these records: they must not be lost where those are kept.
    let awaited = records.length > 0
    for (const entry of entries) {
      awaited ||= entry.awaited
      if (entry.receipt === null) continue
      if (entry.row) batch.put(receiptKey(entry.receipt), Buffer.alloc(0))
      else batch.del(receiptKey(entry.receipt))
    }
    batch.write({ sync: awaited && this.#options.durability === 'fsync' }).then(
      () => this.#succeed(entries, segment),
      (error: unknown) => this.#fail(entries, segment, error),
    )
  }

  #take(): Entry[] {
    let bytes = 0
    let count = 0
    while (count < this.#waiting.length && count < segmentRowsMax && bytes < segmentBytesMax) {
      const entry = this.#waiting[count++]
      if (entry) bytes += entryBytes(entry)
    }
    return this.#waiting.splice(0, count)
  }

  #succeed(entries: readonly Entry[], segment: number | null): void {
    this.#inFlight = []
    this.#options.onCommitted(entries, segment)
    for (const entry of entries) this.#settle(entry, null)
    if (this.#waiting.length > 0) this.#commit()
    else this.#release()
  }

  #fail(entries: readonly Entry[], segment: number | null, cause: unknown): void {
    this.#inFlight = []
    this.#db = null
    const error = this.#options.explain(cause)
    this.#options.onFailed(error, entries, segment)
    for (const entry of entries) this.#settle(entry, error)
  }

  #settle(entry: Entry, error: AppError | null): void {
    this.#bytes -= entryBytes(entry)
    entry.done(error, error ? 0 : (entry.row?.seq ?? 0))
  }

  #release(): void {
    if (this.pending > 0) return
    const idle = this.#idle
    this.#idle = []
    for (const resolve of idle) resolve()
  }
}

function entryBytes({ row, receipt }: Entry): number {
  return 64 + (row ? row.payload.length + row.fields.length : 0) + (receipt?.length ?? 0)
}
