// Compares what a store serves with what was appended and acknowledged, over every question of the seam, and says in words
// what is wrong: a reading lost, doubled, altered or out of order, or answers that contradict each other.

import { isDeepStrictEqual } from 'node:util'
import type { Reading } from '../../../src/domain/reading.ts'
import { aggregateReadings } from '../../../src/store/aggregate.ts'
import type { ReadingStore, SeriesAggregate, TopicInfo } from '../../../src/store/store.ts'
import { collect, collectSeries } from '../reading.ts'
import { numbered, numberOf, type Pattern } from './numbered.ts'

export interface Expected {
  pattern: Pattern
  /** Each acknowledged reading and its number. */
  acknowledged: ReadonlyMap<number, number>
  /** Readings from here on were never appended. */
  end: number
  /** Every reading of an earlier time was removed. */
  removedTo?: number
  /** Readings of an earlier time may be removed, or not yet. */
  removingTo?: number
}

const faultsMax = 20

/** What is wrong; nothing when all is well. */
export async function findFaults(store: ReadingStore, expected: Expected): Promise<string[]> {
  const found = await collect(store)
  const faults = [
    ...wrongReadings(found, expected),
    ...wrongOrder(found),
    ...(await contradictions(store, found)),
    ...(await wrongAggregates(store, found)),
  ]
  return faults.length > faultsMax
    ? [...faults.slice(0, faultsMax), `and ${faults.length - faultsMax} more`]
    : faults
}

/** Lost, doubled, altered, invented. */
export function* wrongReadings(found: readonly Reading[], expected: Expected): Generator<string> {
  const { pattern, acknowledged, end, removedTo = -Infinity, removingTo = removedTo } = expected
  const seen = new Set<number>()
  for (const reading of found) {
    const n = numberOf(reading)
    if (!Number.isInteger(n) || n < 0 || n >= end) {
      yield `reading ${n} was never appended`
      continue
    }
    if (seen.has(n)) yield `reading ${n} is there twice`
    seen.add(n)
    const seq = acknowledged.get(n) ?? reading.seq
    if (!isWhole(reading, { ...numbered(n, pattern), seq }))
      yield `reading ${n} is altered: ${JSON.stringify(reading).slice(0, 300)}`
    if (reading.time < removedTo) yield `reading ${n} was removed, and is there`
  }
  for (const n of acknowledged.keys())
    if (!seen.has(n) && numbered(n, pattern).time >= removingTo)
      yield `reading ${n} was acknowledged, and is lost`
}

/** Whether everything a reading carries is as it was given. */
function isWhole(found: Reading, given: Reading): boolean {
  const { payload, fields, properties, ...rest } = given
  if (Buffer.compare(found.payload, payload) !== 0) return false
  if (Object.entries(rest).some(([name, value]) => found[name as keyof typeof rest] !== value)) return false
  if (Object.keys(found).length !== Object.keys(given).length) return false
  const isSame = (a: object | null, b: object | null): boolean =>
    a === b || (a !== null && b !== null && isDeepStrictEqual({ ...a }, { ...b }))
  return isSame(found.fields, fields) && isSame(found.properties, properties)
}

/** Without prototypes, so that a field object equals one made here. */
function plain({ fields, payload, ...rest }: Reading): object {
  return { ...rest, fields: fields && { ...fields }, payload: Buffer.from(payload).toString('base64') }
}

function* wrongOrder(found: readonly Reading[]): Generator<string> {
  for (const [i, { time, seq }] of found.entries()) {
    const before = found[i - 1]
    if (before && (time - before.time || seq - before.seq) <= 0)
      yield `(${time}, ${seq}) comes after (${before.time}, ${before.seq})`
  }
  const bySeq = found.toSorted((a, b) => a.seq - b.seq)
  for (const [i, reading] of bySeq.entries()) {
    const before = bySeq[i - 1]
    if (before && numberOf(before) >= numberOf(reading))
      yield `reading ${numberOf(reading)} was appended first, and has a later number than ${numberOf(before)}`
  }
}

