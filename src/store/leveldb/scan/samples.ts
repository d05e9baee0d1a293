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

/** One field of one topic, by (time, seq). */
export interface RawSeries {
  topicId: number
  field: string
  times: Float64Array
  values: Float64Array
  /** Number of the capture data of each sample, or of all. */
  captures: Uint32Array | number
}

/** Samples gathered before they are handed over. */
const chunkSamples = 65_536
const stepTopics = 32

/** Works a step at a time (`null`), then gives series in chunks. */
export function* sampleChunks(sources: Sources, job: SamplesJob): Generator<RawSeries[] | null, void> {
  const gatherer = new Gatherer(job)
  let batch: RawSeries[] = []
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
      yield batch
      batch = []
      gathered = 0
    } else if (i % stepTopics === 0) yield null
    if (total > job.limit) return
  }
  if (batch.length > 0) yield batch
}

/** The buffers of a chunk, to be given to another thread. */
export function sampleBuffersOf(chunk: readonly RawSeries[] | null): ArrayBuffer[] {
  return (chunk ?? []).flatMap(({ times, values, captures }) =>
    [times, values, ...(typeof captures === 'number' ? [] : [captures])].map(
      ({ buffer }) => buffer as ArrayBuffer,
    ),
  )
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
      times ??= block.times()
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
  finish(topicId: number): RawSeries[] {
    const series = this.#columns.flatMap((column, field) =>
      column && column.length > 0 ? [{ topicId, field: this.#paths[field]!, ...column.finish() }] : [],
    )
    this.#columns = []
    this.count = 0
    return series
  }

  #column(field: number): Column {
    return (this.#columns[field] ??= new Column())
  }
}

/** Samples of one field, in the order in which they came. */
class Column {
  #times = new Float64Array(256)
  #values = new Float64Array(256)
  /** Made when a second one is met. */
  #captures: Uint32Array | null = null
  #capture = -1
  #length = 0
  #isOrdered = true

  get length(): number {
    return this.#length
  }

  push(time: number, value: number, capture: number): void {
    if (this.#length === this.#times.length) this.#grow(this.#length * 2)
    const at = this.#length++
    if (at > 0 && time < this.#times[at - 1]!) this.#isOrdered = false
    this.#times[at] = time
    this.#values[at] = value
    if (this.#capture < 0) this.#capture = capture
    else if (capture !== this.#capture && !this.#captures) this.#distinguish(at)
    if (this.#captures) this.#captures[at] = capture
  }

  /** Rows `first` to `end` (left out) of a block that have a number; gives how many they are. */
  append(
    times: Float64Array,
    metas: Uint32Array,
    given: { rows: Uint32Array | null; values: Float64Array; first: number; end: number },
  ): number {
    const { rows, values, first, end } = given
    const before = this.#length
    if (rows) {
      for (let i = 0; i < rows.length; i++) {
        const row = rows[i]!
        if (row >= first && row < end) this.push(times[row]!, values[i]!, metas[row]!)
      }
    } else {
      while (this.#times.length < before + end - first) this.#grow(this.#times.length * 2)
      for (let row = first; row < end; row++) this.push(times[row]!, values[row]!, metas[row]!)
    }
    return this.#length - before
  }

  finish(): Omit<RawSeries, 'topicId' | 'field'> {
    const length = this.#length
    const times = this.#times.slice(0, length)
    const values = this.#values.slice(0, length)
    const captures = this.#captures?.slice(0, length) ?? this.#capture
    if (this.#isOrdered) return { times, values, captures }
    // What came later has the greater number: equal times stay as they are.
    const order = Uint32Array.from(times, (_time, at) => at).sort((a, b) => times[a]! - times[b]! || a - b)
    return {
      times: Float64Array.from(order, (at) => times[at]!),
      values: Float64Array.from(order, (at) => values[at]!),
      captures: typeof captures === 'number' ? captures : Uint32Array.from(order, (at) => captures[at]!),
    }
  }

  #distinguish(length: number): void {
    this.#captures = new Uint32Array(this.#times.length).fill(this.#capture, 0, length)
  }

  #grow(size: number): void {
    const grown = <T extends Float64Array | Uint32Array>(from: T, to: T): T => {
      to.set(from)
      return to
    }
    this.#times = grown(this.#times, new Float64Array(size))
    this.#values = grown(this.#values, new Float64Array(size))
    if (this.#captures) this.#captures = grown(this.#captures, new Uint32Array(size))
  }
}
