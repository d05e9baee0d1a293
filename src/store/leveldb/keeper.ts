// Keeps what is in memory and what is in blocks in step: closes an epoch when it is full, rolls complete ones in order,
// removes what is too old or too much, and makes commits wait when memory runs ahead of the disk.

import { setTimeout as delay } from 'node:timers/promises'
import type { Log } from '../../ops/log.ts'
import { directoryBytes } from '../directory.ts'
import type { RemoveQuery, Removed, StoreStatus } from '../store.ts'
import { Blocks } from './blocks.ts'
import type { Committer } from './committer.ts'
import { Compaction } from './compaction.ts'
import type { Database } from './database.ts'
import type { Directory } from './directory.ts'
import { DiskMeter } from './disk.ts'
import type { Epoch } from './hot/epoch.ts'
import { hotBetween, isHot } from './hot/between.ts'
import type { Loaded } from './load.ts'
import { closeRollMs, idleRollMs, type LevelOptions, rollLimits, readersDataOf } from './options.ts'
import { applyRetention } from './retention.ts'
import { AppError } from '../../domain/errors.ts'
import { decodeTopic } from './topicRecord.ts'
import { topicKey } from './keys.ts'
import type { ReadersData } from './thread/readers.ts'
import type { WriteGate } from './writeGate.ts'

export interface KeeperDeps {
  db: Database
  loaded: Loaded
  options: LevelOptions
  log: Log
  committer: Committer
  gate: WriteGate
}

/** After a failed roll the next is tried no sooner. */
const retryMs = 5000
/** How often what is too old is looked for. */
const retentionMs = 60_000
/** How often the files are measured. */
const measureMs = 10_000

export class Keeper {
  readonly #deps: KeeperDeps
  /** Oldest first; the last takes rows, the others are to be rolled. */
  #epochs: Epoch[]
  readonly #reading: ReadersData
  #blocks: Blocks
  #db: Database
  #rolling: Promise<boolean> | null = null
  /** Resolves when the database is open; a query waits for it. */
  ready: Promise<void> = Promise.resolve()
  #setReady: () => void = () => {}
  #isSuspended = false
  readonly #disk: DiskMeter
  readonly #timers: NodeJS.Timeout[] = []
  #lastShown = performance.now()
  readonly #compaction: Compaction
  #retryAt = 0
  #lastRolled = 0

  constructor(deps: KeeperDeps) {
    const { db, loaded, options, committer } = deps
    this.#deps = deps
    this.#db = db
    this.#disk = new DiskMeter(options.path, options.max_bytes)
    this.#reading = readersDataOf(options)
    this.#blocks = new Blocks(db, deps.gate, this.#reading, loaded)
    this.#compaction = this.#createCompaction()
    this.#epochs = [...(loaded.epoch.staged > 0 ? [loaded.epoch] : []), committer.epoch]
    // Segments without a row that is not in blocks are still to be deleted.
    if (loaded.epoch.staged === 0 && loaded.epoch.segments.length > 0) this.#epochs.unshift(loaded.epoch)
    this.#every(1000, () => this.#tick())
    this.#every(retentionMs, () => void this.retain())
    this.#every(measureMs, () => this.#measure())
    this.#measure()
  }

  get epochs(): readonly Epoch[] {
    return this.#epochs
  }

  get blocks(): Blocks {
    return this.#blocks
  }

  get directory(): Directory {
    return this.#blocks.directory
  }

  get status(): Omit<StoreStatus, 'engine' | 'state' | 'lastSeq' | 'pending'> {
    const { loaded } = this.#deps
    return {
      readings: loaded.stats.total,
      topics: loaded.stats.topics,
      diskBytes: this.#disk.bytes,
      hotReadings: this.#epochs.reduce((sum, { visible }) => sum + visible, 0),
      hotBytes: this.#hotBytes,
      blocks: this.directory.blocks,
      damaged: loaded.damaged,
      freeBytes: this.#disk.freeBytes,
      daysUntilFull: this.#disk.daysUntilFull,
    }
  }

