// The embedded store: a log of commits and columnar blocks in one LevelDB. Appends become readable when their commit is
// durable; a roll turns the log into blocks without a gap. docs/storage-format.md draws what is on the disk.

import type { NewReading, Reading } from '../../domain/reading.ts'
import type { Log } from '../../ops/log.ts'
import type { DatabaseRecord } from '../backup.ts'
import { seqAfter } from '../numbering.ts'
import type { Remaker } from '../remaker.ts'
import { snapshotRecords } from '../records.ts'
import type {
  AggregateQuery,
  AppendOptions,
  Appended,
  LatestQuery,
  RangeQuery,
  ReadingStore,
  Receipts,
  RemakeQuery,
  RemakeStep,
  RemoveQuery,
  Removed,
  SamplesQuery,
  SeriesAggregate,
  SeriesSamples,
  SeriesSteps,
  StepsQuery,
  StoreStatus,
  TopicInfo,
  TopicsQuery,
} from '../store.ts'
import { fieldsText } from './block/fields.ts'
import { type Batch, Committer, type OnCommit } from './committer.ts'
import { type Database, explained, openDatabase } from './database.ts'
import { Keeper } from './keeper.ts'
import { type Loaded, loadStore, readCapture } from './load.ts'
import type { LevelOptions } from './options.ts'
import { Readings } from './readings.ts'
import { createReceipts } from './receipts.ts'
import { NewRecords } from './records.ts'
import { remakeStep } from './remaking.ts'
import { refusalIn } from './state.ts'
import { reopenDatabase } from './reopen.ts'
import { newTopic } from './topicRecord.ts'
import { WriteGate } from './writeGate.ts'

const noFields = new Uint8Array(0)

export interface LevelDeps {
  log: Log
  onCommit?: OnCommit
}

/** Opens or makes the store. Throws an `AppError` that says why it cannot be used. */
export async function openLevelStore(options: LevelOptions, deps: LevelDeps): Promise<ReadingStore> {
  const db = await openDatabase(options.path, options.memory)
  try {
    return new LevelStore(db, await loadStore(db, deps.log), options, deps)
  } catch (error) {
    await db.close()
    throw explained(error, options.path)
  }
}

class LevelStore implements ReadingStore {
  readonly receipts: Receipts
  readonly #options: LevelOptions
  readonly #log: Log
  readonly #loaded: Loaded
  readonly #gate: WriteGate
  readonly #committer: Committer
  readonly #records: NewRecords
  readonly #keeper: Keeper
  readonly #readings: Readings
  #db: Database
  #seq: number
  #state: StoreStatus['state'] = 'ok'
  #reopening: Promise<void> | null = null
  #closing: Promise<void> | null = null
  /** Written in vain since the database was last opened. */
  #failed: Batch[] = []
  readonly #abort = new AbortController()

