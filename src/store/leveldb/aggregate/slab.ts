// Memory for cells, cut from a large array that serves one group after another: an aggregate over 100,000 topics has as many
// small fields, and an array of its own for each would cost more than what it holds.

const firstChunk = 4096
const chunkMax = 131_072

/** A stretch of zeros that nobody else has: `data` from `offset` on. */
export interface Stretch {
  data: Float64Array
  offset: number
}

export class Slab {
  #chunk = new Float64Array(firstChunk)
  #used = 0

  take(length: number): Stretch {
    if (this.#used + length > this.#chunk.length) {
      // What is large does not end the chunk that small ones still fit.
      if (length > chunkMax / 8) return { data: new Float64Array(length), offset: 0 }
      this.#chunk = new Float64Array(Math.max(length, Math.min(chunkMax, 2 * this.#chunk.length)))
      this.#used = 0
    }
    const offset = this.#used
    this.#used += length
    return { data: this.#chunk, offset }
  }

  /** What was taken is free again. */
  reset(): void {
    this.#chunk.fill(0, 0, this.#used)
    this.#used = 0
  }
}
