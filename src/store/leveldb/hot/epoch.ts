// One epoch of the log in memory: rows are staged as they come, taken into commits in order, and visible once committed
// (in durability `async`: at once). An epoch that is closed and committed to its end is rolled into blocks.

import { sealFrame } from '../frame.ts'
import { rowOverheadBytes, writeInt, writeRaw, writeUint } from '../segment.ts'
import { chunkBytes, HotRows, newPage, pageOf, pageRows, type SharedRows } from './pages.ts'

/** Version byte and CRC-32. */
const frameBytes = 5

/** Rows of one segment. */
export const segmentRowsMax = 4096

export interface StagedRow {
  topicId: number
  time: number
  seq: number
  receivedAt: number
  captureId: number
  /** JSON text of the cleaned fields; empty for none. */
  fields: Uint8Array
  payload: Uint8Array
}

/** Rows on their way to the disk. */
export interface Segment {
  /** Number of its first row: its key. */
  seq: number
  /** The framed bytes; a view of shared memory. */
  bytes: Buffer
  /** The row after its last. */
  end: number
  /** Bytes of its rows alone. */
  rowBytes: number
}

interface OpenSegment {
  seq: number
  firstRow: number
  firstTime: number
  chunk: number
  start: number
  rowBytes: number
}

export class Epoch {
  readonly rows: HotRows
  readonly #pages: SharedArrayBuffer[] = []
  readonly #chunks: SharedArrayBuffer[] = []
  /** Keys of the log segments on the disk that hold its rows. */
  readonly segments: number[] = []
  /** Rows written, committed, and visible to readers. */
  staged = 0
  committed = 0
  visible = 0
  /** No rows come any more. */
  isClosed = false
  bytes = 0
  /** Topics whose visible rows are not in the order of time. */
  readonly disordered = new Set<number>()
  /** Topics that have visible rows here. */
  topics = 0
  /** Last visible row of each topic, plus one. */
  #heads = new Uint32Array(1024)
  #at = 0
  #open: OpenSegment | null = null
  #closed: Segment[] = []

  constructor() {
    this.rows = new HotRows({ pages: [], chunks: [] })
  }

  /** For worker threads. What becomes visible later is not in it. */
  share(): SharedRows {
    return { pages: [...this.#pages], chunks: [...this.#chunks] }
  }

  /** Writes one row; it is neither durable nor visible. */
  stage(row: StagedRow): void {
    const { topicId, time, seq, payload, fields } = row
    const size = rowOverheadBytes + payload.length + fields.length
    const segment = this.#segmentFor(size, seq, time)
    const chunk = this.rows.chunks[segment.chunk]!
    let at = writeUint(chunk, this.#at, topicId)
    at = writeInt(chunk, at, time - segment.firstTime)
    this.#placeRow(row, segment.chunk * chunkBytes + at)
    at = writeInt(chunk, at, row.receivedAt - time)
    at = writeUint(chunk, at, row.captureId)
    at = writeRaw(chunk, writeUint(chunk, at, fields.length), fields)
    at = writeRaw(chunk, writeUint(chunk, at, payload.length), payload)
    segment.rowBytes += at - this.#at
    this.bytes += at - this.#at
    this.#at = at
  }

  /** The next segments to be committed, within both limits but one at least; `null` when nothing is staged. */
  take(rowsMax: number, bytesMax: number): Segment[] | null {
    this.#closeSegment()
    let rows = 0
    let bytes = 0
    let count = 0
    let from = this.committed
    for (const segment of this.#closed) {
      if (count > 0 && (rows + segment.end - from > rowsMax || bytes + segment.bytes.length > bytesMax)) break
      rows += segment.end - from
      bytes += segment.bytes.length
      from = segment.end
      count++
    }
    return count === 0 ? null : this.#closed.splice(0, count)
  }

  /** Segments are on the disk. */
  commit(segments: readonly Segment[]): void {
    for (const { seq, end } of segments) {
      this.segments.push(seq)
      this.committed = end
    }
  }

  /** What was staged is on the disk already, in the log segments with these keys. */
  adopt(segments: readonly number[]): void {
    this.#closeSegment()
    this.#closed = []
    for (const seq of segments) this.segments.push(seq)
    this.committed = this.staged
    this.isClosed = true
  }

  /** Forgets rows from `row` on: they were not stored. */
  truncate(row: number): void {
    this.#closeSegment()
    this.#closed = []
    this.staged = row
  }

  /** Makes rows up to `end` visible; `count` is told of each. */
  show(end: number, count: (row: number) => void): void {
    for (let row = this.visible; row < end; row++) {
      const page = this.rows.page(row)
      const topic = page.topics[row & (pageRows - 1)]!
      if (topic >= this.#heads.length) this.#growHeads(topic)
      const head = this.#heads[topic]!
      page.previous[row & (pageRows - 1)] = head
      if (head === 0) this.topics++
      else if (page.times[row & (pageRows - 1)]! < this.rows.time(head - 1)) this.disordered.add(topic)
      this.#heads[topic] = row + 1
      count(row)
    }
    this.visible = end
  }

  /** The newest row of a topic by arrival, or -1. */
  head(topicId: number): number {
    return (topicId < this.#heads.length ? this.#heads[topicId]! : 0) - 1
  }

  #segmentFor(size: number, seq: number, time: number): OpenSegment {
    const open = this.#open
    if (
      open &&
      this.staged - open.firstRow < segmentRowsMax &&
      // A row that needs a chunk of its own gets it; offsets of rows stay within `chunkBytes`.
      this.#at + size <= chunkBytes
    )
      return open
    this.#closeSegment()
    const head = frameBytes + 8
    let chunk = this.#chunks.length - 1
    const room = chunk < 0 ? 0 : Math.min(this.rows.chunks[chunk]!.length, chunkBytes) - this.#at
    if (room < head + size) {
      const shared = new SharedArrayBuffer(Math.max(chunkBytes, head + size))
      chunk = this.#chunks.push(shared) - 1
      this.rows.chunks.push(Buffer.from(shared))
      this.#at = 0
    }
    const start = this.#at
    this.#at = writeInt(this.rows.chunks[chunk]!, start + frameBytes, time)
    this.#open = { seq, firstRow: this.staged, firstTime: time, chunk, start, rowBytes: 0 }
    return this.#open
  }

  #closeSegment(): void {
    const open = this.#open
    if (!open) return
    this.#open = null
    if (open.firstRow === this.staged) return
    const bytes = this.rows.chunks[open.chunk]!.subarray(open.start, this.#at)
    sealFrame(bytes)
    this.#closed.push({ seq: open.seq, bytes, end: this.staged, rowBytes: open.rowBytes })
  }

  #placeRow({ topicId, time, seq, payload }: StagedRow, place: number): void {
    const row = this.staged++
    const at = row & (pageRows - 1)
    if (at === 0 && row / pageRows === this.#pages.length) {
      const shared = newPage()
      this.#pages.push(shared)
      this.rows.pages.push(pageOf(shared))
    }
    const page = this.rows.page(row)
    page.times[at] = time
    page.seqs[at] = seq
    page.topics[at] = topicId
    page.places[at] = place
    page.sizes[at] = payload.length
  }

  #growHeads(topic: number): void {
    const grown = new Uint32Array(Math.max(this.#heads.length * 2, topic + 1))
    grown.set(this.#heads)
    this.#heads = grown
  }
}
