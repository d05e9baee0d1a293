// What is known of each topic's readings without reading them: six numbers by topic id, 48 bytes a topic, in pages that are
// never moved. No object for any topic.

const pageTopics = 4096
const columns = 6
const firstTimeAt = 2
const lastTimeAt = 3
const newestSeqAt = 4
const seqMaxAt = 5

export interface TopicCounts {
  readings: number
  /** Payload bytes as received. */
  bytes: number
  firstTime: number
  lastTime: number
  /** Number of the newest by (time, seq). */
  newestSeq: number
  /** The largest number: late readings do not stand in the order of their numbers. */
  seqMax: number
}

const none: TopicCounts = { readings: 0, bytes: 0, firstTime: 0, lastTime: 0, newestSeq: 0, seqMax: 0 }

export class TopicStats {
  readonly #pages: (Float64Array | undefined)[] = []
  /** Readings of all topics, and how many topics have some. */
  total = 0
  topics = 0

  /** Counts one reading. */
  count(id: number, time: number, seq: number, bytes: number): void {
    const page = this.#pageFor(id)
    const at = (id % pageTopics) * columns
    const first = page[at] === 0
    if (first) this.topics++
    this.total++
    page[at] = (page[at] as number) + 1
    page[at + 1] = (page[at + 1] as number) + bytes
    if (first || time < (page[at + firstTimeAt] as number)) page[at + firstTimeAt] = time
    if (first || seq > (page[at + seqMaxAt] as number)) page[at + seqMaxAt] = seq
    const lastTime = page[at + lastTimeAt] as number
    if (first || time > lastTime || (time === lastTime && seq > (page[at + newestSeqAt] as number))) {
      page[at + lastTimeAt] = time
      page[at + newestSeqAt] = seq
    }
  }

  set(id: number, counts: TopicCounts): void {
    const { readings, bytes, firstTime, lastTime, newestSeq, seqMax } = counts
    const before = this.readings(id)
    this.total += readings - before
    this.topics += (readings > 0 ? 1 : 0) - (before > 0 ? 1 : 0)
    this.#pageFor(id).set(
      [readings, bytes, firstTime, lastTime, newestSeq, seqMax],
      (id % pageTopics) * columns,
    )
  }

  /** All zero for a topic without readings. */
  info(id: number): TopicCounts {
    const page = this.#pages[Math.floor(id / pageTopics)]
    const at = (id % pageTopics) * columns
    return {
      readings: page?.[at] ?? 0,
      bytes: page?.[at + 1] ?? 0,
      firstTime: page?.[at + firstTimeAt] ?? 0,
      lastTime: page?.[at + lastTimeAt] ?? 0,
      newestSeq: page?.[at + newestSeqAt] ?? 0,
      seqMax: page?.[at + seqMaxAt] ?? 0,
    }
  }

  /** How many readings a topic has, without an object. */
  readings(id: number): number {
    return this.#pages[Math.floor(id / pageTopics)]?.[(id % pageTopics) * columns] ?? 0
  }

  newestSeq(id: number): number {
    return this.#pages[Math.floor(id / pageTopics)]?.[(id % pageTopics) * columns + newestSeqAt] ?? 0
  }

  clear(id: number): void {
    this.set(id, none)
  }

  #pageFor(id: number): Float64Array {
    const number = Math.floor(id / pageTopics)
    while (this.#pages.length <= number) this.#pages.push(undefined)
    return (this.#pages[number] ??= new Float64Array(pageTopics * columns))
  }
}
