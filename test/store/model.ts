// The model test, run on every engine that lasts: random appends, late readings, rolls, reopenings and crashes, between random
// questions, whose answers must be those of the reference engine.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Fields, Reading } from '../../src/domain/reading.ts'
import { createMemoryStore } from '../../src/store/memory.ts'
import type { LatestQuery, RangeQuery, ReadingStore } from '../../src/store/store.ts'
import { append, collect, collectSeries } from './reading.ts'
import { differences } from './faults/verifier.ts'

export interface ModelEngine {
  open(): Promise<ReadingStore>
  /** Forces what is hot into blocks. */
  settle(store: ReadingStore): Promise<void>
  /** The store as kill -9 would leave it, opened again. */
  crash(store: ReadingStore): Promise<ReadingStore>
  remove(): Promise<void>
}

interface Pair {
  engine: ModelEngine
  store: ReadingStore
  model: ReadingStore
}

type Step = (pair: Pair) => Promise<void>

const topics = ['a', 'a/b', 'a/c', 'b', 'b/c', '$x/c']
const filters = fc.constantFrom([], ['#'], ['a/#'], ['+/c'], ['a', 'b'], ['$x/#'], ['none/+'])
const order = fc.constantFrom('asc' as const, 'desc' as const)
const time = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 0, max: 120 }) },
  { weight: 1, arbitrary: fc.integer({ min: -10, max: 1_700_000_000_000 }) },
)

const decimal = fc.integer({ min: -999, max: 9999 }).map((mantissa) => mantissa / 10)
const payload = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.tuple(decimal, decimal).map(([t, h]) => `{"temperature":${t},"humidity":${h}}`),
  },
  { weight: 2, arbitrary: fc.json() },
  { weight: 1, arbitrary: fc.string({ unit: 'binary' }) },
  { weight: 1, arbitrary: decimal.map(String) },
)
const fields = fc.option(
  fc
    .dictionary(fc.string({ minLength: 1, maxLength: 6 }), fc.oneof(decimal, fc.boolean(), fc.string()))
    .map((values) => Object.assign(Object.create(null) as Fields, values)),
  { freq: 8 },
)
const given = fc.record({
  topic: fc.constantFrom(...topics),
  time,
  payload: payload.map((text) => Buffer.from(text)),
  fields,
  clientId: fc.constantFrom('c1', 'c2'),
  retain: fc.boolean(),
})

const appends: fc.Arbitrary<Step> = fc
  .array(given, { minLength: 1, maxLength: 40 })
  .map((readings) => async ({ store, model }) => {
    const seqs = await Promise.all(readings.map((reading) => append(store, reading)))
    expect(seqs).toEqual(await Promise.all(readings.map((reading) => append(model, reading))))
  })

/** Many of one topic, so that blocks fill and split. */
const manyAppends: fc.Arbitrary<Step> = fc
  .record({
    first: fc.integer({ min: 0, max: 5000 }),
    count: fc.integer({ min: 1, max: 1500 }),
    stepMs: fc.integer({ min: -3, max: 3 }),
  })
  .map(({ first, count, stepMs }) => async ({ store, model }) => {
    const readings = Array.from({ length: count }, (_, i) => ({
      topic: 'a/b',
      time: first + i * stepMs,
      payload: Buffer.from(`{"temperature":${(first + ((i * 7) % 13)) / 10},"humidity":${i % 9}}`),
    }))
    await Promise.all([store, model].flatMap((each) => readings.map((reading) => append(each, reading))))
  })

const settle: Step = ({ engine, store }) => engine.settle(store)

const reopen: Step = async (pair) => {
  await pair.store.close()
  pair.store = await pair.engine.open()
}

const crash: Step = async (pair) => {
  pair.store = await pair.engine.crash(pair.store)
}

const ranges: fc.Arbitrary<Step> = fc
  .record({ filters, order, from: time, to: time, limit: fc.integer({ min: 1, max: 700 }) })
  .map((query) => async ({ store, model }) => {
    let after: Reading | undefined
    for (;;) {
      const ask: Partial<RangeQuery> = { ...query, ...(after ? { after } : {}) }
      const page = await collect(store, ask)
      expect(page.map(plain)).toEqual((await collect(model, ask)).map(plain))
      after = page.at(-1)
      if (page.length < query.limit) break
    }
  })