  get #hotBytes(): number {
    return this.#epochs.reduce((sum, { bytes }) => sum + bytes, 0)
  }

  /** Makes rows of an epoch up to `end` visible to every query. */
  show(epoch: Epoch, end: number): void {
    const { stats } = this.#deps.loaded
    const { rows } = epoch
    epoch.show(end, (row) => stats.count(rows.topic(row), rows.time(row), rows.seq(row), rows.size(row)))
    this.#lastShown = performance.now()
  }

  /** Called before a batch is made: an epoch that is full takes no more rows. */
  closeFullEpoch(): void {
    const { committer, options } = this.#deps
    const { rows, rowsPerTopic, bytes } = rollLimits[options.memory]
    const { epoch } = committer
    const isFull = epoch.staged >= rows && epoch.staged >= rowsPerTopic * epoch.topics
    if (isFull || epoch.bytes >= bytes) this.#rotate()
  }

  /** Called after a batch: rolls what is complete, and lets commits wait when memory is full. */
  committed(): void {
    const { committer, options } = this.#deps
    if (this.#hotBytes > rollLimits[options.memory].bytesMax) committer.hold(true)
    if (this.#epochs.length > 1) void this.#roll()
  }

  /** Rolls everything that is durable now. */
  async rollAll(): Promise<void> {
    const { committer } = this.#deps
    const { epoch } = committer
    this.#rotate()
    // Not until nothing waits: on a busy server something always does.
    await committer.completed(epoch)
    this.#retryAt = 0
    while (this.#epochs.includes(epoch) && this.#epochs.length > 1 && (await this.#roll()));
  }

  async remove({ filters, mayRemove, from, to, isDryRun, signal }: RemoveQuery): Promise<Removed> {
    const { select } = this.#deps.loaded
    await this.ready
    if (!isDryRun) await this.rollAll()
    const ask = { filters, limit: Number.POSITIVE_INFINITY, ...(mayRemove ? { mayRead: mayRemove } : {}) }
    const topicIds = select.select(ask, (id) => this.directory.count(id) > 0 || isHot(this.#epochs, id))
    signal?.throwIfAborted()
    const hot = isDryRun ? hotBetween(this.#epochs, topicIds, from, to) : { readings: 0, bytes: 0 }
    const removed = await this.#remove(topicIds, { from, to, isDryRun, slackMs: 0 })
    return { readings: removed.readings + hot.readings, bytes: removed.bytes + hot.bytes }
  }

  /** Everything up to number `seq` is in blocks after this. */
  async rollUpTo(seq: number): Promise<void> {
    await this.ready
    const isHot = (): boolean => this.#epochs.some(({ visible, rows }) => visible > 0 && rows.seq(0) <= seq)
    if (isHot()) await this.rollAll()
    if (isHot()) throw new AppError('store_unavailable', 'the log cannot be rolled into blocks just now')
  }

  /** Removes what retention says, and what is more than the store may hold. */
  async retain(): Promise<void> {
    const { options, log, loaded } = this.#deps
    const rules = options.retention()
    if (this.#isSuspended || (options.max_bytes === 0 && rules.length === 0)) return
    await applyRetention({
      rules,
      bytesMax: options.max_bytes,
      select: loaded.select,
      stats: loaded.stats,
      directory: () => this.directory,
      diskBytes: () => directoryBytes(options.path),
      remove: (topicIds, from, to, slackMs) => this.#remove(topicIds, { from, to, isDryRun: false, slackMs }),
      log,
    }).catch((error: unknown) => log.error({ err: error }, 'retention could not remove readings'))
    this.#measure()
  }

  /** The database is to be closed: nothing reads or writes until `resume`. */
  async suspend(): Promise<void> {
    if (this.#isSuspended) return
    this.#isSuspended = true
    this.ready = new Promise((resolve) => (this.#setReady = resolve))
    this.#directoryThen = this.#blocks.directory
    await this.#blocks.abandon()
    await this.#rolling
    this.#directoryThen = this.#blocks.directory
  }

  #directoryThen: Directory | null = null

  resume(db: Database): void {
    const { gate, loaded } = this.#deps
    this.#db = db
    this.#blocks = new Blocks(db, gate, this.#reading, {
      directory: this.#directoryThen ?? loaded.directory,
      shapes: null,
    })
    this.#isSuspended = false
    this.#retryAt = 0
    this.#setReady()
  }

  async close(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer)
    if (this.#isSuspended) return
    const rolled = this.rollAll().then(() => true)
    const limit = delay(this.#deps.options.closeRollMs ?? closeRollMs, false, { ref: false })
    // What is in no block by then is in the log, and is read from there when the store is opened.
    if (!(await Promise.race([rolled, limit]))) {
      await this.suspend()
      await rolled
      return
    }
    await this.#compaction.end()
    await this.#blocks.close()
  }

  #rotate(): void {
    const { committer } = this.#deps
    if (committer.rotate()) this.#epochs.push(committer.epoch)
  }

  /** Rolls the oldest epoch when it is complete; whether there was one and it succeeded. */
  #roll(): Promise<boolean> {
    if (this.#rolling) return this.#rolling
    const [epoch] = this.#epochs
    const isComplete = epoch && this.#epochs.length > 1 && epoch.isClosed && epoch.committed === epoch.staged
    if (!isComplete || this.#isSuspended || performance.now() < this.#retryAt) return Promise.resolve(false)
    this.#rolling = this.#blocks
      .roll(epoch, () => {
        this.#epochs = this.#epochs.filter((each) => each !== epoch)
        this.#compaction.rolled(epoch.bytes)
      })
      .then(
        () => this.#rolled(),
        (error: unknown) => this.#notRolled(error),
      )
    return this.#rolling
  }

  #rolled(): boolean {
    const { committer, options } = this.#deps
    this.#rolling = null
    if (this.#hotBytes <= rollLimits[options.memory].bytesMax) committer.hold(false)
    this.#measure()
    this.#lastRolled = performance.now()
    void this.#compaction.afterRoll()
    void this.#roll()
    return true
  }

  /** The log still holds everything, and the rows are where they were: the next roll tries again. */
  #notRolled(error: unknown): boolean {
    const { log, committer } = this.#deps
    this.#rolling = null
    this.#retryAt = performance.now() + retryMs
    committer.hold(false)
    if (this.#isSuspended) return false
    log.error({ err: error }, 'the log could not be rolled into blocks; nothing is lost, it is tried again')
    return false
  }

  #createCompaction(): Compaction {
    const { memory, max_bytes } = this.#deps.options
    const { deadBytesMax, compactedBytesMax } = rollLimits[memory]
    // What is dead counts against `store.max_bytes`: readings must not go for it.
    const partMax = max_bytes > 0 ? max_bytes / 8 : Number.POSITIVE_INFINITY
    return new Compaction(
      () => this.#blocks,
      { deadBytesMax: Math.min(deadBytesMax, partMax), compactedBytesMax },
      (error) => {
        if (error === undefined) this.#measure()
        else this.#deps.log.debug({ err: error }, 'the files were not merged')
      },
    )
  }

  #tick(): void {
    const now = performance.now()
    const isIdle = now - this.#lastShown > idleRollMs
    if (!this.#rolling && this.#epochs.length === 1) {
      void this.#compaction.rest({
        sinceRollMs: now - this.#lastRolled,
        sinceReadingMs: now - this.#lastShown,
        isIdle,
        readings: this.#deps.loaded.stats.total,
        diskBytes: this.#disk.bytes,
      })
    }
    if (isIdle && this.#epochs.at(-1)!.visible > 0) this.#rotate()
    if (this.#epochs.length > 1) void this.#roll()
  }

  async #remove(
    topicIds: Uint32Array,
    range: { from: number; to: number; isDryRun: boolean; slackMs: number },
  ): Promise<Removed> {
    const {
      readings,
      bytes,
      topicIds: changed,
    } = await this.#blocks.remove({ topicIds, ...range }, (removed) => {
      for (const id of removed.topicIds) this.#recount(id)
    })
    if (changed.length > 0) await this.#blocks.compact(changed)
    this.#measure()
    return { readings, bytes }
  }

  /** A topic's counts once some of its readings are gone: those in blocks, and those in memory. */
  #recount(id: number): void {
    const { stats } = this.#deps.loaded
    const topic = decodeTopic(this.#db.getSync(topicKey(id)))
    if (!topic) return
    stats.set(id, topic)
    for (const { rows, head } of this.#epochs.map((epoch) => ({ rows: epoch.rows, head: epoch.head(id) }))) {
      for (let row = head; row >= 0; row = rows.previous(row)) {
        stats.count(id, rows.time(row), rows.seq(row), rows.size(row))
      }
    }
  }

  #measure(): void {
    const { log, loaded } = this.#deps
    const hot = this.#epochs.reduce((sum, { visible }) => sum + visible, 0)
    this.#disk
      .measure({ readings: loaded.stats.total, hot, directory: this.directory })
      .catch((error: unknown) => log.debug({ err: error }, 'the size on disk is not known'))
  }

  #every(ms: number, work: () => void): void {
    const timer = setInterval(work, ms)
    timer.unref()
    this.#timers.push(timer)
  }
}
