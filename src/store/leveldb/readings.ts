// Questions to the store: which topics, which of their rows, from memory and from blocks, and rows made into readings.

import { setImmediate as nextTurn } from 'node:timers/promises'
import { AppError } from '../../domain/errors.ts'
import type { Reading } from '../../domain/reading.ts'
import type {
  AggregateQuery,
  LatestQuery,
  RangeQuery,
  SamplesQuery,
  SeriesAggregate,
  SeriesSamples,
  SeriesSteps,
  StepsQuery,
  TopicInfo,
  TopicsQuery,
} from '../store.ts'
import { samplesForSteps, tooManySamples } from '../samples.ts'
import { parseFields } from './block/fields.ts'
import { ChunkSeries } from './chunkSeries.ts'
import type { Database } from './database.ts'
import { groupTopics } from './topics/groups.ts'
import { countRows, findRow, topicSet } from './hotTopics.ts'
import { pausing } from './pausing.ts'
import type { Keeper } from './keeper.ts'
import { topicKey } from './keys.ts'
import type { Loaded } from './load.ts'
import { NewestReadings } from './newest.ts'
import type { AggregateJob } from './scan/aggregates.ts'
import type { RowChunk } from './scan/chunk.ts'
import type { RangeJob } from './scan/jobs.ts'
import type { RawSeries, SampleChunk } from './scan/samplePacker.ts'
import type { SamplesJob } from './scan/samples.ts'
import { ScanNames } from './scanNames.ts'
import { hasNewer, type SelectQuery, selectTopics } from './selectTopics.ts'
import { decodeTopic, type StoredReading } from './topicRecord.ts'
import type { TopicCounts } from './topics/stats.ts'

/** A query over no more topics and rows than this is answered at once; others in a thread. */
const smallTopics = 64
const smallRows = 8192
const smallBlocks = 64

/** The main thread works this long before it lets others in. */
const turnMs = 4

/** Readings that are made of a chunk at a time. */
const batchRows = 512

/** Series that are made of a chunk before others are let in. */
const stepSeries = 128

/** Most readings have none of their own. */
const noFields = new Uint8Array(0)

interface Deps {
  loaded: Loaded
  keeper: Keeper
  db: () => Database
}

export class Readings {
  readonly #deps: Deps
  readonly #cold = new NewestReadings()
  readonly #series: ChunkSeries

  constructor(deps: Deps) {
    this.#deps = deps
    this.#series = new ChunkSeries(deps.loaded)
  }

  async latest(query: LatestQuery): Promise<Reading[]> {
    const { asOf } = query
    const ids = await this.#select(asOf === undefined ? query : { ...query, limit: Number.POSITIVE_INFINITY })
    const found: Reading[] = []
    let turn = performance.now()
    for (const id of ids) {
      if (found.length >= query.limit) break
      const reading = this.#newestUntil(id, asOf ?? Number.POSITIVE_INFINITY)
      if (reading) found.push(reading)
      if (performance.now() - turn < turnMs) continue
      await nextTurn()
      query.signal?.throwIfAborted()
      turn = performance.now()
    }
    return found
  }

  async *range(query: RangeQuery): AsyncGenerator<Reading[]> {
    const { from, to, order, limit, after, signal } = query
    const ids = await this.#every(query)
    const bounds = { from, to, order, limit, ...(after ? { after } : {}) }
    yield* this.#range(ids, bounds, signal)
  }

