// Readings for the store tests.

import { samplesOf } from '../../src/store/samples.ts'
import type { NewReading, Reading } from '../../src/domain/reading.ts'
import type {
  AggregateQuery,
  AppendOptions,
  RangeQuery,
  ReadingStore,
  SamplesQuery,
  SeriesAggregate,
  SeriesSamples,
  SeriesSteps,
  StepsQuery,
} from '../../src/store/store.ts'

export function reading(over: Partial<NewReading> & { topic: string }): NewReading {
  const time = over.time ?? 1_000
  return {
    time,
    receivedAt: time,
    source: 'mqtt',
    clientId: 'device',
    user: 'tester',
    qos: 1,
    retain: false,
    dup: false,
    properties: null,
    payload: Buffer.from('1'),
    fields: null,
    ...over,
  }
}

/** Appends and waits; the number given. */
export function append(
  store: ReadingStore,
  over: Partial<NewReading> & { topic: string },
  options: Partial<AppendOptions> = {},
): Promise<number> {
  return new Promise((resolve, reject) => {
    store.append(reading(over), { awaited: true, ...options }, (error, seq) =>
      error ? reject(error) : resolve(seq),
    )
  })
}

/** Everything a range query finds, all chunks together. */
export async function collect(store: ReadingStore, query: Partial<RangeQuery> = {}): Promise<Reading[]> {
  const found: Reading[] = []
  const whole: RangeQuery = {
    filters: [],
    from: Number.MIN_SAFE_INTEGER,
    to: Number.MAX_SAFE_INTEGER,
    order: 'asc',
    limit: 1e9,
    ...query,
  }
  for await (const chunk of store.range(whole)) found.push(...chunk)
  return found
}

/** Every series an aggregate finds, all chunks together. */
export async function collectSeries(store: ReadingStore, query: AggregateQuery): Promise<SeriesAggregate[]> {
  const found: SeriesAggregate[] = []
  for await (const chunk of store.aggregate(query)) found.push(...chunk)
  return found
}

/** A series with plain arrays, for comparing. */
export function plain(series: SeriesAggregate | undefined): object {
  if (!series) return {}
  const { group, field, buckets, quantiles } = series
  const figures = (['counts', 'sums', 'm2s', 'mins', 'maxs', 'firsts', 'lasts'] as const).map((name) => [
    name,
    [...series[name]],
  ])
  return {
    group,
    field,
    buckets: [...buckets],
    ...(Object.fromEntries(figures) as object),
    quantiles: quantiles.map((each) => [...each]),
  }
}

const allSamples = { filters: [], pattern: null, from: 0, to: 1e9, limit: 1e9 }

/** Every series of samples, with plain arrays, by topic, field and tags. */
export async function collectSamples(store: ReadingStore, query: Partial<SamplesQuery>) {
  const found: SeriesSamples[] = []
  for await (const chunk of store.samples({ ...allSamples, ...query })) found.push(...chunk)
  return inOrder(found)
}

/** The same, worked out from the readings. */
export async function expectedSamples(store: ReadingStore, query: Partial<SamplesQuery> = {}) {
  const { pattern, ...range } = { ...allSamples, ...query }
  return inOrder(await samplesOf(store.range({ ...range, order: 'asc' }), pattern))
}

/** Every series of steps, with plain arrays, by topic, field and tags. */
export async function collectSteps(
  store: ReadingStore,
  query: Pick<StepsQuery, 'at' | 'lookbackMs'> & Partial<StepsQuery>,
) {
  const found: SeriesSteps[] = []
  for await (const chunk of store.steps({ filters: [], pattern: null, ...query })) found.push(...chunk)
  const all = inOrder(found.map((series) => ({ ...series, times: new Float64Array(0) })))
  return all.map(({ times: _none, ...series }) => series)
}

function inOrder(series: readonly SeriesSamples[]) {
  const keyOf = ({ topic, field, tags }: { topic: string; field: string; tags?: unknown }): string =>
    JSON.stringify([topic, field, tags])
  return series
    .map(({ tags, times, values, ...rest }) => ({
      ...rest,
      ...(tags === undefined ? {} : { tags }),
      times: [...times],
      values: [...values],
    }))
    .sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1))
}
