// The reference engine: obviously correct, for the contract suite and for tests. It forgets at exit.

import { AppError } from '../domain/errors.ts'
import type { Reading } from '../domain/reading.ts'
import { hasWildcard, matches } from '../domain/topic.ts'
import { aggregateReadings } from './aggregate.ts'
import { seqAfter } from './numbering.ts'
import type { Remade, Remaker } from './remaker.ts'
import { ended, samplesForSteps, samplesOf, stepsOf, tooManySamples } from './samples.ts'
import type {
  AggregateQuery,
  RangeQuery,
  ReadingStore,
  Receipts,
  RemakeQuery,
  RemoveQuery,
  SamplesQuery,
  SeriesSteps,
  StepsQuery,
  SeriesSamples,
  StoreStatus,
  TopicFilters,
  TopicInfo,
  TopicsQuery,
} from './store.ts'

const chunkRows = 1000

/** A store in arrays; every answer is worked out from all readings. */
export function createMemoryStore(): ReadingStore {
  let readings: Reading[] = []
  let lastSeq = 0
  const receipts = new Set<string>()
  let closed = false
  const byTopic = (query: TopicsQuery): Map<string, Reading[]> => {
    const topics = new Map<string, Reading[]>()
    for (const reading of readings) {
      const list = topics.get(reading.topic)
      if (list) list.push(reading)
      else topics.set(reading.topic, [reading])
    }
    const names = [...topics.keys()].filter((topic) => isListed(topic, query)).sort(byCodeUnit)
    return new Map(names.slice(0, query.limit).map((name) => [name, topics.get(name) ?? []]))
  }
  const range = (query: RangeQuery): AsyncGenerator<Reading[]> => rangeReadings(readings, query)
  return {
    append(reading, options, done) {
      if (closed) {
        done(new AppError('shutting_down', 'the store is closed'), 0)
        return
      }
      const seq = (lastSeq = seqAfter(lastSeq, reading.receivedAt))
      readings.push({ ...reading, payload: Buffer.from(reading.payload), seq })
      if (options.receipt !== undefined) receipts.add(options.receipt)
      queueMicrotask(() => done(null, seq))
    },
    async latest(query) {
      const { asOf = Number.POSITIVE_INFINITY } = query
      const lists = byTopic({ ...query, limit: Number.POSITIVE_INFINITY })
      return [...lists.values()].flatMap((list) => newestOf(list, asOf)).slice(0, query.limit)
    },
    range,
    aggregate: (query) => aggregateReadings(range(rangeOf(query)), query),
    samples: (query) => sampled(range, query),
    steps: (query) => stepped(range, query),
    async *since(seq) {
      const missed = readings.filter((reading) => reading.seq > seq)
      for (let at = 0; at < missed.length; at += chunkRows) yield missed.slice(at, at + chunkRows)
    },
    async topics(query) {
      return [...byTopic(query)].map(([topic, list]) => infoOf(topic, list))
    },
    records: refuseRecords,
    async remove(query) {
      const gone = new Set(readings.filter((reading) => isInRange(reading, removedRange(query))))
      if (!query.isDryRun) readings = readings.filter((reading) => !gone.has(reading))
      return { readings: gone.size, bytes: bytesOf([...gone]) }
    },
    async remake(query, remaker) {
      const { filters, after } = query
      const [next] = byTopic({ filters, limit: 1, ...(after ? { after: after.topic } : {}) })
      if (!next) return { readings: 0, remade: 0, left: 0, next: null }
      const [topic, all] = next
      const { made, left } = await remadeOf(all, query, remaker)
      readings = readings.map((reading) => withRemade(reading, made.get(reading.seq)))
      const remade = [...made.values()].filter((one) => one !== null).length
      return { readings: made.size, remade, left, next: { topic, time: query.to } }
    },
    receipts: receiptsIn(receipts),
    get status() {
      return statusOf(readings, lastSeq, closed)
    },
    async close() {
      closed = true
    },
  }
}

/** None or one. */
function newestOf(list: readonly Reading[], asOf: number): Reading[] {
  return list
    .filter(({ time }) => time <= asOf)
    .sort(byTime)
    .slice(-1)
}

/** By number. */
async function remadeOf(
  all: readonly Reading[],
  { from, to, seqMax }: RemakeQuery,
  remaker: Remaker,
): Promise<{ made: Map<number, Remade | null>; left: number }> {
  const list = all.filter(({ time, seq }) => time >= from && time < to && seq <= seqMax).sort(byTime)
  const { made, left } = await remaker.make(list)
  return { made: new Map(list.map((reading, at) => [reading.seq, made[at] ?? null])), left }
}

function withRemade(reading: Reading, remade: Remade | null | undefined): Reading {
  if (!remade) return reading
  const { cleaned: _before, ...rest } = reading
  const { fields, cleaned } = remade
  return cleaned ? { ...rest, fields, cleaned } : { ...rest, fields }
}

