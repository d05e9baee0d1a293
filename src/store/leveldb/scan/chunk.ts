// What a scan hands over: rows of many topics in order, as columns in a few buffers, so that a worker thread can give them
// away without a copy of each.

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
    this.#bytes = new Uint8Array(Math.min(bytesMax, rowsMax * 64))
  }

  get isFull(): boolean {
    return this.count >= this.#rowsMax || this.#length >= this.#bytesMax
  }

  push(
    row: { topicId: number; time: number; seq: number; receivedAt: number; captureId: number },
    source: RowBytes,
  ): void {
    const at = this.count++
    this.#topics[at] = row.topicId
    this.#times[at] = row.time
    this.#seqs[at] = row.seq
    this.#receivedAt[at] = row.receivedAt
    this.#captures[at] = row.captureId
    this.#copy(source.fields, source.fieldsAt, source.fieldsEnd)
    this.#fieldsEnds[at] = this.#length
    this.#copy(source.payload, source.payloadAt, source.payloadEnd)
    this.#payloadEnds[at] = this.#length
  }

  /** What was gathered; the writer must not be used after. */
  finish(): RowChunk {
    const { count } = this
    return {
      count,
      topics: this.#topics.slice(0, count),
      times: this.#times.slice(0, count),
      seqs: this.#seqs.slice(0, count),
      receivedAt: this.#receivedAt.slice(0, count),
      captures: this.#captures.slice(0, count),
      bytes: this.#bytes.slice(0, this.#length),
      fieldsEnds: this.#fieldsEnds.slice(0, count),
      payloadEnds: this.#payloadEnds.slice(0, count),
    }
  }

  #copy(source: Uint8Array, from: number, to: number): void {
    const size = to - from
    if (this.#length + size > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + size))
      grown.set(this.#bytes.subarray(0, this.#length))
      this.#bytes = grown
    }
    if (size < 64) for (let i = 0; i < size; i++) this.#bytes[this.#length + i] = source[from + i]!
    else this.#bytes.set(source.subarray(from, to), this.#length)
    this.#length += size
  }
}

/** The buffers of a chunk, to be given to another thread. */
export function buffersOf(chunk: RowChunk): ArrayBuffer[] {
  const { topics, times, seqs, receivedAt, captures, bytes, fieldsEnds, payloadEnds } = chunk
  return [topics, times, seqs, receivedAt, captures, bytes, fieldsEnds, payloadEnds].map(
    ({ buffer }) => buffer as ArrayBuffer,
  )
}
