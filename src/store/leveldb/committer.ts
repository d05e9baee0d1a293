// Group commit without a timer: while one write is under way the next batch fills. One batch is a few log segments and
// whatever must last with them. After a failure nothing is written until the database has been opened again, so that no
// later batch succeeds around a failed one.

import { AppError } from '../../domain/errors.ts'
import type { Appended } from '../store.ts'
import type { Database } from './database.ts'
import { Epoch, type Segment, type StagedRow } from './hot/epoch.ts'
import { receiptKey, segmentKey } from './keys.ts'
import { receiptValue } from './receipts.ts'
import type { WriteGate } from './writeGate.ts'

/** A durable mark that a batch sets or takes away. */
export interface Mark {
  receipt: string
  isSet: boolean
  /** Rows handed over before it: it is committed with them or after. */
  after: number
  done: ((error: AppError | null) => void) | null
}

/** What one write holds. */
export interface Batch {
  epoch: Epoch
  segments: readonly Segment[]
  marks: readonly Mark[]
  dones: readonly (Appended | null)[]
}

/** Told of every commit: its readings, and how long it took to be durable. */
export type OnCommit = (commit: { readings: number; ms: number }) => void

export interface CommitterOptions {
  durability: 'fsync' | 'os' | 'async'
  pendingBytesMax: number
  gate: WriteGate
  /** Records that must be on the disk with this batch (new topics, new capture data). */
  takeRecords: () => readonly { key: Buffer; value: Buffer }[]
  /** Before a batch is made: the place to close an epoch that is full. */
  onBatch: () => void
  /** The batch is durable: put its rows in force. */
  onCommitted: (batch: Batch) => void
  /** For the metrics. */
  onWritten: OnCommit
  /** What a failed write means, in words of the field. */
  explain: (cause: unknown) => AppError
  /** The batch failed; it may or may not be on the disk. */
  onFailed: (error: AppError, batch: Batch) => void
}

/** Limits of one batch; more wait for the next. */
const batchRowsMax = 16_384
const batchBytesMax = 4 * 2 ** 20

export class Committer {
  readonly #options: CommitterOptions
  #db: Database | null
  /** Oldest first; rows are written to the last. */
  #epochs: Epoch[] = [new Epoch()]
  #dones: (Appended | null)[] = []
  #marks: Mark[] = []
  /** Rows handed over and taken into batches since the start. */
  #added = 0
  #taken = 0
  #bytes = 0
  #inFlight: Batch | null = null
  #isAwaited = false
  #isHeld = false
  #scheduled = false
  /** For its turn to write. */
  #isWaiting = false
  #idle: (() => void)[] = []
  #completing: { epoch: Epoch; resolve: () => void }[] = []
  /** In durability `async`: what failed and must be written again, as it was. */
  #again: Batch[] = []

  constructor(db: Database, options: CommitterOptions) {
    this.#db = db
    this.#options = options
  }

  /** Rows that are not durable yet. */
  get pending(): number {
    const again = this.#again.reduce((sum, { dones }) => sum + dones.length, 0)
    return this.#added - this.#taken + (this.#inFlight?.dones.length ?? 0) + again
  }