  async *since(seq: number): AsyncGenerator<Reading[]> {
    const { keeper } = this.#deps
    const isCold = await hasNewer(keeper.directory, seq)
    const { epochs } = keeper
    const job = { after: seq, limit: Number.POSITIVE_INFINITY }
    const names = new ScanNames(this.#deps.loaded)
    for await (const chunk of keeper.blocks.scans.rows(
      { method: 'since', job },
      { epochs, isSmall: !isCold },
    )) {
      yield* this.#readings(chunk, names)
    }
  }

  async *aggregate(query: AggregateQuery): AsyncGenerator<SeriesAggregate[]> {
    const { keeper } = this.#deps
    const { fields, edges, quantiles, columns, groupOf, signal } = query
    const all = await this.#every(query)
    const { ids, groups, groupNumbers } = await groupTopics(this.#deps.loaded.names, all, groupOf)
    const { epochs } = keeper
    const job: AggregateJob = {
      topics: topicSet(epochs, ids),
      groups,
      groupOf: groupNumbers,
      fields,
      edges,
      quantiles,
      columns,
    }
    const isSmall = ids.length <= smallTopics && this.#blocksOf(ids, edges[0]!, edges.at(-1)!) <= smallBlocks
    for await (const chunk of keeper.blocks.scans.aggregate(job, { epochs, isSmall, signal })) {
      signal?.throwIfAborted()
      yield chunk
    }
  }

  samples(query: SamplesQuery): AsyncGenerator<SeriesSamples[]> {
    return this.#samples({ ...query, steps: null }, (chunk, series) => this.#series.samples(chunk, series))
  }

  steps(query: StepsQuery): AsyncGenerator<SeriesSteps[]> {
    const { at, lookbackMs, over } = query
    const steps = { at, lookbackMs, ...(over ? { over } : {}) }
    // Who asks counts the newest that come: an answer that ended before would look whole.
    const limit = over?.samplesMax ?? Number.POSITIVE_INFINITY
    return this.#samples({ ...query, ...samplesForSteps(steps), steps, limit }, (chunk, series) =>
      this.#series.steps(chunk, series, steps),
    )
  }

  async *#samples<T extends { topic: string }>(
    query: SamplesQuery & Pick<SamplesJob, 'steps'>,
    of: (chunk: SampleChunk, series: RawSeries) => Generator<null, T[]>,
  ): AsyncGenerator<T[]> {
    const { keeper } = this.#deps
    const { pattern, from, to, newestAt = null, steps, limit, signal } = query
    const ids = await this.#every(query)
    const { epochs } = keeper
    const topics = topicSet(epochs, ids)
    const job: SamplesJob = { topics, pattern, from, to, newestAt, steps, limit }
    const isSmall = this.#isSmall(ids, { from, to, order: 'asc', limit: Number.POSITIVE_INFINITY })
    let looked = 0
    const pause = pausing()
    const unpack = async (chunk: SampleChunk): Promise<T[]> => {
      looked += chunk.looked
      if (steps && looked > limit) throw tooManySamples(limit)
      const found: T[] = []
      for (const series of chunk.series) {
        const work = of(chunk, series)
        let step = work.next()
        for (; !step.done; step = work.next()) {
          await pause()
          signal?.throwIfAborted()
        }
        for (const one of step.value) found.push(one)
        if (found.length % stepSeries !== 0) continue
        await pause()
        signal?.throwIfAborted()
      }
      return found
    }
    for await (const chunk of keeper.blocks.scans.samples(job, unpack, { epochs, isSmall, signal })) {
      signal?.throwIfAborted()
      yield chunk
    }
  }

