// The embedded store: a log of commits and blocks of rows in one LevelDB. Appends become readable when their commit is
// durable; a roll turns the log into blocks without a gap. docs/storage-format.md draws what is on the disk.

import { setTimeout as delay } from 'node:timers/promises'
import { AppError } from '../../domain/errors.ts'
import type { NewReading, Reading } from '../../domain/reading.ts'
import type { Log } from '../../ops/log.ts'
import { aggregateReadings } from '../aggregate.ts'
import { rangeOf } from '../memory.ts'
import type {
  AggregateQuery,
  AppendOptions,
  Appended,
  LatestQuery,
  RangeQuery,
  ReadingStore,
  Receipts,
  SeriesAggregate,
  StoreStatus,
  TopicsQuery,
} from '../store.ts'
import { checkSpace, directoryBytes } from '../directory.ts'
import { latestAsOf } from './asOf.ts'
import { Committer, type Entry, type FailedBatch } from './committer.ts'
import { type Database, explained, openDatabase } from './database.ts'
import { encodeFrame, formatVersion } from './frame.ts'
import { HotRows } from './hot.ts'
import { captureKey, receiptKey, segmentKey, topicKey, versionKey } from './keys.ts'
import { type Loaded, loadStore } from './load.ts'
import { type LevelOptions, rollBytesMax, rollRowsMax } from './options.ts'
import { type Rolled, rollRows } from './roll.ts'
import { decodeFields, encodeFields, type Row } from './row.ts'
import { scanRows } from './scan.ts'
import { createReceipts } from './receipts.ts'
import { readingsSince, type Sources } from './since.ts'
import { refusalIn } from './state.ts'
import { countRow, encodeTopic, infoOf, noStats, type Topic } from './topics.ts'
import { View } from './view.ts'

const chunkRows = 1000
const everyTopic: TopicsQuery = { filters: [], limit: Number.POSITIVE_INFINITY }

