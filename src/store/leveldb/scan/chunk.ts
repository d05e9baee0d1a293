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

/** Gathers rows until a chunk is full. */
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

  constructor(rowsMax: number, bytesMax: number) {
    this.#rowsMax = rowsMax
    this.#bytesMax = bytesMax
    const numbers = (): Uint32Array => new Uint32Array(rowsMax)
    const doubles = (): Float64Array => new Float64Array(rowsMax)
    this.#topics = numbers()
    this.#captures = numbers()
    this.#fieldsEnds = numbers()
    this.#payloadEnds = numbers()
    this.#times = doubles()
    this.#seqs = doubles()
    this.#receivedAt = doubles()
    this.#bytes = new Uint8Array(Math.min(bytesMax, rowsMax * 96))
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

/** The buffers of a chunk, to be given to another thread. */
export function buffersOf(chunk: RowChunk): ArrayBuffer[] {
  const { topics, times, seqs, receivedAt, captures, bytes, fieldsEnds, payloadEnds } = chunk
  return [topics, times, seqs, receivedAt, captures, bytes, fieldsEnds, payloadEnds].map(
    ({ buffer }) => buffer as ArrayBuffer,
  )
}
