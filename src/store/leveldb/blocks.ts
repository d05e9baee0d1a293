// The blocks of a store and every change to them: rolls, removals, compaction. Changes come one after another; readers see
// the blocks as they were until a change ends, then as they are, in one tick. Large work is done in a thread.

import { Shapes } from './block/shapes.ts'
import { compactRange, type Database } from './database.ts'
import { type BlockEntry, Directory } from './directory.ts'
import type { Epoch } from './hot/epoch.ts'
import { kindRange } from './keys.ts'
import { compactTopics, type RemoveInput, removeRows } from './roll/remove.ts'
import { pausing } from './pausing.ts'
import { type RemakeInput, remakeRows } from './roll/remake.ts'
import type { RemakeAnswer } from './roll/remakeInPlace.ts'
import type { MakeParams, WriteParams } from './roll/remakeThread.ts'
import { type Batch, rollEpoch, type RollContext } from './roll/roll.ts'
import { storedEntries } from './roll/storedEntries.ts'
import { loadShapes } from './shapeTable.ts'
import { Scans } from './scans.ts'
import type { Changed, RollParams, ViewParams } from './thread/main.ts'
import { Readers, type ReadersData } from './thread/readers.ts'
import { StoreThread } from './thread/thread.ts'
import { View } from './view.ts'
import type { WriteGate } from './writeGate.ts'

/** Rows that are rolled without a thread: it would take longer to start. */
const inlineRollRows = 16_384
/** Blocks that are looked through without a thread. */
const inlineRemoveTopics = 64
/** Rows whose blocks are written again without a thread. */
const inlineRemakeRows = 512
/** The thread that makes fields again ends when it was not asked for so long. */
const remakerIdleMs = 10_000

export interface Removal {
  readings: number
  bytes: number
  /** Topics that have lost readings. */
  topicIds: number[]
}

export class Blocks {
  readonly #db: Database
  readonly #gate: WriteGate
  #shapes: Shapes
  readonly #roller: StoreThread
  readonly #remaker: StoreThread
  #remakerIdle: NodeJS.Timeout | undefined
  readonly #readers: Readers
  readonly scans: Scans
  #view: View
  /** The change under way; the next waits for it. */
  #last: Promise<unknown> = Promise.resolve()
  /** Blocks are being written that no view knows yet. */
  #isWriting = false
  /** The reading threads have their snapshots of the view before. */
  #isPinned = false
  #replacedRows = 0