function receiptsIn(receipts: Set<string>): Receipts {
  return {
    has: (receipt) => receipts.has(receipt),
    list: (prefix) => [...receipts].filter((receipt) => receipt.startsWith(prefix)),
    settle(receipt, done) {
      receipts.delete(receipt)
      queueMicrotask(() => done(null))
    },
  }
}

function refuseRecords(): never {
  throw new AppError('conflict', 'this store is in memory: there is nothing on a disk to back up')
}

async function* rangeReadings(readings: readonly Reading[], query: RangeQuery): AsyncGenerator<Reading[]> {
  const found = readings.filter((reading) => isInRange(reading, query)).sort(byTime)
  if (query.order === 'desc') found.reverse()
  const rows = found.slice(0, query.limit)
  for (let at = 0; at < rows.length; at += chunkRows) yield rows.slice(at, at + chunkRows)
}

function statusOf(readings: readonly Reading[], lastSeq: number, closed: boolean): StoreStatus {
  return {
    engine: 'memory',
    state: closed ? 'closed' : 'ok',
    readings: readings.length,
    topics: new Set(readings.map(({ topic }) => topic)).size,
    lastSeq,
    diskBytes: 0,
    pending: 0,
    hotReadings: readings.length,
    hotBytes: bytesOf(readings),
    blocks: 0,
    damaged: 0,
    freeBytes: null,
    daysUntilFull: null,
  }
}

/** The readings that a removal takes away. */
function removedRange({ filters, mayRemove, from, to }: RemoveQuery): RangeQuery {
  const rights = mayRemove ? { mayRead: mayRemove } : {}
  return { filters, ...rights, from, to, order: 'asc', limit: Number.POSITIVE_INFINITY }
}

const bytesOf = (readings: readonly Reading[]): number =>
  readings.reduce((sum, { payload }) => sum + payload.length, 0)

async function* sampled(
  range: (query: RangeQuery) => AsyncIterable<Reading[]>,
  { pattern, ...query }: SamplesQuery,
): AsyncGenerator<SeriesSamples[]> {
  yield await samplesOf(range({ ...query, order: 'asc', limit: Number.POSITIVE_INFINITY }), pattern)
}

async function* stepped(
  range: (query: RangeQuery) => AsyncIterable<Reading[]>,
  { at, lookbackMs, over, ...query }: StepsQuery,
): AsyncGenerator<SeriesSteps[]> {
  const asked = { at, lookbackMs, ...(over ? { over } : {}) }
  const limit = Number.POSITIVE_INFINITY
  let looked = 0
  for await (const chunk of sampled(range, { ...query, ...samplesForSteps(asked), limit })) {
    looked += chunk.reduce((sum, { times }) => sum + times.length, 0)
    if (over && looked > over.samplesMax) throw tooManySamples(over.samplesMax)
    yield chunk.map((series) => ended(stepsOf(series, asked)))
  }
}

/** The readings an aggregate is made of. */
export function rangeOf({ filters, mayRead, edges, signal }: AggregateQuery): RangeQuery {
  return {
    filters,
    ...(mayRead ? { mayRead } : {}),
    from: edges[0] ?? 0,
    to: edges.at(-1) ?? 0,
    order: 'asc',
    limit: Number.POSITIVE_INFINITY,
    ...(signal ? { signal } : {}),
  }
}

function infoOf(topic: string, list: Reading[]): TopicInfo {
  const times = list.map(({ time }) => time).sort((a, b) => a - b)
  return {
    topic,
    readings: list.length,
    bytes: list.reduce((sum, { payload }) => sum + payload.length, 0),
    firstTime: times[0] ?? 0,
    lastTime: times.at(-1) ?? 0,
  }
}

function isInRange(reading: Reading, query: RangeQuery): boolean {
  const { time, seq } = reading
  if (time < query.from || time >= query.to || !isWanted(reading.topic, query.filters)) return false
  if (query.mayRead && !query.mayRead(reading.topic)) return false
  if (!query.after) return true
  const order = time - query.after.time || seq - query.after.seq
  return query.order === 'asc' ? order > 0 : order < 0
}

/** Whether a listing shows `topic`: wanted by the filters, allowed, holding the text, after the last one shown. */
export function isListed(topic: string, query: TopicsQuery): boolean {
  if (query.after !== undefined && topic <= query.after) return false
  if (query.contains !== undefined && !topic.toLowerCase().includes(query.contains.toLowerCase()))
    return false
  return isWanted(topic, query.filters) && (query.mayRead?.(topic) ?? true)
}

/** Whether any filter matches; none at all means every topic. */
export function isWanted(topic: string, filters: TopicFilters): boolean {
  return (
    filters.length === 0 ||
    filters.some((filter) => (hasWildcard(filter) ? matches(filter, topic) : filter === topic))
  )
}

/** The order of JavaScript's `<` on strings: the order of every topic listing. */
export function byCodeUnit(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function byTime(a: Reading, b: Reading): number {
  return a.time - b.time || a.seq - b.seq
}
