// What a scan hands over: rows of many topics in order, as columns in a few buffers, so that a worker thread can give them
// away without a copy of each.

import type { Rows } from '../block/rows.ts'

/** `count` rows; row i has its fields and its payload in `bytes`, up to the ends given. */
export interface RowChunk {
  count: number
  topics: Uint32Array
  /** Milliseconds. */
  times: Float64Array
  seqs: Float64Array
  receivedAt: Float64Array
  captures: Uint32Array
  /** Row after row: the fields as text (empty: none), then the payload. */
  bytes: Uint8Array
  fieldsEnds: Uint32Array
  payloadEnds: Uint32Array
}

/** Where a row's bytes stand. */
export interface RowBytes {
  fields: Uint8Array
  fieldsAt: number
  fieldsEnd: number
  payload: Uint8Array
  payloadAt: number
  payloadEnd: number
}

/** Gathers rows until a chunk is full; takes more, too. */
export class ChunkWriter {
  readonly #rowsMax: number
  readonly #bytesMax: number
  #topics: Uint32Array
  #captures: Uint32Array
  #fieldsEnds: Uint32Array
  #payloadEnds: Uint32Array
  #times: Float64Array
  #seqs: Float64Array
  #receivedAt: Float64Array
  #bytes: Uint8Array
  #length = 0
  count = 0

  constructor(rowsMax: number, bytesMax: number, rowsExpected = rowsMax) {
    this.#rowsMax = rowsMax
    this.#bytesMax = bytesMax
    const rows = Math.min(rowsMax, rowsExpected)
    const numbers = (): Uint32Array => new Uint32Array(rows)
    const doubles = (): Float64Array => new Float64Array(rows)
    this.#topics = numbers()
    this.#captures = numbers()
    this.#fieldsEnds = numbers()
    this.#payloadEnds = numbers()
    this.#times = doubles()
    this.#seqs = doubles()
    this.#receivedAt = doubles()
    this.#bytes = new Uint8Array(Math.min(bytesMax, rows * 96))
  }

  get isFull(): boolean {
    return this.count >= this.#rowsMax || this.#length >= this.#bytesMax
  }

  push(
    row: { topicId: number; time: number; seq: number; receivedAt: number; captureId: number },
    source: RowBytes,
  ): void {
    const { topicId, time, seq, receivedAt, captureId } = row
    const { fields, fieldsAt, fieldsEnd, payload, payloadAt, payloadEnd } = source
    if (this.count === this.#topics.length) this.#growRows()
    const at = this.count++
    this.#topics[at] = topicId
    this.#times[at] = time
    this.#seqs[at] = seq
    this.#receivedAt[at] = receivedAt
    this.#captures[at] = captureId
    this.#copy(fields, fieldsAt, fieldsEnd)
    this.#fieldsEnds[at] = this.#length
    this.#copy(payload, payloadAt, payloadEnd)
    this.#payloadEnds[at] = this.#length
  }

  /** Row `at` of decoded rows: as `push`, without an object for each of millions. */
  pushDecoded(rows: Rows, topicId: number, at: number): void {
    if (this.count === this.#topics.length) this.#growRows()
    const { fields } = rows
    const to = this.count++
    this.#topics[to] = topicId
    this.#times[to] = rows.times[at]!
    this.#seqs[to] = rows.seqs[at]!
    this.#receivedAt[to] = rows.receivedAt[at]!
    this.#captures[to] = rows.metas[at]!
    if (fields) {
      const fieldsAt = fields.offsets[at]!
      this.#copy(fields.bytes, fieldsAt, fieldsAt + fields.lengths[at]!)
    }
    this.#fieldsEnds[to] = this.#length
    const payloadAt = rows.offsets[at]!
    this.#copy(rows.bytes, payloadAt, payloadAt + rows.lengths[at]!)
    this.#payloadEnds[to] = this.#length
  }

  /** Row `at` of another writer. */
  pushFrom(other: ChunkWriter, at: number): void {
    if (this.count === this.#topics.length) this.#growRows()
    const to = this.count++
    this.#topics[to] = other.#topics[at]!
    this.#times[to] = other.#times[at]!
    this.#seqs[to] = other.#seqs[at]!
    this.#receivedAt[to] = other.#receivedAt[at]!
    this.#captures[to] = other.#captures[at]!
    const from = at === 0 ? 0 : other.#payloadEnds[at - 1]!
    const fieldsEnd = other.#fieldsEnds[at]!
    const payloadEnd = other.#payloadEnds[at]!
    const start = this.#length
    this.#copy(other.#bytes, from, payloadEnd)
    this.#fieldsEnds[to] = start + fieldsEnd - from
    this.#payloadEnds[to] = this.#length
  }

  /** The times of the rows at hand, and their numbers: until the next push. */
  keys(): { times: Float64Array; seqs: Float64Array } {
    return { times: this.#times, seqs: this.#seqs }
  }

  /** Forgets the rows, and keeps the memory. */
  clear(): void {
    this.count = 0
    this.#length = 0
  }

  /** What was gathered; the writer must not be used after. */
  finish(): RowChunk {
    const { count } = this
    // Mostly a chunk is full: then nothing is copied.
    const whole = <T extends Uint32Array | Float64Array>(column: T): T =>
      count === column.length ? column : (column.slice(0, count) as T)
    const isLoose = this.#length * 2 < this.#bytes.length
    return {
      count,
      topics: whole(this.#topics),
      times: whole(this.#times),
      seqs: whole(this.#seqs),
      receivedAt: whole(this.#receivedAt),
      captures: whole(this.#captures),
      bytes: isLoose ? this.#bytes.slice(0, this.#length) : this.#bytes.subarray(0, this.#length),
      fieldsEnds: whole(this.#fieldsEnds),
      payloadEnds: whole(this.#payloadEnds),
    }
  }

  #growRows(): void {
    const size = Math.max(16, 2 * this.#topics.length)
    const numbers = (from: Uint32Array): Uint32Array => grown(from, new Uint32Array(size))
    const doubles = (from: Float64Array): Float64Array => grown(from, new Float64Array(size))
    this.#topics = numbers(this.#topics)
    this.#captures = numbers(this.#captures)
    this.#fieldsEnds = numbers(this.#fieldsEnds)
    this.#payloadEnds = numbers(this.#payloadEnds)
    this.#times = doubles(this.#times)
    this.#seqs = doubles(this.#seqs)
    this.#receivedAt = doubles(this.#receivedAt)
  }

  #copy(source: Uint8Array, from: number, to: number): void {
    const size = to - from
    if (this.#length + size > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + size))
      grown.set(this.#bytes.subarray(0, this.#length))
      this.#bytes = grown
    }
    const bytes = this.#bytes
    const at = this.#length
    if (size < 128) for (let i = 0; i < size; i++) bytes[at + i] = source[from + i]!
    else bytes.set(source.subarray(from, to), at)
    this.#length = at + size
  }
}

function grown<T extends Uint32Array | Float64Array>(from: T, to: T): T {
  to.set(from)
  return to
}

/** The buffers of a chunk, to be given to another thread. */
export function buffersOf(chunk: RowChunk): ArrayBuffer[] {
  const { topics, times, seqs, receivedAt, captures, bytes, fieldsEnds, payloadEnds } = chunk
  return [topics, times, seqs, receivedAt, captures, bytes, fieldsEnds, payloadEnds].map(
    ({ buffer }) => buffer as ArrayBuffer,
  )
}
