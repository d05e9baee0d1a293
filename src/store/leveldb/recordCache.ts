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

export class RecordCache<T> {
  readonly #bytesMax: number
  /** By topic and first time, which no two blocks of a topic share. */
  readonly #kept = new Map<number, Map<number, Entry<T>>>()
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

  get(topicId: number, tmin: number): T | undefined {
    const entry = this.#kept.get(topicId)?.get(tmin)
    if (entry) entry.round = this.#round
    return entry?.value
  }

  /** `make` is given a way to ask for more bytes later: `false` when there is no room for them. */
  add(topicId: number, tmin: number, bytes: number, make: (grow: (bytes: number) => boolean) => T): T {
    if (!this.#hasRoom(bytes + entryBytes)) return make(() => false)
    let entry: Entry<T> | null = null
    const grow = (more: number): boolean => {
      if (!this.#hasRoom(more)) return false
      this.#bytes += more
      if (entry) entry.bytes += more
      return true
    }
    entry = { value: make(grow), bytes: bytes + entryBytes, round: this.#round }
    this.#bytes += entry.bytes
    const ofTopic = this.#kept.get(topicId)
    if (ofTopic) ofTopic.set(tmin, entry)
    else this.#kept.set(topicId, new Map([[tmin, entry]]))
    return entry.value
  }

  #hasRoom(bytes: number): boolean {
    if (this.#bytes + bytes <= this.#bytesMax) return true
    // Once a round is enough: nothing has grown old since.
    if (this.#sweptIn === this.#round) return false
    this.#sweptIn = this.#round
    for (const [topicId, ofTopic] of this.#kept) {
      for (const [tmin, entry] of ofTopic) {
        if (entry.round >= this.#round - 1) continue
        this.#bytes -= entry.bytes
        ofTopic.delete(tmin)
      }
      if (ofTopic.size === 0) this.#kept.delete(topicId)
    }
    return this.#bytes + bytes <= this.#bytesMax
  }
}
