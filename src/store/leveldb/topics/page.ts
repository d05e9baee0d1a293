// One page of the block directory: where the blocks of 1,024 topics stand, in one piece of shared memory that is written once.
// 40 bytes a block, and all numbers come back exactly, up to 2^53.
//
//   page: starts (1,025 × uint32, padded to 8) | rows, by topic and then by time
//   row:  tmin, tmax (float64) | low 32 bits of seq, lastSeq, seqMax | highs a, highs b | count (uint32 each)
//   highs a: bits 0–20 the high bits of seq, bits 21–31 the lower 11 of seqMax's high bits
//   highs b: bits 0–20 the high bits of lastSeq, bits 21–30 the upper 10 of seqMax's high bits

import assert from 'node:assert'

export const pageTopics = 1024
const rowsAt = 8 * Math.ceil((4 * (pageTopics + 1)) / 8)
export const rowBytes = 40
const rowDoubles = rowBytes / 8
const rowWords = rowBytes / 4
/** Words of a row, behind its two times. */
const seqAt = 4
const lastSeqAt = 5
const seqMaxAt = 6
const highsAAt = 7
const highsBAt = 8
const countAt = 9
const wordSize = 2 ** 32
const highBits = 21
const highMask = 2 ** highBits - 1
/** Bits of seqMax that stand in highs a. */
const splitBits = 32 - highBits

/** Where one block stands. Blocks of a topic do not overlap in time, and are listed oldest first. */
export interface BlockEntry {
  /** Milliseconds. */
  tmin: number
  tmax: number
  /** Number of its first row; with `tmin` its key. */
  seq: number
  /** Number of its last row in the order of (time, seq). */
  lastSeq: number
  /** The largest number in it: late readings do not stand in the order of their numbers. */
  seqMax: number
  /** Rows in it. */
  count: number
}

/** Entries of blocks in memory of any kind. */
export class BlockRows {
  readonly capacity: number
  readonly #doubles: Float64Array
  readonly #words: Uint32Array

  constructor(buffer: ArrayBufferLike, offsetBytes: number) {
    this.#doubles = new Float64Array(buffer, offsetBytes)
    this.#words = new Uint32Array(buffer, offsetBytes)
    this.capacity = this.#doubles.length / rowDoubles
  }

  tmin(row: number): number {
    return this.#doubles[row * rowDoubles] as number
  }

  tmax(row: number): number {
    return this.#doubles[row * rowDoubles + 1] as number
  }

  seq(row: number): number {
    return (this.#word(row, highsAAt) & highMask) * wordSize + this.#word(row, seqAt)
  }

  lastSeq(row: number): number {
    return (this.#word(row, highsBAt) & highMask) * wordSize + this.#word(row, lastSeqAt)
  }

  seqMax(row: number): number {
    const high =
      (this.#word(row, highsAAt) >>> highBits) | ((this.#word(row, highsBAt) >>> highBits) << splitBits)
    return high * wordSize + this.#word(row, seqMaxAt)
  }

  count(row: number): number {
    return this.#word(row, countAt)
  }

  entry(row: number): BlockEntry {
    return {
      tmin: this.tmin(row),
      tmax: this.tmax(row),
      seq: this.seq(row),
      lastSeq: this.lastSeq(row),
      seqMax: this.seqMax(row),
      count: this.count(row),
    }
  }

  /** `isFirst`: the row before it is not of the same topic. */
  write(row: number, entry: BlockEntry, isFirst: boolean): void {
    const { tmin, tmax, seq, lastSeq, seqMax, count } = entry
    assert(tmin <= tmax, 'a block begins before it ends')
    assert(isFirst || this.tmax(row - 1) <= tmin, 'blocks of a topic do not overlap, and come oldest first')
    assert(isSeq(seq) && isSeq(lastSeq) && isSeq(seqMax), 'a number of a reading is a safe integer')
    assert(Number.isInteger(count) && count >= 0 && count < wordSize, 'a block counts its rows in 32 bits')
    this.#doubles[row * rowDoubles] = tmin
    this.#doubles[row * rowDoubles + 1] = tmax
    const words = this.#words
    const at = row * rowWords
    const high = Math.floor(seqMax / wordSize)
    words[at + seqAt] = seq
    words[at + lastSeqAt] = lastSeq
    words[at + seqMaxAt] = seqMax
    words[at + highsAAt] = Math.floor(seq / wordSize) | (high << highBits)
    words[at + highsBAt] = Math.floor(lastSeq / wordSize) | ((high >>> splitBits) << highBits)
    words[at + countAt] = count
  }

  /** Copies rows `from` ≤ row < `to` of others. As words: doubles need not keep their bits. */
  copy(at: number, others: BlockRows, from: number, to: number): void {
    this.#words.set(others.#words.subarray(from * rowWords, to * rowWords), at * rowWords)
  }

  #word(row: number, at: number): number {
    return this.#words[row * rowWords + at] as number
  }
}

export class Page {
  readonly buffer: SharedArrayBuffer
  readonly rows: BlockRows
  /** Of topic n of the page: starts[n] ≤ row < starts[n + 1]. */
  readonly starts: Uint32Array

  constructor(buffer: SharedArrayBuffer) {
    this.buffer = buffer
    this.starts = new Uint32Array(buffer, 0, pageTopics + 1)
    this.rows = new BlockRows(buffer, rowsAt)
  }

  static ofLength(rows: number): Page {
    return new Page(new SharedArrayBuffer(rowsAt + rows * rowBytes))
  }

  /** Blocks in it. */
  get length(): number {
    return this.rows.capacity
  }

  start(topic: number): number {
    return this.starts[topic] as number
  }
}

function isSeq(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0
}
