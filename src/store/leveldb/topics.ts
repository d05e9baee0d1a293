// The topics of a store: name and number, counts, the newest reading, and the directory of blocks (a few numbers each).

import type { TopicInfo, TopicsQuery } from '../store.ts'
import { byCodeUnit, isListed } from '../memory.ts'
import { ByteReader, ByteWriter } from './binary.ts'
import { byTime, decodeRows, encodeRows, type Row } from './row.ts'

/** Where one block stands. Blocks of a topic never overlap, and are listed oldest first. */
export interface BlockEntry {
  tmin: number
  /** Number of its first reading; with `tmin` its key. */
  seq: number
  tmax: number
  lastSeq: number
  /** The largest number in it: late readings do not stand in the order of their numbers. */
  seqMax: number
  count: number
}

/** What is known of a topic's readings without reading them. */
export interface Stats {
  readings: number
  bytes: number
  firstTime: number
  lastTime: number
  /** The largest number among its readings. */
  lastSeq: number
  /** Newest by (time, seq). */
  newest: Row | null
}

export interface Topic {
  id: number
  name: string
  /** Of every durable reading. */
  stats: Stats
  /** Of those in blocks: what its record on the disk says; the log adds the rest at open. */
  rolled: Stats
  blocks: readonly BlockEntry[]
}

export const noStats: Stats = { readings: 0, bytes: 0, firstTime: 0, lastTime: 0, lastSeq: 0, newest: null }

/** Counts one reading. */
export function countRow(stats: Stats, row: Row): void {
  const first = stats.readings === 0
  stats.firstTime = first ? row.time : Math.min(stats.firstTime, row.time)
  stats.lastTime = first ? row.time : Math.max(stats.lastTime, row.time)
  stats.lastSeq = Math.max(stats.lastSeq, row.seq)
  stats.readings++
  stats.bytes += row.payload.length
  if (!stats.newest || byTime(row, stats.newest) > 0) stats.newest = row
}

export class TopicTable {
  readonly #byName = new Map<string, Topic>()
  readonly #byId: Topic[] = []
  #sorted: Topic[] | null = null
  #nextId = 0

  get size(): number {
    return this.#byName.size
  }

  /** Never gives `id` to a new topic: its record is damaged, and blocks may still carry it. */
  reserve(id: number): void {
    this.#nextId = Math.max(this.#nextId, id + 1)
  }

  get(name: string): Topic | undefined {
    return this.#byName.get(name)
  }

  byId(id: number): Topic | undefined {
    return this.#byId[id]
  }

  add(name: string): Topic {
    const topic: Topic = { id: this.#nextId, name, stats: { ...noStats }, rolled: noStats, blocks: [] }
    this.restore(topic)
    return topic
  }

  /** Takes in a topic as it was written. */
  restore(topic: Topic): void {
    this.#byName.set(topic.name, topic)
    this.#byId[topic.id] = topic
    this.reserve(topic.id)
    this.#sorted = null
  }

  all(): Topic[] {
    return [...this.#byName.values()]
  }

  /** Topics with readings that the query lists, in code-unit order. */
  list(query: TopicsQuery): Topic[] {
    const found: Topic[] = []
    for (const topic of this.#candidates(query.filters)) {
      if (topic.stats.readings === 0 || !isListed(topic.name, query)) continue
      found.push(topic)
      if (found.length >= query.limit) break
    }
    return found
  }

  /** An exact filter is one look-up; a wildcard walks the sorted names. */
  #candidates(filters: readonly string[]): Topic[] {
    if (filters.length > 0 && filters.every((filter) => !/[+#]/.test(filter))) {
      const exact = [...new Set(filters)]
        .map((filter) => this.#byName.get(filter))
        .filter((topic) => topic !== undefined)
      return exact.sort((a, b) => byCodeUnit(a.name, b.name))
    }
    return (this.#sorted ??= [...this.#byName.values()].sort((a, b) => byCodeUnit(a.name, b.name)))
  }
}

export function infoOf({ name, stats }: Topic): TopicInfo {
  const { readings, bytes, firstTime, lastTime } = stats
  return { topic: name, readings, bytes, firstTime, lastTime }
}

/** A topic's record: its name and the counts of what is in blocks. */
export function encodeTopic(name: string, stats: Stats): Buffer {
  const out = new ByteWriter()
  out.text(name)
  out.uint(stats.readings)
  out.uint(stats.bytes)
  out.int(stats.firstTime)
  out.int(stats.lastTime)
  out.uint(stats.lastSeq)
  out.bytes(encodeRows(stats.newest ? [stats.newest] : []))
  return out.finish()
}

export function decodeTopic(id: number, body: Uint8Array): Topic {
  const input = new ByteReader(body)
  const name = input.text()
  const counts = {
    readings: input.uint(),
    bytes: input.uint(),
    firstTime: input.int(),
    lastTime: input.int(),
    lastSeq: input.uint(),
  }
  const [newest = null] = decodeRows(Buffer.from(input.bytes()))
  const rolled = { ...counts, newest }
  return { id, name, stats: { ...rolled }, rolled, blocks: [] }
}