/** Every other question must answer what the range holds. */
async function contradictions(store: ReadingStore, found: readonly Reading[]): Promise<string[]> {
  const faults: string[] = []
  const compare = (what: string, got: unknown, wanted: unknown): void => {
    if (!isDeepStrictEqual(got, wanted))
      faults.push(
        `${what}: ${JSON.stringify(got).slice(0, 400)} instead of ${JSON.stringify(wanted).slice(0, 400)}`,
      )
  }
  const seqs = (readings: readonly Reading[]): number[] => readings.map(({ seq }) => seq)
  compare('newest first', seqs(await collect(store, { order: 'desc' })), seqs(found).reverse())
  const since: number[] = []
  for await (const chunk of store.since(0)) since.push(...seqs(chunk))
  compare(
    'since 0',
    since,
    seqs(found).sort((a, b) => a - b),
  )
  const topics = byTopic(found)
  const names = [...topics.keys()].sort()
  const all = { filters: [], limit: 1e9 }
  compare(
    'latest',
    (await store.latest(all)).map(plain),
    names.map((name) => plain(topics.get(name)!.at(-1)!)),
  )
  const infos = names.map((name) => infoOf(name, topics.get(name)!))
  compare('topics', await store.topics(all), infos)
  compare('status.readings', store.status.readings, found.length)
  for (const name of names.slice(0, 3))
    compare(`range of ${name}`, seqs(await collect(store, { filters: [name] })), seqs(topics.get(name)!))
  return faults
}

function byTopic(readings: readonly Reading[]): Map<string, Reading[]> {
  const topics = new Map<string, Reading[]>()
  for (const reading of readings) {
    const list = topics.get(reading.topic)
    if (list) list.push(reading)
    else topics.set(reading.topic, [reading])
  }
  return topics
}

function infoOf(topic: string, readings: readonly Reading[]): TopicInfo {
  return {
    topic,
    readings: readings.length,
    bytes: readings.reduce((sum, { payload }) => sum + payload.length, 0),
    firstTime: readings[0]!.time,
    lastTime: readings.at(-1)!.time,
  }
}

async function wrongAggregates(store: ReadingStore, found: readonly Reading[]): Promise<string[]> {
  const [first, last] = [found[0], found.at(-1)]
  if (!first || !last) return []
  const bucketMs = Math.max(1, Math.ceil((last.time + 1 - first.time) / 17))
  const edges = Float64Array.from({ length: 18 }, (_, k) => first.time + k * bucketMs)
  const filters = [...byTopic(found).keys()].slice(-2)
  const query = { filters, fields: ['temperature', 'n'], edges, quantiles: [0.5] }
  async function* once(): AsyncGenerator<Reading[]> {
    yield found.filter(({ topic }) => filters.includes(topic))
  }
  const wanted: SeriesAggregate[] = []
  for await (const chunk of aggregateReadings(once(), query)) wanted.push(...chunk)
  return differences(await collectSeries(store, query), wanted)
}

/** Where two answers differ by more than what the order of additions can make. */
export function differences(got: readonly SeriesAggregate[], wanted: readonly SeriesAggregate[]): string[] {
  const names = (series: readonly SeriesAggregate[]): string =>
    series.map(({ group, field }) => `${group} ${field}`).join()
  if (names(got) !== names(wanted)) return [`series ${names(got)} instead of ${names(wanted)}`]
  const faults: string[] = []
  for (const [i, one] of wanted.entries()) {
    const other = got[i]!
    const figures = (series: SeriesAggregate): [string, ArrayLike<number>][] => [
      ...(['buckets', 'counts', 'sums', 'm2s', 'mins', 'maxs', 'firsts', 'lasts'] as const).map(
        (name): [string, ArrayLike<number>] => [name, series[name]],
      ),
      ...series.quantiles.map((values, k): [string, ArrayLike<number>] => [`quantile ${k}`, values]),
    ]
    const others = new Map(figures(other))
    for (const [name, values] of figures(one)) {
      const size = Math.max(...Array.from(values, Math.abs), 1) * (name === 'm2s' ? 1e-6 : 1e-9)
      const theirs = others.get(name)!
      const isSame =
        theirs.length === values.length &&
        Array.from(values).every((value, at) => Math.abs(value - theirs[at]!) <= size)
      if (!isSame)
        faults.push(
          `${name} of ${one.group} ${one.field}: [${Array.from(theirs).join()}] instead of [${Array.from(values).join()}]`,
        )
    }
  }
  return faults
}
