// What a query reads, put so that any thread can run it: which topics, which of their rows in memory, and between which
// bounds. The same function answers a small query at once and a long one in a thread.

import type { BlockEntry, Directory } from '../directory.ts'
import type { HotRows } from '../hot/pages.ts'
import type { RowChunk } from './chunk.ts'
import { mergeRuns } from './merge.ts'
import { mergeWindows } from './windows.ts'
import { BlockNumbers, firstAbove, HotNumbers } from './numbers.ts'
import {
  type BlockOpener,
  BlockRun,
  type Bounds,
  HotRun,
  type Run,
  type SliceSize,
  type TimedRun,
} from './runs.ts'

/** Blocks and rows in memory as they stand for one query. */
export interface Sources {
  directory: Directory
  openBlock: BlockOpener
  /** The record of a block's index. Throws `store_corrupt`. */
  indexRecord: (topicId: number, entry: BlockEntry) => Buffer
  /**
   * Reads records that are asked for soon, beside other work; what fails is read again, and told, when it is asked for. `null`
   * where it would take longer than reading them when they are needed.
   */
  fetch: ((kind: 'block' | 'index', blocks: readonly PlacedBlock[]) => Promise<void>) | null
  epochs: readonly HotEpoch[]
}

export interface PlacedBlock {
  topicId: number
  entry: BlockEntry
}

/** What a job gives on its way: a chunk, a moment in which others may be let in, or what it has to wait for. */
export type Step<Chunk> = Chunk | null | Promise<unknown>

/** An epoch in memory, and how much of it a query sees. */
export interface HotEpoch {
  rows: HotRows
  visible: number
}

/** Topics, and for each and each epoch its newest row there by arrival (-1: none) and whether its rows are in order. */
export interface TopicSet {
  ids: Uint32Array
  /** Topic i in epoch e: heads[i × epochs + e]. */
  heads: Int32Array
  isOrdered: Uint8Array
}

export interface RangeJob extends Bounds {
  topics: TopicSet
  limit: number
}

export interface SinceJob {
  /** Numbers above this. */
  after: number
  limit: number
}

/** A chunk costs two messages between threads, each tens of microseconds. */
const chunkRows = 4000
const chunkBytes = 2 ** 20
/** What of open blocks is put together at a time, over all topics of a query. */
const openRows = 131_072
const openBytes = 16 * 2 ** 20
const sliceRowsMin = 64
const sliceRowsMax = 4096
const sliceBytesMin = 8192

/** Rows of all topics in (time, seq) order. */
export function rangeChunks(sources: Sources, job: RangeJob): Generator<RowChunk> {
  const { directory, openBlock } = sources
  const { ids } = job.topics
  const runs: TimedRun[] = []
  const reading = { openBlock, slice: sliceFor(ids.length) }
  for (const [i, topicId] of ids.entries()) {
    const entries = directory.between(topicId, job.from, job.to).filter((entry) => mayHold(entry, job))
    if (job.order === 'desc') entries.reverse()
    if (entries.length > 0) runs.push(new BlockRun(topicId, entries, job, reading))
    runs.push(...hotTopics(sources, job.topics, i).map((hot) => new HotRun(hot, job)))
  }
  if (job.order === 'asc' && job.limit === Number.POSITIVE_INFINITY) {
    return mergeWindows(runs, { chunkRows, chunkBytes })
  }
  return mergeRuns(runs, job.order, { limit: job.limit, chunkRows, chunkBytes })
}

/** A topic's rows in each epoch that has some. */
export function hotTopics({ epochs }: Sources, { ids, heads, isOrdered }: TopicSet, i: number) {
  return epochs.flatMap(({ rows }, e) => {
    const at = i * epochs.length + e
    const head = heads[at]!
    return head < 0 ? [] : [{ rows, topicId: ids[i]!, head, isOrdered: isOrdered[at] === 1 }]
  })
}

/** Every row with a number above `after`, in the order of numbers. */
export function sinceChunks(sources: Sources, { after, limit }: SinceJob): Generator<RowChunk> {
  const { directory, openBlock, epochs } = sources
  const found: { topicId: number; entry: ReturnType<Directory['entries']>[number] }[] = []
  for (const topicId of directory.topicIds()) {
    for (const entry of directory.entries(topicId)) if (entry.seqMax > after) found.push({ topicId, entry })
  }
  const reading = { openBlock, slice: sliceFor(found.length) }
  const runs: Run[] = found.map(({ topicId, entry }) => new BlockNumbers(topicId, entry, after, reading))
  for (const { rows, visible } of epochs) {
    if (firstAbove(rows, visible, after) < visible) runs.push(new HotNumbers(rows, visible, after))
  }
  return mergeRuns(runs, 'asc', { limit, chunkRows, chunkBytes })
}

function sliceFor(runs: number): SliceSize {
  const share = (all: number): number => Math.floor(all / Math.max(1, runs))
  return {
    rows: Math.min(sliceRowsMax, Math.max(sliceRowsMin, share(openRows))),
    bytes: Math.max(sliceBytesMin, share(openBytes)),
  }
}

function mayHold(entry: { tmin: number; tmax: number }, { order, after }: Bounds): boolean {
  if (!after) return true
  return order === 'asc' ? entry.tmax >= after.time : entry.tmin <= after.time
}