const listings: fc.Arbitrary<Step> = fc
  .record({
    filters,
    limit: fc.integer({ min: 1, max: 8 }),
    after: fc.option(fc.constantFrom(...topics), { nil: undefined }),
    asOf: fc.option(time, { nil: undefined }),
    contains: fc.option(fc.constantFrom('A', 'c', '/'), { nil: undefined }),
  })
  .map(({ asOf, after, contains, ...rest }) => async ({ store, model }) => {
    const query: LatestQuery = {
      ...rest,
      ...(after === undefined ? {} : { after }),
      ...(contains === undefined ? {} : { contains }),
    }
    expect(await store.topics(query)).toEqual(await model.topics(query))
    const latest: LatestQuery = { ...query, ...(asOf === undefined ? {} : { asOf }) }
    expect((await store.latest(latest)).map(plain)).toEqual((await model.latest(latest)).map(plain))
  })

const sinces: fc.Arbitrary<Step> = fc.integer({ min: 0, max: 400 }).map((seq) => async ({ store, model }) => {
  const seqsOf = async (each: ReadingStore): Promise<number[]> => {
    const seqs: number[] = []
    for await (const chunk of each.since(seq)) seqs.push(...chunk.map((reading) => reading.seq))
    return seqs
  }
  expect(await seqsOf(store)).toEqual(await seqsOf(model))
})

const aggregates: fc.Arbitrary<Step> = fc
  .record({
    filters,
    fields: fc.constantFrom([], ['temperature'], ['value', 'humidity']),
    edges: fc.uniqueArray(time, { minLength: 2, maxLength: 12 }),
    quantiles: fc.constantFrom([], [0.5, 0.99]),
    isGrouped: fc.boolean(),
  })
  .map(({ edges, isGrouped, ...rest }) => async ({ store, model }) => {
    const query = {
      ...rest,
      edges: Float64Array.from(edges).sort(),
      ...(isGrouped
        ? { groupOf: (topic: string) => (topic === 'a' ? null : (topic.split('/')[0] ?? '')) }
        : {}),
    }
    expect(differences(await collectSeries(store, query), await collectSeries(model, query))).toEqual([])
  })

const steps = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: appends },
    { weight: 2, arbitrary: manyAppends },
    { weight: 3, arbitrary: fc.constant(settle) },
    { weight: 1, arbitrary: fc.constant(reopen) },
    { weight: 2, arbitrary: fc.constant(crash) },
    { weight: 4, arbitrary: ranges },
    { weight: 2, arbitrary: listings },
    { weight: 1, arbitrary: sinces },
    { weight: 4, arbitrary: aggregates },
  ),
  { maxLength: 40 },
)

/** Field objects without their prototype, payloads as text. */
function plain({ payload: bytes, fields: found, ...rest }: Reading): object {
  return { ...rest, payload: Buffer.from(bytes).toString('latin1'), fields: found && { ...found } }
}

export function describeModel(name: string, makeEngine: () => ModelEngine, numRuns: number): void {
  test(`whatever happens, the ${name} engine answers as the reference engine does`, {
    timeout: 300_000,
  }, async () => {
    await fc.assert(stepsAgree(makeEngine), { numRuns })
  })
}

/** The property: after any steps, every answer and everything stored is the same. */
export function stepsAgree(makeEngine: () => ModelEngine): fc.IAsyncPropertyWithHooks<[Step[]]> {
  return fc.asyncProperty(steps, async (run) => {
    const engine = makeEngine()
    const pair: Pair = { engine, store: await engine.open(), model: createMemoryStore() }
    try {
      for (const step of run) await step(pair)
      for (const last of [crash, settle]) {
        await last(pair)
        expect((await collect(pair.store)).map(plain)).toEqual((await collect(pair.model)).map(plain))
      }
      expect(pair.store.status.readings).toBe(pair.model.status.readings)
    } finally {
      await pair.store.close()
      await engine.remove()
    }
  })
}
