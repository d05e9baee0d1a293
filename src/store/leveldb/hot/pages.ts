// The rows of an epoch as columns in shared memory: pages of numbers and chunks of bytes, so that worker threads read what
// the main thread writes without a copy. Nothing is an object per reading or per topic.
//
// A chunk holds log segments one after another, exactly as they go to the disk (segment.ts); a row knows where in them
// its capture data begin.

/** Rows of a page; a power of two. */
export const pageRows = 8192
const pageShift = 13

/** Bytes of a chunk; a segment that needs more gets a larger one of its own. */
export const chunkBytes = 2 ** 20
export const chunkShift = 20

/** One page of columns. */
export interface RowPage {
  /** Milliseconds. */
  times: Float64Array
  seqs: Float64Array
  topics: Uint32Array
  /** Where a row's capture data begin: number of the chunk × `chunkBytes` + offset in it. */
  places: Uint32Array
  /** The row of the same topic before this one, plus one; 0: none. Written when the row becomes visible. */
  previous: Uint32Array
  /** Payload bytes. */
  sizes: Uint32Array
}

/** What a worker thread needs to read an epoch; its buffers are shared, not copied. */
export interface SharedRows {
  pages: readonly SharedArrayBuffer[]
  chunks: readonly SharedArrayBuffer[]
}

const rowBytes = 2 * 8 + 4 * 4

export const newPage = (): SharedArrayBuffer => new SharedArrayBuffer(pageRows * rowBytes)

export function pageOf(buffer: SharedArrayBuffer): RowPage {
  const doubles = (at: number): Float64Array => new Float64Array(buffer, at * pageRows, pageRows)
  const numbers = (at: number): Uint32Array => new Uint32Array(buffer, at * pageRows, pageRows)
  return {
    times: doubles(0),
    seqs: doubles(8),
    topics: numbers(16),
    places: numbers(20),
    previous: numbers(24),
    sizes: numbers(28),
  }
}

/** Reads rows by their number in the epoch. */
export class HotRows {
  readonly pages: RowPage[]
  readonly chunks: Buffer[]

  constructor({ pages, chunks }: SharedRows) {
    this.pages = pages.map(pageOf)
    this.chunks = chunks.map((chunk) => Buffer.from(chunk))
  }

  page(row: number): RowPage {
    return this.pages[row >>> pageShift]!
  }

  time(row: number): number {
    return this.pages[row >>> pageShift]!.times[row & (pageRows - 1)]!
  }

  seq(row: number): number {
    return this.pages[row >>> pageShift]!.seqs[row & (pageRows - 1)]!
  }

  topic(row: number): number {
    return this.pages[row >>> pageShift]!.topics[row & (pageRows - 1)]!
  }

  size(row: number): number {
    return this.pages[row >>> pageShift]!.sizes[row & (pageRows - 1)]!
  }

  /** The row of the same topic before this one, or -1. */
  previous(row: number): number {
    return this.pages[row >>> pageShift]!.previous[row & (pageRows - 1)]! - 1
  }

  chunkOf(row: number): Buffer {
    return this.chunks[Math.floor(this.#place(row) / chunkBytes)]!
  }

  /** Offset of the row's capture data in `chunkOf(row)`. */
  offsetOf(row: number): number {
    return this.#place(row) & (chunkBytes - 1)
  }

  #place(row: number): number {
    return this.pages[row >>> pageShift]!.places[row & (pageRows - 1)]!
  }
}
