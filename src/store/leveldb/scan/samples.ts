// Every number of fields over a range of time as a job that any thread can run: topic after topic, columns of times and values
// straight from the columns of blocks, and no payload put together.

import { type HotRow, type NumberTaker, RowNumbers } from '../aggregate/rowNumbers.ts'
import type { OpenBlock } from '../block/open.ts'
import { readBody } from '../segment.ts'
import { hotTopics, type Sources, type TopicSet } from './jobs.ts'
import { newestOfEach, newestRows } from './newestRows.ts'
import { type Part, SampleColumn } from './sampleColumn.ts'

export interface SamplesJob {
  topics: TopicSet
  /** Source of a pattern that a path must match from end to end; `null`: every path. */
  pattern: string | null
  /** `from` ≤ time < `to`. */
  from: number
  to: number
  /** Only the newest sample at or before each of these times is wanted; they do not go back. `null`: every sample. */
  newestAt: Float64Array | null
  /** Ends soon after so many. */
  limit: number
}

/** One field of one topic, by (time, seq): samples `start` to `end` (left out) of a chunk. */
export interface RawSeries {
  topicId: number
  field: string
  start: number
  end: number
  /** Number of the capture data of each sample, or of all. */
  captures: Uint32Array | number
}

/** Series packed into two columns: a buffer handed to another thread costs more than the samples in it. */
export interface SampleChunk {
  series: RawSeries[]
  times: Float64Array
  values: Float64Array
}

/** Samples gathered before they are handed over. */
const chunkSamples = 262_144
const stepTopics = 32
/** Numbers of rows that room is made for at a time. */
const keptRows = 65_536

/** Works a step at a time (`null`), then gives series in chunks. */
export function* sampleChunks(sources: Sources, job: SamplesJob): Generator<SampleChunk | null, void> {
  const gatherer = new Gatherer(job)
  let batch: Gathered[] = []
  let gathered = 0
  let total = 0
  for (const [i, topicId] of job.topics.ids.entries()) {
    for (const entry of sources.directory.between(topicId, job.from, job.to)) {
      gatherer.addBlock(sources.openBlock(topicId, entry))
      if (gatherer.count > job.limit) break
    }
    for (const hot of hotTopics(sources, job.topics, i)) gatherer.addHot(hot)
    gathered += gatherer.count
    total += gatherer.count
    batch.push(...gatherer.finish(topicId))
    if (gathered >= chunkSamples || total > job.limit) {
      yield packed(batch, gathered)
      batch = []
      gathered = 0
    } else if (i % stepTopics === 0) yield null
    if (total > job.limit) return
  }
  if (batch.length > 0) yield packed(batch, gathered)
}

/** The buffers of a chunk, to be given to another thread. */
export function sampleBuffersOf(chunk: SampleChunk | null): ArrayBuffer[] {
  return chunk ? [chunk.times.buffer as ArrayBuffer, chunk.values.buffer as ArrayBuffer] : []
}

interface Gathered {
  topicId: number
  field: string
  column: SampleColumn
}

function packed(batch: readonly Gathered[], count: number): SampleChunk {
  const times = new Float64Array(count)
  const values = new Float64Array(count)
  let start = 0
  const series = batch.map(({ topicId, field, column }): RawSeries => {
    const end = start + column.length
    const captures = column.writeTo(times.subarray(start, end), values.subarray(start, end))
    const one = { topicId, field, start, end, captures }
    start = end
    return one
  })
  return { series, times, values }
}

/** Gathers the samples of one topic. */
class Gatherer implements NumberTaker {
  readonly #job: SamplesJob
  readonly #pattern: RegExp | null
  readonly #numbers = new RowNumbers(this)
  /** Path → number of the field, or -1. */
  readonly #wanted = new Map<string, number>()
  readonly #paths: string[] = []
  /** Room for numbers of rows. */
  #kept = new Uint32Array(0)
  #columns: (SampleColumn | undefined)[] = []
  #hot = { time: 0, capture: 0 }
  count = 0

  constructor(job: SamplesJob) {
    this.#job = job
    this.#pattern = job.pattern === null ? null : new RegExp(`^(?:${job.pattern})$`, 's')
  }

  wanted(path: string): number {
    let field = this.#wanted.get(path)
    if (field === undefined) {
      field = this.#pattern?.test(path) === false ? -1 : this.#paths.push(path) - 1
      this.#wanted.set(path, field)
    }
    return field
  }

  take(field: number, value: number): void {
    this.#column(field).push(this.#hot.time, value, this.#hot.capture)
    this.count++
  }

  addBlock(block: OpenBlock): void {
    const first = block.rowAt(this.#job.from)
    const end = block.rowAt(this.#job.to)
    if (first >= end) return
    let part: Omit<Part, 'values'> | null = null
    for (const [path, types] of block.paths()) {
      const field = types.has('number') ? this.wanted(path) : -1
      if (field < 0) continue
      part ??= this.#partOf(block, first, end)
      const { rows, values } = block.numbers(path)
      this.count += this.#column(field).append({ ...part, values }, rows)
    }
  }

  #partOf(block: OpenBlock, first: number, end: number): Omit<Part, 'values'> {
    const times = block.sharedTimes()
    const captures = block.sameMeta() ?? block.metas()
    const wanted = this.#job.newestAt
    if (wanted === null) return { times, captures, first, end, kept: null }
    // A piece for many blocks: thousands of small arrays cost more than what is in them.
    if (this.#kept.length < end - first) this.#kept = new Uint32Array(Math.max(keptRows, end - first))
    const count =
      typeof captures === 'number'
        ? newestRows(times, wanted, { first, end }, this.#kept)
        : newestOfEach(times, captures, wanted, { first, end }, this.#kept)
    const kept = this.#kept.subarray(0, count)
    this.#kept = this.#kept.subarray(count)
    return { times, captures, first, end, kept }
  }

  addHot({ rows, head, isOrdered }: ReturnType<typeof hotTopics>[number]): void {
    const { from, to } = this.#job
    const found: number[] = []
    for (let row = head; row >= 0; row = rows.previous(row)) {
      const time = rows.time(row)
      if (isOrdered && time < from) break
      if (time >= from && time < to) found.push(row)
    }
    const bytes = new Uint8Array(0)
    const hot: HotRow = {
      time: 0,
      seq: 0,
      bytes,
      start: 0,
      end: 0,
      fieldBytes: bytes,
      fieldsStart: 0,
      fieldsEnd: 0,
    }
    // As they arrived.
    for (let i = found.length - 1; i >= 0; i--) {
      const row = found[i]!
      const chunk = rows.chunkOf(row)
      const time = rows.time(row)
      const body = readBody(chunk, rows.offsetOf(row), time)
      this.#hot = { time, capture: body.captureId }
      hot.bytes = chunk
      hot.start = body.payloadAt
      hot.end = body.payloadEnd
      hot.fieldBytes = chunk
      hot.fieldsStart = body.fieldsAt
      hot.fieldsEnd = body.fieldsEnd
      this.#numbers.read(hot)
    }
  }

  /** The series of the topic; begins anew. */
  finish(topicId: number): Gathered[] {
    const series = this.#columns.flatMap((column, field) =>
      column && column.length > 0 ? [{ topicId, field: this.#paths[field]!, column }] : [],
    )
    this.#columns = []
    this.count = 0
    return series
  }

  #column(field: number): SampleColumn {
    return (this.#columns[field] ??= new SampleColumn())
  }
}
