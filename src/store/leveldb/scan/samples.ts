// Every number of fields over a range of time as a job that any thread can run: topic after topic, columns of times and values
// straight from the columns of blocks, and no payload put together.

import { type HotRow, type NumberTaker, RowNumbers } from '../aggregate/rowNumbers.ts'
import type { StepsQuery } from '../../store.ts'
import type { OpenBlock } from '../block/open.ts'
import { readBody } from '../segment.ts'
import { hotTopics, type Sources, type Step, type TopicSet } from './jobs.ts'
import { newestOfEach, newestRows } from './newestRows.ts'
import { type Part, partsOf, placesByThread, topicsAt } from './parts.ts'
import { rounds } from './rounds.ts'
import { SampleColumn, type SampleRows } from './sampleColumn.ts'
import { type SampleChunk, SamplePacker } from './samplePacker.ts'

export interface SamplesJob {
  topics: TopicSet
  /** Source of a pattern that a path must match from end to end; `null`: every path. */
  pattern: string | null
  /** `from` ≤ time < `to`. */
  from: number
  to: number
  /** Only the newest sample at or before each of these times is wanted; they do not go back. `null`: every sample. */
  newestAt: Float64Array | null
  /** What series come to at some times is asked for; `null`: their samples are. */
  steps: Pick<StepsQuery, 'at' | 'lookbackMs' | 'over'> | null
  /** Ends soon after so many. */
  limit: number
}

/** Samples gathered before they are handed over. */
const chunkSamples = 262_144
/** The same of series: each is an object, and whoever takes a chunk from a thread makes all of them at once. */
const chunkSeries = 1000
const stepTopics = 32

/** The job cut for so many threads. */
export function samplesParts(job: SamplesJob, threads: number): Part<SamplesJob>[] {
  const { topics } = job
  return partsOf(placesByThread(topics, null, threads), (places) => ({
    ...job,
    topics: topicsAt(topics, places),
  }))
}

/** Works a step at a time (`null`), then gives series in chunks. */
export function* sampleChunks(sources: Sources, job: SamplesJob): Generator<Step<SampleChunk>, void> {
  const gatherer = new Gatherer(job)
  const steps = job.steps?.at.length ?? 0
  const packer = new SamplePacker(
    Math.min(chunkSamples + steps, Math.min(job.topics.ids.length, chunkSeries) * steps),
  )
  let total = 0
  const kinds = () => ['block'] as const
  for (const round of rounds(sources, job.topics.ids, job, kinds)) {
    if (round instanceof Promise) {
      yield round
      continue
    }
    let next = 0
    for (let i = round.first; i < round.end; i++) {
      const topicId = job.topics.ids[i]!
      const end = round.ends[i - round.first]!
      for (; next < end && gatherer.count <= job.limit; next++)
        gatherer.addBlock(sources.openBlock(topicId, round.blocks[next]!.entry))
      next = end
      for (const hot of hotTopics(sources, job.topics, i)) gatherer.addHot(hot)
      total += gatherer.count
      yield* gatherer.finish(topicId, packer)
      if (packer.size >= chunkSamples || packer.count >= chunkSeries || total > job.limit) yield packer.take()
      else if (i % stepTopics === 0) yield null
      if (total > job.limit) return
    }
  }
  if (packer.size > 0) yield packer.take()
}

/** Gathers the samples of one topic. */
class Gatherer implements NumberTaker {
  readonly #job: SamplesJob
  readonly #pattern: RegExp | null
  readonly #numbers = new RowNumbers(this)
  /** Path → number of the field, or -1. */
  readonly #wanted = new Map<string, number>()
  readonly #paths: string[] = []
  readonly #columns: (SampleColumn | undefined)[] = []
  /** Rows of the block at hand. */
  readonly #rows: SampleRows = {
    times: new Float64Array(0),
    captures: 0,
    first: 0,
    end: 0,
    kept: null,
    keptCount: 0,
  }
  #kept = new Uint32Array(0)
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
    let rowsOf: SampleRows | null = null
    for (const [path, types] of block.paths()) {
      const field = types.has('number') ? this.wanted(path) : -1
      if (field < 0) continue
      rowsOf ??= this.#rowsOf(block, first, end)
      const { rows, values } = block.numbers(path)
      this.count += this.#column(field).append(rowsOf, values, rows)
    }
  }

  /** Good until the next block. */
  #rowsOf(block: OpenBlock, first: number, end: number): SampleRows {
    const rows = this.#rows
    const { newestAt } = this.#job
    rows.times = block.sharedTimes()
    rows.captures = block.sameMeta() ?? block.metas()
    rows.first = first
    rows.end = end
    if (newestAt === null) return rows
    if (this.#kept.length < end - first) this.#kept = new Uint32Array(2 * (end - first))
    const { times, captures } = rows
    rows.kept = this.#kept
    rows.keptCount =
      typeof captures === 'number'
        ? newestRows(times, newestAt, { first, end }, this.#kept)
        : newestOfEach(times, captures, newestAt, { first, end }, this.#kept)
    return rows
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

  /** Hands the series of the topic over, a piece at a time; begins anew. */
  *finish(topicId: number, packer: SamplePacker): Generator<null, void> {
    const { steps } = this.#job
    for (const [field, column] of this.#columns.entries()) {
      if (!column || column.length === 0) continue
      const path = this.#paths[field]!
      if (steps && column.isOrdered && column.capture !== null)
        yield* packer.addSteps(topicId, path, column, steps)
      else packer.add(topicId, path, column)
    }
    this.count = 0
  }

  #column(field: number): SampleColumn {
    return (this.#columns[field] ??= new SampleColumn())
  }
}
