// What was read of blocks and their indexes, kept for the next question as long as the blocks do not change. Bounded by bytes;
// when it is full, what no question of the last two rounds used makes room, and nothing else: one pass over a store that is
// larger than the cache would otherwise empty it each time.

interface Entry<T> {
  value: T
  bytes: number
  round: number
}

/** About what an entry takes beside its value. */
const entryBytes = 200

/** Asks for more bytes for a value that is kept; `false` when there is no room, or it is kept no longer. */
export type Grow = (bytes: number) => boolean

export class RecordCache<T> {
  readonly #bytesMax: number
  /** By the number of a block's first reading, which is in no other block. Times are not enough: many blocks may begin with one. */
  readonly #kept = new Map<number, Entry<T>>()
  #bytes = 0
  #round = 0
  #sweptIn = -1

  /** 0: nothing is kept. */
  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  /** Another question begins. */
  nextRound(): void {
    this.#round++
  }

  get(seq: number): T | undefined {
    const entry = this.#kept.get(seq)
    if (entry) entry.round = this.#round
    return entry?.value
  }

  /** Keeps what `make` gives, which has so many bytes, if there is room. */
  add(seq: number, bytes: number, make: (grow: Grow) => T): T {
    const value = make((more) => {
      const entry = this.#kept.get(seq)
      if (entry === undefined || entry.value !== value || !this.#hasRoom(more) || !this.#kept.has(seq))
        return false
      this.#bytes += more
      entry.bytes += more
      return true
    })
    const size = bytes + entryBytes
    if (this.#hasRoom(size)) {
      this.#kept.set(seq, { value, bytes: size, round: this.#round })
      this.#bytes += size
    }
    return value
  }

  #hasRoom(bytes: number): boolean {
    if (this.#bytes + bytes <= this.#bytesMax) return true
    // Once a round is enough: nothing has grown old since.
    if (this.#sweptIn === this.#round) return false
    this.#sweptIn = this.#round
    for (const [seq, entry] of this.#kept) {
      if (entry.round >= this.#round - 1) continue
      this.#bytes -= entry.bytes
      this.#kept.delete(seq)
    }
    return this.#bytes + bytes <= this.#bytesMax
  }
}