  constructor(db: Database, loaded: Loaded, options: LevelOptions, { log, onCommit }: LevelDeps) {
    this.#db = db
    this.#loaded = loaded
    this.#options = options
    this.#log = log
    this.#seq = loaded.lastSeq
    this.#records = new NewRecords(loaded.captures)
    this.#gate = new WriteGate((error) => this.#suspend(error))
    this.#committer = new Committer(db, {
      gate: this.#gate,
      durability: options.durability,
      pendingBytesMax: options.max_pending_bytes,
      takeRecords: () => this.#records.take(),
      onBatch: () => this.#keeper.closeFullEpoch(),
      onWritten: onCommit ?? (() => undefined),
      explain: (cause) => explained(cause, options.path),
      onCommitted: (batch) => this.#commit(batch),
      onFailed: (error, batch) => this.#suspend(error, batch),
    })
    this.#keeper = new Keeper({
      db,
      loaded,
      options,
      log,
      committer: this.#committer,
      gate: this.#gate,
    })
    this.#readings = new Readings({ loaded, keeper: this.#keeper, db: () => this.#db })
    this.receipts = createReceipts(loaded.receipts, (receipt, done) => {
      const refused = refusalIn(this.#state)
      if (refused) done(refused)
      else this.#committer.settle(receipt, done)
    })
  }

  append(reading: NewReading, { awaited, receipt }: AppendOptions, done: Appended): void {
    const { payload, time, receivedAt } = reading
    const refused = refusalIn(this.#state) ?? this.#committer.refusal(payload.length)
    if (refused) {
      done(refused, 0)
      return
    }
    const { names, captures } = this.#loaded
    const known = names.idOf(reading.topic)
    const topicId = known >= 0 ? known : this.#addTopic(reading.topic)
    const captureId = captures.idOf(reading)
    const fields = reading.fields === null ? noFields : Buffer.from(fieldsText(reading.fields))
    const seq = (this.#seq = seqAfter(this.#seq, receivedAt))
    const row = { topicId, time, seq, receivedAt, captureId, fields, payload }
    if (this.#options.durability !== 'async') {
      this.#committer.add(row, awaited, receipt, done)
      return
    }
    this.#committer.add(row, false, receipt, null)
    this.#keeper.show(this.#committer.epoch, this.#committer.epoch.staged)
    done(null, seq)
  }

  async latest(query: LatestQuery): Promise<Reading[]> {
    await this.#reopened()
    return this.#readings.latest(query)
  }

  async *range(query: RangeQuery): AsyncGenerator<Reading[]> {
    await this.#reopened()
    yield* this.#readings.range(query)
  }

  async *since(seq: number): AsyncGenerator<Reading[]> {
    await this.#reopened()
    yield* this.#readings.since(seq)
  }

  async *aggregate(query: AggregateQuery): AsyncGenerator<SeriesAggregate[]> {
    await this.#reopened()
    yield* this.#readings.aggregate(query)
  }

  async *samples(query: SamplesQuery): AsyncGenerator<SeriesSamples[]> {
    await this.#reopened()
    yield* this.#readings.samples(query)
  }

  async *steps(query: StepsQuery): AsyncGenerator<SeriesSteps[]> {
    await this.#reopened()
    yield* this.#readings.steps(query)
  }

  topics(query: TopicsQuery): Promise<TopicInfo[]> {
    return this.#readings.topics(query)
  }

  async *records(signal?: AbortSignal): AsyncGenerator<readonly DatabaseRecord[]> {
    await this.#reopened()
    yield* snapshotRecords(this.#db, signal)
  }

  remove(query: RemoveQuery): Promise<Removed> {
    return this.#keeper.remove(query)
  }

  remake(query: RemakeQuery, remaker: Remaker): Promise<RemakeStep> {
    const hasThread = this.#options.memory === 'normal'
    const deps = { loaded: this.#loaded, keeper: this.#keeper, readings: this.#readings, hasThread }
    return remakeStep(deps, query, remaker)
  }

  get status(): StoreStatus {
    return {
      engine: 'leveldb',
      state: this.#state,
      lastSeq: this.#seq,
      pending: this.#committer.pending,
      ...this.#keeper.status,
    }
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#close())
  }

  /** Turns what is in memory into blocks; while it works, readers see the rows where they were. */
  roll(): Promise<void> {
    return this.#keeper.rollAll()
  }

  /** Removes what retention says; done every minute anyhow. */
  retain(): Promise<void> {
    return this.#keeper.retain()
  }

  async #close(): Promise<void> {
    this.#state = 'closed'
    this.#abort.abort()
    await this.#reopening
    await this.#committer.drained()
    await this.#keeper.close()
    await this.#db.close()
  }

  #addTopic(name: string): number {
    const id = this.#loaded.names.add(name)
    this.#records.addTopic(id, newTopic(name))
    return id
  }

  #commit({ epoch, marks }: Batch): void {
    this.#records.saved()
    for (const { receipt, isSet } of marks) {
      if (isSet) this.#loaded.receipts.add(receipt)
      else this.#loaded.receipts.delete(receipt)
    }
    this.#keeper.show(epoch, epoch.committed)
    this.#keeper.committed()
  }

  /** A query that comes while the database is being opened again waits for it. */
  async #reopened(): Promise<void> {
    await this.#keeper.ready
  }

  /** After a failed write LevelDB refuses every other: close it, and open it again until it takes one. */
  #suspend(cause: unknown, failed?: Batch): void {
    if (failed) this.#failed.push(failed)
    else if (this.#reopening) return
    const error = explained(cause, this.#options.path)
    this.#log.error(`${error.message}; publishes are refused, reading goes on`)
    if (this.#state !== 'closed') this.#state = error.code === 'store_full' ? 'full' : 'failed'
    this.#records.putBack()
    this.#committer.suspend(error)
    this.#reopening ??= this.#reopen().finally(() => (this.#reopening = null))
  }

  async #reopen(): Promise<void> {
    await this.#committer.drained()
    const { path, memory } = this.#options
    const db = await reopenDatabase(path, this.#abort.signal, {
      memory,
      log: this.#log,
      close: async () => {
        await this.#keeper.suspend()
        await this.#db.close()
      },
      opened: (opened) => {
        this.#db = opened
        this.#loaded.captures.readFrom((id) => readCapture(opened, id))
        this.#keeper.resume(opened)
      },
      failed: () => this.#failed,
      gate: this.#gate,
    })
    if (!db) return
    this.#failed = []
    if (this.#state !== 'closed') this.#state = 'ok'
    this.#committer.resume(db)
    this.#log.info('the store takes writes again')
  }
}