  #blocksOf(ids: Uint32Array, from: number, to: number): number {
    const { directory } = this.#deps.keeper
    return ids.reduce((sum, id) => sum + directory.between(id, from, to).length, 0)
  }

  async topics(query: TopicsQuery): Promise<TopicInfo[]> {
    const { names, stats } = this.#deps.loaded
    const pause = pausing()
    const infos: TopicInfo[] = []
    for (const id of await this.#select(query)) {
      infos.push(infoOf(names.nameOf(id), stats.info(id)))
      if (infos.length % 512 !== 0) continue
      await pause()
      query.signal?.throwIfAborted()
    }
    return infos
  }

  #select(query: SelectQuery): Promise<Uint32Array> {
    return selectTopics(this.#deps.loaded, query)
  }

  #every({
    filters,
    mayRead,
    signal,
  }: Pick<SelectQuery, 'filters' | 'mayRead' | 'signal'>): Promise<Uint32Array> {
    return this.#select({ filters, signal, ...(mayRead ? { mayRead } : {}) })
  }

  async *#range(
    ids: Uint32Array,
    bounds: Omit<RangeJob, 'topics'>,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<Reading[]> {
    const { keeper } = this.#deps
    const { epochs } = keeper
    const job: RangeJob = { ...bounds, topics: topicSet(epochs, ids) }
    const scan = { method: 'range', job } as const
    const isSmall = this.#isSmall(ids, bounds)
    const names = new ScanNames(this.#deps.loaded)
    for await (const chunk of keeper.blocks.scans.rows(scan, { epochs, isSmall, signal })) {
      signal?.throwIfAborted()
      yield* this.#readings(chunk, names)
    }
  }

  #isSmall(ids: Uint32Array, { from, to, limit }: Omit<RangeJob, 'topics'>): boolean {
    if (ids.length > smallTopics) return false
    if (limit <= smallRows) return true
    const { directory, epochs } = this.#deps.keeper
    let rows = countRows(epochs, ids, smallRows)
    for (const id of ids) for (const { count } of directory.between(id, from, to)) rows += count
    return rows <= smallRows
  }

  /** The newest reading: in memory, or in the topic's record. */
  #newest(id: number): Reading | null {
    const { loaded, keeper, db } = this.#deps
    const seq = loaded.stats.newestSeq(id)
    const row = findRow(keeper.epochs, id, seq)
    const { names } = loaded
    if (row) return this.#reading(names.nameOf(id), row.time, seq, copied(row))
    const { directory } = keeper
    const known = this.#cold.get(id, seq, directory)
    if (known) return known
    const topic = decodeTopic(db().getSync(topicKey(id)))
    if (!topic?.newest || topic.newestSeq !== seq) return null
    const reading = this.#reading(names.nameOf(id), topic.lastTime, seq, topic.newest)
    this.#cold.keep(id, reading)
    return reading
  }

  /** The newest reading of a time up to `asOf`: mostly that is the newest of all, or there is none. */
  #newestUntil(id: number, asOf: number): Reading | null {
    const { loaded, keeper } = this.#deps
    const { readings, firstTime, lastTime } = loaded.stats.info(id)
    if (readings === 0 || firstTime > asOf) return null
    const newest = lastTime <= asOf ? this.#newest(id) : null
    if (newest) return newest
    const { epochs, blocks } = keeper
    const topics = topicSet(epochs, Uint32Array.of(id))
    const chunk = blocks.scans.rowBefore(asOf + 1, topics, epochs)
    if (chunk === null) return null
    for (const [reading] of this.#readings(chunk, new ScanNames(loaded))) return reading ?? null
    return null
  }

  /** A few hundred at a time: who lets go of them soon leaves little to V8's old generation. */
  *#readings(chunk: RowChunk, names: ScanNames): Generator<Reading[]> {
    const { count, topics, times, seqs, receivedAt, captures, bytes, fieldsEnds, payloadEnds } = chunk
    const all = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    let at = 0
    for (let from = 0; from < count; from += batchRows) {
      const readings: Reading[] = []
      const to = Math.min(count, from + batchRows)
      for (let i = from; i < to; i++) {
        const fields = fieldsEnds[i] === at ? noFields : all.subarray(at, fieldsEnds[i])
        const payload = all.subarray(fieldsEnds[i], payloadEnds[i])
        at = payloadEnds[i]!
        const row = { receivedAt: receivedAt[i]!, captureId: captures[i]!, fields, payload }
        readings.push(this.#reading(names.of(topics[i]!), times[i]!, seqs[i]!, row))
      }
      yield readings
    }
  }

  #reading(topic: string, time: number, seq: number, row: StoredReading): Reading {
    const { captures } = this.#deps.loaded
    const capture = captures.get(row.captureId)
    if (!capture)
      throw new AppError(
        'store_corrupt',
        `the capture data (${row.captureId}) of reading ${seq} ("${topic}") is damaged`,
      )
    const { receivedAt, payload } = row
    const { source, clientId, user, qos, retain, dup, properties, cleaned } = capture
    const fields = parseFields(row.fields)
    // Written out: a spread costs more than all else here, and exports make millions of them.
    const reading: Reading = {
      topic,
      time,
      receivedAt,
      source,
      clientId,
      user,
      qos,
      retain,
      dup,
      properties,
      payload,
      fields,
      seq,
    }
    if (cleaned) reading.cleaned = cleaned
    return reading
  }
}

/** Memory of an epoch is shared with threads, which not everything that takes bytes allows. */
function copied<T extends StoredReading>(row: T): T {
  return { ...row, fields: Buffer.from(row.fields), payload: Buffer.from(row.payload) }
}

function infoOf(topic: string, { readings, bytes, firstTime, lastTime }: TopicCounts): TopicInfo {
  return { topic, readings, bytes, firstTime, lastTime }
}