  constructor(
    db: Database,
    gate: WriteGate,
    reading: ReadersData,
    { directory, shapes }: { directory: Directory; shapes: Shapes | null },
  ) {
    this.#db = db
    this.#gate = gate
    this.#shapes = shapes ?? loadedShapes(db)
    this.#view = new View(db, directory, 0)
    this.#roller = new StoreThread({ path: reading.path, cacheBytes: 0, niceness: 0 })
    this.#remaker = new StoreThread(
      { path: reading.path, cacheBytes: 0, niceness: 0 },
      '../roll/remakeThread',
    )
    this.#readers = new Readers(reading)
    this.scans = new Scans(this.#readers, {
      view: () => this.#view,
      shapes: () => this.#shapes,
      mayAskThreads: () => !this.#isWriting || this.#isPinned,
    })
  }

  get directory(): Directory {
    return this.#view.directory
  }

  /**
   * Writes the blocks of a complete epoch. `onSwapped` is called in the tick in which readers see the blocks: the rows in
   * memory must go in it.
   */
  roll(epoch: Epoch, onSwapped: () => void): Promise<void> {
    const { committed: end, segments } = epoch
    return this.#change(
      end <= inlineRollRows,
      async (context) => {
        const directory = await rollEpoch(context, { rows: epoch.rows, end, segments })
        return { directory, value: undefined }
      },
      async (view) => {
        const params: RollParams = { ...view, rows: epoch.share(), end, segments }
        return { ...(await this.#callChanger(this.#roller, 'roll', params)), value: undefined }
      },
      onSwapped,
    )
  }

  remove(input: RemoveInput, onSwapped: (removed: Removal) => void): Promise<Removal> {
    return this.#change(
      input.topicIds.length <= inlineRemoveTopics,
      async (context) => {
        const { directory, ...value } = await removeRows(context, input)
        return { directory, value }
      },
      async (view) => {
        const { pages, replacedRows, ...value } = await this.#callChanger<Removal>(this.#roller, 'remove', {
          ...view,
          ...input,
        })
        return { pages, replacedRows, value }
      },
      onSwapped,
      async () => {
        await this.#readAgain(input.topicIds)
        onSwapped({ readings: 0, bytes: 0, topicIds: [...input.topicIds] })
      },
    )
  }

  /** Writes blocks again with other fields; how many readings have them. */
  remake(input: RemakeInput): Promise<number> {
    const rows = input.topics.reduce((sum, { seqs }) => sum + seqs.length, 0)
    return this.#change(
      rows <= inlineRemakeRows,
      async (context) => {
        const { directory, readings } = await remakeRows(context, input)
        return { directory, value: readings }
      },
      async (view) => {
        const { readings, ...changed } = await this.#callChanger<{ readings: number }>(
          this.#roller,
          'remake',
          {
            ...view,
            ...input,
          },
        )
        return { ...changed, value: readings }
      },
      () => undefined,
      () => this.#readAgain(input.topics.map(({ topicId }) => topicId)),
    )
  }

  /** Has rows made where they are read, and writes their blocks. `number` gives numbers to the new capture data. */
  remakeInPlace(
    ask: Omit<MakeParams, keyof ViewParams>,
    number: (made: RemakeAnswer) => Pick<WriteParams, 'ids' | 'captures'>,
  ): Promise<{ readings: number; left: number; remade: number }> {
    clearTimeout(this.#remakerIdle)
    return this.#change(
      false,
      () => Promise.reject(new Error('this is done in a thread')),
      async (view) => {
        const made = await this.#remaker.ask<RemakeAnswer>('make', { ...view, ...ask })
        const { readings, left } = made
        const params: WriteParams = { ...view, ...number(made) }
        const { readings: remade, ...changed } = await this.#callChanger<{ readings: number }>(
          this.#remaker,
          'write',
          params,
        )
        return { ...changed, value: { readings, left, remade } }
      },
      () => this.#restRemaker(),
      () => this.#readAgain(ask.topics.map(({ topicId }) => topicId)),
    )
  }

  #restRemaker(): void {
    clearTimeout(this.#remakerIdle)
    this.#remakerIdle = setTimeout(() => void this.#turn(() => this.#remaker.close()), remakerIdleMs)
    this.#remakerIdle.unref()
  }

  /** Gives the space of removed blocks back to the disk. */
  async compact(topicIds: readonly number[]): Promise<void> {
    await this.#turn(() => compactTopics(this.#db, topicIds))
  }

  /** Rows of blocks that were replaced since their space was last given back: LevelDB may still hold them. */
  get replacedRows(): number {
    return this.#replacedRows
  }

  /** Gives the space of replaced blocks back to the disk: writes all blocks again. */
  async compactReplaced(): Promise<void> {
    this.#replacedRows = 0
    for (const { gte, lt } of [kindRange('B'), kindRange('I')])
      await this.#turn(() => compactRange(this.#db, gte, lt))
  }

  /** Gives the space of rolled log segments back: LevelDB keeps what is deleted until it merges files. */
  compactLog(): Promise<void> {
    const { gte, lt } = kindRange('L')
    return this.#turn(() => compactRange(this.#db, gte, lt))
  }

  /** The view is gone after this; what runs in threads fails. */
  async close(): Promise<void> {
    await Promise.allSettled([this.#last])
    await this.#closeThreads()
    this.#view.release()
  }

  /** Stops what can be stopped: the database is to be closed whatever is under way. */
  async abandon(): Promise<void> {
    await this.#closeThreads()
    await Promise.allSettled([this.#last])
    this.#view.release()
  }

  async #closeThreads(): Promise<void> {
    clearTimeout(this.#remakerIdle)
    await Promise.all([this.#roller.close(), this.#remaker.close(), this.#readers.close()])
  }

  /** Some of these topics' blocks may not be as the view has them. */
  async #readAgain(topicIds: Iterable<number>): Promise<void> {
    const changes = new Map<number, readonly BlockEntry[]>()
    for (const id of topicIds) changes.set(id, await storedEntries(this.#db, id))
    this.#swap(this.directory.with(changes))
  }

  /** Runs one change, then puts what it made in force. `onHalfDone`: it has failed, and may have written some of it. */
  #change<T>(
    isSmall: boolean,
    here: (context: RollContext) => Promise<{ directory: Directory; value: T }>,
    there: (view: ViewParams) => Promise<{ value: T } & Changed>,
    onSwapped: (value: T) => void,
    onHalfDone?: () => Promise<void>,
  ): Promise<T> {
    return this.#turn(async () => {
      const { directory, generation } = this.#view
      try {
        if (isSmall) {
          const made = await here(this.#context())
          this.#swap(made.directory)
          onSwapped(made.value)
          return made.value
        }
        const { pages, replacedRows, value } = await there({ generation, pages: directory.shared })
        this.#replacedRows += replacedRows
        this.#swap(new Directory(pages))
        onSwapped(value)
        return value
      } catch (error) {
        // Some of the shapes may not be on the disk.
        if (isSmall) this.#shapes = new Shapes()
        loadShapes(this.#db, this.#shapes)
        if (this.#isWriting) await onHalfDone?.().catch(() => undefined)
        throw error
      } finally {
        this.#isWriting = false
      }
    })
  }

  #context(): RollContext {
    return {
      db: this.#db,
      shapes: this.#shapes,
      directory: this.directory,
      beforeWrite: () => this.#prepare(),
      write: (batch) => this.#write(batch),
      onReplaced: (rows) => (this.#replacedRows += rows),
      pause: pausing(),
    }
  }

  /** A call in which the thread asks before it changes anything, and before and after each write. */
  async #callChanger<Result = object>(
    thread: StoreThread,
    method: string,
    params: unknown,
  ): Promise<Result & Changed> {
    const call = thread.call<'prepared' | 'write' | 'written', Result & Changed>(method, params)
    let isWriting = false
    try {
      for (;;) {
        const { done, value } = await call.next()
        if (done) return value
        if (value === 'prepared') await this.#prepare()
        else if (value === 'write') await this.#gate.entered()
        else this.#gate.leave()
        isWriting = value === 'write'
      }
    } catch (error) {
      if (isWriting) this.#gate.fail(error)
      // What waits for an answer in the thread gives up.
      await call.return(undefined as never)
      throw error
    }
  }

  async #write(batch: Batch): Promise<void> {
    await this.#gate.entered()
    try {
      await batch.write({ sync: true })
    } catch (error) {
      this.#gate.fail(error)
      throw error
    }
    this.#gate.leave()
  }

  /** Nothing is written before the reading threads have the blocks as they are. */
  async #prepare(): Promise<void> {
    const { generation, directory } = this.#view
    this.#isPinned = this.#readers.isRunning
    this.#isWriting = true
    const params: ViewParams = { generation, pages: directory.shared }
    if (this.#isPinned) await this.#readers.pin(params)
  }

  #swap(directory: Directory): void {
    const { generation } = this.#view
    loadShapes(this.#db, this.#shapes)
    this.#view.release()
    this.#view = new View(this.#db, directory, generation + 1)
  }

  #turn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work, work)
    this.#last = turn.catch(() => {})
    return turn
  }
}

function loadedShapes(db: Database): Shapes {
  const shapes = new Shapes()
  loadShapes(db, shapes)
  return shapes
}
