// Questions to the blocks and the rows in memory: small ones are answered here, others in threads that each read a part of the
// topics.

import { setImmediate as nextTurn } from 'node:timers/promises'
import type { SeriesAggregate } from '../store.ts'
import { unpacked } from './aggregate/packed.ts'
import type { Shapes } from './block/shapes.ts'
import type { Epoch } from './hot/epoch.ts'
import { pausing } from './pausing.ts'
import { type AggregateJob, aggregateParts, aggregateSteps } from './scan/aggregates.ts'
import type { RowChunk } from './scan/chunk.ts'
import { mergedInOrder } from './scan/inOrder.ts'
import {
  type RangeJob,
  rangeChunks,
  type SinceJob,
  sinceChunks,
  type Sources,
  type Step,
  type TopicSet,
} from './scan/jobs.ts'
import type { Part } from './scan/parts.ts'
import type { SampleChunk } from './scan/samplePacker.ts'
import { sampleChunks, type SamplesJob, samplesParts } from './scan/samples.ts'
import type { ScanParams } from './thread/main.ts'
import type { Readers } from './thread/readers.ts'
import type { View } from './view.ts'

/** Which rows in memory a scan sees, and where it runs. */
export interface Asking {
  epochs: readonly Epoch[]
  /** Read here: starting a thread would take longer. */
  isSmall: boolean
  signal?: AbortSignal | undefined
}

export type Scan = { method: 'range'; job: RangeJob } | { method: 'since'; job: SinceJob }

/** What is asked. */
export interface Asked {
  view: () => View
  shapes: () => Shapes
  /** A thread that starts while blocks are written would see some that belong to the next view. */
  mayAskThreads: () => boolean
}

export class Scans {
  readonly #readers: Readers
  readonly #blocks: Asked

  constructor(readers: Readers, blocks: Asked) {
    this.#readers = readers
    this.#blocks = blocks
  }

  /** Chunks of a scan, read here when it is small, else in a thread. */
  rows(scan: Scan, asking: Asking): AsyncGenerator<RowChunk> {
    const read = (sources: Sources): Iterable<RowChunk> =>
      scan.method === 'range' ? rangeChunks(sources, scan.job) : sinceChunks(sources, scan.job)
    // Rows of all topics in one order are put together by one thread.
    const thread = this.#readers.all.length - 1
    return this.#scan({ read, ...asking }, scan.method, [{ thread, job: scan.job }], ([chunks]) => chunks!)
  }

  /** The newest row of one topic before `to`, here and at once: who asks of many topics lets others in between them. */
  rowBefore(to: number, topics: TopicSet, epochs: readonly Epoch[]): RowChunk | null {
    const view = this.#blocks.view()
    const hot = epochs.map(({ rows, visible }) => ({ rows, visible }))
    const sources = view.sources(this.#blocks.shapes, hot, { keepsBlocks: false })
    const job: RangeJob = { topics, from: Number.NEGATIVE_INFINITY, to, order: 'desc', limit: 1 }
    for (const chunk of rangeChunks(sources, job)) return chunk
    return null
  }

  /** Series in the order of their groups. */
  aggregate(job: AggregateJob, asking: Asking): AsyncGenerator<SeriesAggregate[]> {
    const read = (sources: Sources) => aggregateSteps(sources, job)
    const parts = aggregateParts(job, this.#readers.all.length)
    const gather = inOrderOf(unpacked, ({ group }: SeriesAggregate) => group)
    return this.#scan({ read, ...asking }, 'aggregate', parts, gather)
  }

  /** What `unpack` makes of chunks, in the order of topics. */
  samples<T extends { topic: string }>(
    job: SamplesJob,
    unpack: (chunk: SampleChunk) => Promise<T[]>,
    asking: Asking,
  ): AsyncGenerator<T[]> {
    const read = (sources: Sources) => sampleChunks(sources, job)
    const parts = samplesParts(job, this.#readers.all.length)
    return this.#scan(
      { read, ...asking },
      'samples',
      parts,
      inOrderOf(unpack, ({ topic }) => topic),
    )
  }

  /** Reads here, or parts of the question in threads; `gather` makes one answer of what they give. */
  async *#scan<Chunk, Answer>(
    { read, epochs, isSmall, signal }: Asking & { read: (sources: Sources) => Iterable<Step<Chunk>> },
    method: string,
    parts: readonly Part<unknown>[],
    gather: (sources: AsyncGenerator<Chunk>[]) => AsyncGenerator<Answer>,
  ): AsyncGenerator<Answer> {
    // What is visible now is what the query sees, even if it has to wait.
    const seen = epochs.map((epoch) => ({ epoch, visible: epoch.visible }))
    const view = this.#blocks.view().acquire()
    try {
      if (isSmall || !this.#blocks.mayAskThreads()) {
        const hot = seen.map(({ epoch, visible }) => ({ rows: epoch.rows, visible }))
        yield* gather([inTurns(read(view.sources(this.#blocks.shapes, hot)))])
        return
      }
      const shared: ScanParams<null> = {
        generation: view.generation,
        pages: view.directory.shared,
        epochs: seen.map(({ epoch, visible }) => ({ rows: epoch.share(), visible })),
        job: null,
      }
      yield* gather(
        parts.map(({ thread, job }) =>
          this.#readers.all[thread]!.call<Chunk, void>(method, { ...shared, job }, signal),
        ),
      )
    } finally {
      view.release()
    }
  }
}

/** Makes one answer of the chunks of several sources: what `unpack` makes of them, by their keys. */
function inOrderOf<Chunk, T>(
  unpack: (chunk: Chunk) => T[] | Promise<T[]>,
  keyOf: (item: T) => string,
): (sources: AsyncGenerator<Chunk>[]) => AsyncGenerator<T[]> {
  return (sources) =>
    mergedInOrder(
      sources.map((source) => mapped(source, unpack)),
      keyOf,
    )
}

async function* mapped<Chunk, T>(
  chunks: AsyncGenerator<Chunk>,
  of: (chunk: Chunk) => T[] | Promise<T[]>,
): AsyncGenerator<T[]> {
  for await (const chunk of chunks) yield await of(chunk)
}

/** Chunks as they come; the loop turns after each of them, and every few milliseconds between. */
async function* inTurns<Chunk>(chunks: Iterable<Step<Chunk>>): AsyncGenerator<Chunk> {
  const pause = pausing()
  let isFirst = true
  for (const chunk of chunks) {
    if (chunk === null || chunk instanceof Promise) {
      await (chunk ?? pause())
      continue
    }
    if (!isFirst) await nextTurn()
    isFirst = false
    yield chunk
  }
}
