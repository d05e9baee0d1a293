// Every number of fields over a range of time as a job that any thread can run: topic after topic, columns of times and values
// straight from the columns of blocks, and no payload put together.

import { type HotRow, type NumberTaker, RowNumbers } from '../aggregate/rowNumbers.ts'
import type { OpenBlock } from '../block/open.ts'
import { readBody } from '../segment.ts'
import { hotTopics, type Sources, type TopicSet } from './jobs.ts'

export interface SamplesJob {
  topics: TopicSet
  /** Source of a pattern that a path must match from end to end; `null`: every path. */
  pattern: string | null
  /** `from` ≤ time < `to`. */
  from: number
  to: number
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
const chunkSamples = 65_536
const stepTopics = 32

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
  column: Column
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
  #columns: (Column | undefined)[] = []
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
    let times: Float64Array | null = null
    let metas: Uint32Array | null = null
    for (const [path, types] of block.paths()) {
      const field = types.has('number') ? this.wanted(path) : -1
      if (field < 0) continue
      times ??= block.sharedTimes()
      metas ??= block.metas()
      const { rows, values } = block.numbers(path)
      this.count += this.#column(field).append(times, metas, { rows, values, first, end })
    }
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

  #column(field: number): Column {
    return (this.#columns[field] ??= new Column())
  }
}

/** Samples that came together. */
interface Part {
  times: Float64Array
  values: Float64Array
  captures: Uint32Array
}

/** Samples of one field, in the order in which they came: whole columns of blocks as they are, and single ones. */
class Column {
  readonly #parts: Part[] = []
  #single: { times: number[]; values: number[]; captures: number[] } = { times: [], values: [], captures: [] }
  #last = Number.NEGATIVE_INFINITY
  #isOrdered = true
  length = 0

  push(time: number, value: number, capture: number): void {
    if (time < this.#last) this.#isOrdered = false
    this.#last = time
    this.#single.times.push(time)
    this.#single.values.push(value)
    this.#single.captures.push(capture)
    this.length++
  }

  /** Rows `first` to `end` (left out) of a block that have a number; gives how many they are. */
  append(
    times: Float64Array,
    metas: Uint32Array,
    given: { rows: Uint32Array | null; values: Float64Array; first: number; end: number },
  ): number {
    const { rows, values, first, end } = given
    const before = this.length
    if (rows) {
      for (let i = 0; i < rows.length; i++) {
        const row = rows[i]!
        if (row >= first && row < end) this.push(times[row]!, values[i]!, metas[row]!)
      }
      return this.length - before
    }
    this.#endSingle()
    if (times[first]! < this.#last) this.#isOrdered = false
    this.#last = times[end - 1]!
    this.#parts.push({
      times: times.subarray(first, end),
      values: values.subarray(first, end),
      captures: metas.subarray(first, end),
    })
    this.length += end - first
    return end - first
  }

  /** Writes everything by (time, seq); gives the capture data of each, or of all. */
  writeTo(times: Float64Array, values: Float64Array): Uint32Array | number {
    this.#endSingle()
    const captures = new Uint32Array(this.length)
    let at = 0
    for (const part of this.#parts) {
      times.set(part.times, at)
      values.set(part.values, at)
      captures.set(part.captures, at)
      at += part.times.length
    }
    if (!this.#isOrdered) sort(times, values, captures)
    const first = captures[0]!
    for (let i = 1; i < captures.length; i++) if (captures[i] !== first) return captures
    return first
  }

  #endSingle(): void {
    const { times, values, captures } = this.#single
    if (times.length === 0) return
    this.#parts.push({
      times: Float64Array.from(times),
      values: Float64Array.from(values),
      captures: Uint32Array.from(captures),
    })
    this.#single = { times: [], values: [], captures: [] }
  }
}

/** By time; what came later has the greater number, so that equal times stay as they are. */
function sort(times: Float64Array, values: Float64Array, captures: Uint32Array): void {
  const order = Uint32Array.from(times, (_time, at) => at).sort((a, b) => times[a]! - times[b]! || a - b)
  for (const column of [times, values, captures]) {
    const given = column.slice()
    for (const [at, from] of order.entries()) column[at] = given[from]!
  }
}