/** Opens or makes the store. Throws an `AppError` that says why it cannot be used. */
export async function openLevelStore(options: LevelOptions, { log }: { log: Log }): Promise<ReadingStore> {
  const db = await openDatabase(options.path)
  try {
    const loaded = await loadStore(db, log)
    const store = new LevelStore(db, loaded, options, log)
    // What the log holds is rolled by the very function that rolls a full epoch.
    await store.roll()
    return store
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
  readonly #committer: Committer
  #db: Database
  #view: View
  #seq: number
  #hot: HotRows
  #sealed: HotRows | null = null
  #rolling: Promise<void> | null = null
  /** New topics and capture data: not on the disk yet, and in the batch under way. */
  #records: { key: Buffer; value: Buffer }[] = []
  #takenRecords: { key: Buffer; value: Buffer }[] = []
  #readings = 0
  #diskBytes = 0
  #state: StoreStatus['state'] = 'ok'
  #reopening: Promise<void> | null = null
  /** Written in vain since the database was last opened. */
  #failed: FailedBatch[] = []
  readonly #closing = new AbortController()

  constructor(db: Database, loaded: Loaded, options: LevelOptions, log: Log) {
    this.#db = db
    this.#loaded = loaded
    this.#options = options
    this.#log = log
    this.#hot = loaded.hot
    this.#seq = loaded.lastSeq
    this.#view = this.#newView(db)
    for (const { stats } of loaded.topics.all()) this.#readings += stats.readings
    this.#committer = new Committer(db, {
      durability: options.durability,
      pendingBytesMax: options.max_pending_bytes,
      takeRecords: () => this.#takeRecords(),
      explain: (cause) => explained(cause, options.path),
      onCommitted: (entries, segment) => this.#commit(entries, segment),
      onFailed: (error, entries, segment) => this.#suspend(error, { entries, segment }),
    })
    this.receipts = createReceipts(loaded.receipts, (receipt, done) => {
      const refused = refusalIn(this.#state)
      if (refused) done(refused)
      else this.#committer.add({ row: null, awaited: true, receipt, done: (error) => done(error) })
    })
    this.#measure()
  }

  append(reading: NewReading, { awaited, receipt }: AppendOptions, done: Appended): void {
    const refused = refusalIn(this.#state)
    if (refused) {
      done(refused, 0)
      return
    }
    const topic = this.#loaded.topics.get(reading.topic) ?? this.#newTopic(reading.topic)
    const row: Row = {
      topicId: topic.id,
      time: reading.time,
      seq: ++this.#seq,
      receivedAt: reading.receivedAt,
      captureId: this.#captureId(reading),
      fields: encodeFields(reading.fields),
      payload: Buffer.from(reading.payload),
    }
    if (this.#options.durability !== 'async') {
      this.#committer.add({ row, awaited, receipt: receipt ?? null, done })
      return
    }
    this.#show(row)
    this.#committer.add({ row, awaited: false, receipt: receipt ?? null, done: () => {} })
    done(null, row.seq)
  }

  async latest(query: LatestQuery): Promise<Reading[]> {
    if (query.asOf !== undefined) return latestAsOf((ask) => this.range(ask), this.#loaded.topics, query)
    return this.#loaded.topics
      .list(query)
      .flatMap(({ stats, name }) => (stats.newest ? [this.#reading(name, stats.newest)] : []))
  }

  async *range(query: RangeQuery): AsyncGenerator<Reading[]> {
    const { filters, mayRead } = query
    const topics = this.#loaded.topics.list({ ...everyTopic, filters, ...(mayRead ? { mayRead } : {}) })
    const hot = this.#sealed ? [this.#sealed, this.#hot] : [this.#hot]
    const view = this.#view.acquire()
    try {
      let chunk: Reading[] = []
      for (const row of scanRows({ db: this.#db, hot, topics, snapshot: view.snapshot }, query)) {
        chunk.push(this.#reading(this.#loaded.topics.byId(row.topicId)?.name ?? '', row))
        if (chunk.length < chunkRows) continue
        yield chunk
        chunk = []
        await delay(0)
        query.signal?.throwIfAborted()
      }
      if (chunk.length > 0) yield chunk
    } finally {
      view.release()
    }
  }

  aggregate(query: AggregateQuery): AsyncGenerator<SeriesAggregate[]> {
    return aggregateReadings(this.range(rangeOf(query)), query)
  }

  since(seq: number): AsyncGenerator<Reading[]> {
    const look = (): Sources => ({
      db: this.#db,
      hot: this.#sealed ? [this.#sealed, this.#hot] : [this.#hot],
      topics: this.#loaded.topics.all(),
      snapshot: this.#view.snapshot,
    })
    return readingsSince(look, seq, (topic, row) => this.#reading(topic.name, row))
  }

  async topics(query: TopicsQuery): ReturnType<ReadingStore['topics']> {
    return this.#loaded.topics.list(query).map(infoOf)
  }

  get status(): StoreStatus {
    return {
      engine: 'leveldb',
      state: this.#state,
      readings: this.#readings,
      topics: this.#loaded.topics.size,
      lastSeq: this.#seq,
      diskBytes: this.#diskBytes,
      pending: this.#committer.pending,
    }
  }

  async close(): Promise<void> {
    if (this.#state === 'closed') return
    this.#state = 'closed'
    this.#closing.abort()
    await this.#reopening
    await this.#committer.drained()
    await this.#rolling
    await this.roll()
    this.#view.release()
    await this.#db.close()
  }

  /** Turns what is hot into blocks; while it works, readers see the rows where they were. */
  roll(): Promise<void> {
    if (this.#rolling) return this.#rolling
    if (this.#hot.count + this.#hot.segments.length === 0) return Promise.resolve()
    const sealed = this.#hot
    this.#sealed = sealed
    this.#hot = new HotRows()
    this.#rolling = rollRows(this.#db, this.#loaded.topics, sealed)
      .then((rolled) => this.#swap(rolled))
      .catch((error: unknown) => this.#unseal(sealed, error))
      .finally(() => (this.#rolling = null))
    return this.#rolling
  }

  #swap(rolled: Rolled): void {
    for (const [topic, { blocks, rolled: stats }] of rolled) {
      topic.blocks = blocks
      topic.rolled = stats
    }
    this.#sealed = null
    this.#view.release()
    this.#view = this.#newView(this.#db)
    this.#measure()
  }

  /** The log still holds everything: the rows go back to where they were, and the next roll tries again. */
  #unseal(sealed: HotRows, error: unknown): void {
    sealed.addAll(this.#hot)
    this.#hot = sealed
    this.#sealed = null
    this.#log.error(
      { err: error },
      'the log could not be rolled into blocks; nothing is lost, it is tried again',
    )
    if (this.#state === 'ok' && explained(error, this.#options.path).code === 'store_full')
      this.#suspend(error)
  }

  #commit(entries: readonly Entry[], segment: number | null): void {
    this.#takenRecords = []
    if (segment !== null) this.#hot.segments.push(segment)
    for (const { row, receipt } of entries) {
      if (receipt !== null) {
        if (row) this.#loaded.receipts.add(receipt)
        else this.#loaded.receipts.delete(receipt)
      }
      if (row && this.#options.durability !== 'async') this.#show(row)
    }
    const { memory } = this.#options
    if (this.#hot.count >= rollRowsMax[memory] || this.#hot.bytes >= rollBytesMax[memory]) void this.roll()
  }

  /** Makes a reading visible to every query. */
  #show(row: Row): void {
    const topic = this.#loaded.topics.byId(row.topicId)
    if (!topic) return
    this.#hot.add(row)
    countRow(topic.stats, row)
    this.#readings++
  }

  /** After a failed write LevelDB refuses every other: close it, and open it again until it takes one. */
  #suspend(cause: unknown, failed?: FailedBatch): void {
    if (failed) this.#failed.push(failed)
    const error = explained(cause, this.#options.path)
    this.#log.error(`${error.message}; publishes are refused, reading goes on`)
    if (this.#state !== 'closed') this.#state = error.code === 'store_full' ? 'full' : 'failed'
    this.#records = [...this.#takenRecords, ...this.#records]
    this.#takenRecords = []
    this.#committer.suspend(error)
    this.#reopening ??= this.#reopen().finally(() => {
      this.#reopening = null
    })
  }

  async #reopen(): Promise<void> {
    await Promise.all([this.#rolling, this.#committer.drained()])
    for (let waitMs = 250; !this.#closing.signal.aborted; waitMs = Math.min(waitMs * 2, 2000)) {
      await delay(waitMs, undefined, { signal: this.#closing.signal }).catch(() => {})
      try {
        await checkSpace(this.#options.path)
        await this.#probe()
        if (this.#state !== 'closed') this.#state = 'ok'
        this.#committer.resume(this.#db)
        this.#log.info('the store takes writes again')
        return
      } catch (error) {
        this.#log.debug({ err: error }, 'the store still refuses')
      }
    }
  }

  /**
   * A batch that failed may still be in LevelDB's log file. Nobody was told that it is stored, and its publishers send
   * it again: so its segment and its marks are taken back.
   */
  async #probe(): Promise<void> {
    this.#view.release()
    await this.#db.close()
    this.#db = await openDatabase(this.#options.path)
    this.#view = this.#newView(this.#db)
    const batch = this.#db.batch()
    for (const { segment } of this.#failed) if (segment !== null) batch.del(segmentKey(segment))
    for (const { row, receipt } of this.#failed.flatMap(({ entries }) => entries)) {
      if (receipt === null) continue
      if (row) batch.del(receiptKey(receipt))
      else batch.put(receiptKey(receipt), Buffer.alloc(0))
    }
    batch.put(versionKey, (await this.#db.get(versionKey)) ?? Buffer.from(String(formatVersion)))
    await batch.write({ sync: true })
    this.#failed = []
  }

  #takeRecords(): { key: Buffer; value: Buffer }[] {
    this.#takenRecords = this.#records
    this.#records = []
    return this.#takenRecords
  }

  #newView(db: Database): View {
    return new View(db, (error) => this.#log.debug({ err: error }, 'a snapshot was gone already'))
  }

  #newTopic(name: string): Topic {
    const topic = this.#loaded.topics.add(name)
    this.#records.push({ key: topicKey(topic.id), value: encodeFrame(encodeTopic(name, noStats)) })
    return topic
  }

  #captureId(reading: NewReading): number {
    const { id, text, isNew } = this.#loaded.captures.idOf(reading)
    if (isNew) this.#records.push({ key: captureKey(id), value: encodeFrame(Buffer.from(text)) })
    return id
  }

  #reading(topic: string, row: Row): Reading {
    const capture = this.#loaded.captures.get(row.captureId)
    if (!capture)
      throw new AppError('store_corrupt', `the capture data of reading ${row.seq} ("${topic}") is damaged`)
    const { time, seq, receivedAt, payload } = row
    return { topic, time, seq, receivedAt, payload, fields: decodeFields(row.fields), ...capture }
  }

  #measure(): void {
    directoryBytes(this.#options.path).then(
      (bytes) => {
        this.#diskBytes = bytes
      },
      (error: unknown) => this.#log.debug({ err: error }, 'the size on disk is not known'),
    )
  }
}