  get #isIdle(): boolean {
    return (
      !this.#inFlight && this.#added === this.#taken && this.#marks.length === 0 && this.#again.length === 0
    )
  }

  /** The epoch that rows go to. */
  get epoch(): Epoch {
    return this.#epochs.at(-1)!
  }

  /** Why a row of so many bytes is refused just now, or `null`. */
  refusal(size: number): AppError | null {
    if (this.#bytes === 0 || this.#bytes + size <= this.#options.pendingBytesMax) return null
    return new AppError(
      'store_overloaded',
      'more is arriving than the disk can take; send again in a moment (store.max_pending_bytes)',
    )
  }

  add(row: StagedRow, awaited: boolean, receipt: string | undefined, done: Appended | null): void {
    const { epoch } = this
    const before = epoch.bytes
    epoch.stage(row)
    this.#bytes += epoch.bytes - before
    this.#added++
    this.#dones.push(done)
    if (awaited) this.#isAwaited = true
    if (receipt !== undefined) this.#marks.push({ receipt, isSet: true, after: this.#added, done: null })
    this.#schedule()
  }

  /** Takes a mark away; in order with the rows. */
  settle(receipt: string, done: (error: AppError | null) => void): void {
    this.#isAwaited = true
    this.#marks.push({ receipt, isSet: false, after: this.#added, done })
    this.#schedule()
  }

  /**
   * Rows go to a new epoch from now on; the one before is complete once it is committed to its end. False when it is empty:
   * then it stays.
   */
  rotate(): boolean {
    if (this.epoch.staged === 0) return false
    this.epoch.isClosed = true
    this.#epochs.push(new Epoch())
    return true
  }

  /** While held nothing more is written: what waits, waits. */
  hold(isHeld: boolean): void {
    this.#isHeld = isHeld
    this.#schedule()
  }

  /** Refuses everything that waits, and what comes until `resume`. */
  suspend(error: AppError): void {
    this.#db = null
    if (this.#options.durability !== 'async') this.#refuseWaiting(error)
    this.#release()
  }

  resume(db: Database): void {
    this.#db = db
    this.#schedule()
  }

  /** Resolves when nothing is waiting or under way. */
  drained(): Promise<void> {
    if (this.#isIdle || (!this.#db && !this.#inFlight)) return Promise.resolve()
    return new Promise((resolve) => this.#idle.push(resolve))
  }

  /** Resolves when every row of an epoch that takes no more is durable or refused; others may come all the while. */
  completed(epoch: Epoch): Promise<void> {
    if (epoch.committed === epoch.staged || (!this.#db && !this.#inFlight)) return Promise.resolve()
    return new Promise((resolve) => this.#completing.push({ epoch, resolve }))
  }

  #schedule(): void {
    if (this.#scheduled || this.#isWaiting || this.#inFlight || this.#isIdle || !this.#db || this.#isHeld)
      return
    this.#scheduled = true
    // One turn of the loop gathers what one read of the sockets brought.
    setImmediate(() => {
      this.#scheduled = false
      this.#commit()
    })
  }

  #commit(): void {
    // Acknowledging one batch may have brought rows that asked for the next.
    if (this.#inFlight || this.#isWaiting) return
    if (!this.#db || this.#isHeld || this.#isIdle) {
      this.#release()
      return
    }
    const { gate } = this.#options
    this.#isWaiting = true
    gate.enter(
      () => {
        this.#isWaiting = false
        if (this.#db && !this.#isHeld && !this.#isIdle) this.#write(this.#db)
        else {
          gate.leave()
          this.#release()
        }
      },
      () => {
        this.#isWaiting = false
      },
    )
  }

  #write(db: Database): void {
    this.#options.onBatch()
    const taken = this.#again.shift() ?? this.#take()
    const started = performance.now()
    this.#inFlight = taken
    const batch = db.batch()
    const records = this.#options.takeRecords()
    for (const { key, value } of records) batch.put(key, value)
    for (const { seq, bytes } of taken.segments) batch.put(segmentKey(seq), bytes)
    for (const { receipt, isSet } of taken.marks) {
      if (isSet) batch.put(receiptKey(receipt), receiptValue(receiptKey(receipt)))
      else batch.del(receiptKey(receipt))
    }
    // Later batches speak of the new records: they must not be lost where those are kept.
    const sync = (this.#isAwaited || records.length > 0) && this.#options.durability === 'fsync'
    if (this.#added === this.#taken) this.#isAwaited = false
    batch.write({ sync }).then(
      () => {
        this.#options.onWritten({ readings: taken.dones.length, ms: performance.now() - started })
        this.#succeed(taken)
      },
      (error: unknown) => this.#fail(taken, error),
    )
  }

  #take(): Batch {
    // An epoch leaves the queue with its last row.
    while (this.#epochs.length > 1 && this.#epochs[0]!.committed === this.#epochs[0]!.staged)
      this.#epochs.shift()
    const epoch = this.#epochs[0]!
    const segments = epoch.take(batchRowsMax, batchBytesMax) ?? []
    const rows = (segments.at(-1)?.end ?? epoch.committed) - epoch.committed
    this.#taken += rows
    let marks = 0
    while (marks < this.#marks.length && this.#marks[marks]!.after <= this.#taken) marks++
    return { epoch, segments, marks: this.#marks.splice(0, marks), dones: this.#dones.splice(0, rows) }
  }

  #succeed(batch: Batch): void {
    const { epoch, segments, marks, dones } = batch
    this.#inFlight = null
    this.#options.gate.leave()
    let row = epoch.committed
    epoch.commit(segments)
    for (const { rowBytes } of segments) this.#bytes -= rowBytes
    this.#options.onCommitted(batch)
    for (const done of dones) done?.(null, epoch.rows.seq(row++))
    for (const mark of marks) mark.done?.(null)
    if (epoch.isClosed && epoch.committed === epoch.staged) this.#complete(epoch)
    if (this.#isIdle) this.#release()
    else this.#commit()
  }

  #complete(epoch: Epoch): void {
    for (const each of this.#completing) if (each.epoch === epoch) each.resolve()
    this.#completing = this.#completing.filter((each) => each.epoch !== epoch)
  }

  #fail(batch: Batch, cause: unknown): void {
    this.#inFlight = null
    this.#db = null
    this.#options.gate.break()
    const error = this.#options.explain(cause)
    if (this.#options.durability === 'async') this.#again.unshift(batch)
    else for (const { rowBytes } of batch.segments) this.#bytes -= rowBytes
    this.#options.onFailed(error, batch)
    if (this.#options.durability === 'async') return
    for (const done of batch.dones) done?.(error, 0)
    for (const mark of batch.marks) mark.done?.(error)
  }

  #refuseWaiting(error: AppError): void {
    const dones = this.#dones
    const marks = this.#marks
    this.#dones = []
    this.#marks = []
    this.#taken = this.#added
    this.#bytes = 0
    for (const epoch of this.#epochs) epoch.truncate(epoch.committed)
    for (const done of dones) done?.(error, 0)
    for (const mark of marks) mark.done?.(error)
  }

  #release(): void {
    const idle = this.#idle
    this.#idle = []
    for (const resolve of idle) resolve()
    const completing = this.#completing
    this.#completing = []
    for (const { resolve } of completing) resolve()
  }
}
