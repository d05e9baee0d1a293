// A store thread: has the same database open as the main thread, rolls epochs and reads for long queries. Blocks are read
// as they stood at one generation: the main thread changes none before this thread has taken its snapshot.

import { parentPort, workerData } from 'node:worker_threads'
import { seriesBuffersOf } from '../aggregate/packed.ts'
import { Shapes } from '../block/shapes.ts'
import { type Database, openThreadDatabase } from '../database.ts'
import { Directory, type SharedPages } from '../directory.ts'
import { HotRows, type SharedRows } from '../hot/pages.ts'
import { pausing } from '../pausing.ts'
import { type RemoveInput, removeRows } from '../roll/remove.ts'
import { type RemakeInput, remakeRows } from '../roll/remake.ts'
import { rollEpoch, type RollContext } from '../roll/roll.ts'
import { type AggregateJob, aggregateSteps } from '../scan/aggregates.ts'
import { buffersOf } from '../scan/chunk.ts'
import {
  type RangeJob,
  rangeChunks,
  type SinceJob,
  sinceChunks,
  type Sources,
  type Step,
} from '../scan/jobs.ts'
import { sampleBuffersOf } from '../scan/samplePacker.ts'
import { sampleChunks, type SamplesJob } from '../scan/samples.ts'
import { loadShapes } from '../shapeTable.ts'
import { View } from '../view.ts'
import { type Method, type Out, serveCalls } from './calls.ts'
import type { ThreadData } from './thread.ts'
import { yieldToOthers } from './niceness.ts'

/** The blocks that a call is about. */
export interface ViewParams {
  generation: number
  pages: SharedPages
}

/** What a change of blocks has made of them. */
export interface Changed {
  pages: SharedPages
  replacedRows: number
}

export interface RollParams extends ViewParams {
  rows: SharedRows
  end: number
  segments: readonly number[]
}

export interface ScanParams<Job> extends ViewParams {
  epochs: readonly { rows: SharedRows; visible: number }[]
  job: Job
}

class StoreThreadState {
  readonly #db: Database
  readonly #cacheBytes: number
  #shapes = new Shapes()
  #view: View | null = null

  constructor(db: Database, cacheBytes: number) {
    this.#db = db
    this.#cacheBytes = cacheBytes
  }

  /** Takes the snapshot of a generation, unless it is held. */
  pin({ generation, pages }: ViewParams): View {
    if (this.#view?.generation === generation) return this.#view
    this.#view?.release()
    this.#view = new View(this.#db, new Directory(pages), generation, this.#cacheBytes)
    return this.#view
  }

  async scan<Job, Chunk>(
    params: ScanParams<Job>,
    out: Out,
    read: (sources: Sources, job: Job) => Iterable<Step<Chunk>>,
    buffersOf: (chunk: Chunk) => ArrayBuffer[],
    keepsBlocks = true,
  ): Promise<void> {
    const view = this.pin(params).acquire()
    try {
      loadShapes(this.#db, this.#shapes)
      const epochs = params.epochs.map(({ rows, visible }) => ({ rows: new HotRows(rows), visible }))
      const sources = view.sources(() => this.#shapes, epochs, { keepsBlocks, readsAhead: true })
      const pause = pausing(turnMs)
      for (const chunk of read(sources, params.job)) {
        if (chunk === null) await pause()
        else if (chunk instanceof Promise) await chunk
        else if (!(await out.send(chunk, buffersOf(chunk)))) return
        if (out.isCancelled) return
      }
    } finally {
      view.release()
    }
  }

  /** Runs a change of blocks. After a failure the shapes are read anew: some may not be on the disk. */
  async change<T extends object>(
    { pages }: ViewParams,
    out: Out,
    work: (context: RollContext) => Promise<{ directory: Directory } & T>,
  ): Promise<Omit<T, 'directory'> & Changed> {
    let replacedRows = 0
    try {
      loadShapes(this.#db, this.#shapes)
      const { directory, ...made } = await work({
        db: this.#db,
        shapes: this.#shapes,
        directory: new Directory(pages),
        beforeWrite: async () => {
          if (!(await out.exchange('prepared'))) throw new Error('the change was cancelled')
        },
        write: async (batch) => {
          if (!(await out.exchange('write'))) throw new Error('the change was cancelled')
          await batch.write({ sync: true })
          await out.exchange('written')
        },
        onReplaced: (rows) => (replacedRows += rows),
        pause: pausing(turnMs),
      })
      return { ...made, pages: directory.shared, replacedRows }
    } catch (error) {
      this.#shapes = new Shapes()
      throw error
    }
  }

  async close(): Promise<void> {
    this.#view?.release()
    this.#view = null
    await this.#db.close()
  }
}

/** Messages are let in every now and then. */
const turnMs = 50

if (!parentPort) throw new Error('this module runs in a thread of the store')
const port = parentPort
const { path, cacheBytes, niceness } = workerData as ThreadData
if (niceness > 0) yieldToOthers(niceness)
const opening = openThreadDatabase(path).then((db) => new StoreThreadState(db, cacheBytes))

const methods: Record<string, Method> = {
  pin: async (params: ViewParams) => {
    ;(await opening).pin(params)
  },
  // Who takes all rows, as an export does, asks for no block twice.
  range: async (params: ScanParams<RangeJob>, out) =>
    (await opening).scan(params, out, rangeChunks, buffersOf, Number.isFinite(params.job.limit)),
  since: async (params: ScanParams<SinceJob>, out) =>
    (await opening).scan(params, out, sinceChunks, buffersOf, false),
  aggregate: async (params: ScanParams<AggregateJob>, out) =>
    (await opening).scan(params, out, aggregateSteps, seriesBuffersOf),
  samples: async (params: ScanParams<SamplesJob>, out) =>
    (await opening).scan(params, out, sampleChunks, sampleBuffersOf),
  roll: async (params: RollParams, out) =>
    (await opening).change(params, out, async (context) => {
      const input = { rows: new HotRows(params.rows), end: params.end, segments: params.segments }
      return { directory: await rollEpoch(context, input) }
    }),
  remove: async (params: ViewParams & RemoveInput, out) =>
    (await opening).change(params, out, (context) => removeRows(context, params)),
  remake: async (params: ViewParams & RemakeInput, out) =>
    (await opening).change(params, out, (context) => remakeRows(context, params)),
  close: async () => (await opening).close(),
}

serveCalls(port, methods)
