// The full promise of a ReadingStore, run on every engine.

import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { matches } from '../../src/domain/topic.ts'
import type { Reading } from '../../src/domain/reading.ts'
import { aggregateReadings } from '../../src/store/aggregate.ts'
import type {
  AggregateColumn,
  ReadingStore,
  RemakePosition,
  RemakeStep,
  SeriesAggregate,
} from '../../src/store/store.ts'
import {
  append,
  collect,
  collectSamples,
  collectSeries,
  collectSteps,
  expectedSamples,
  plain,
  reading,
} from './reading.ts'
import { doubled, doubling } from './rowMaker.ts'

export interface Engine {
  open(): Promise<ReadingStore>
  /** Forces what is hot into blocks, when the engine has such a thing. */
  settle(store: ReadingStore): Promise<void>
  remove(): Promise<void>
}

// oxlint-disable-next-line typescript/require-await
async function* given(readings: Reading[]): AsyncGenerator<Reading[]> {
  yield readings
}

/** What a series says in some columns; sums are of whole and half numbers, and exact. */
function withColumns(series: SeriesAggregate, columns?: readonly AggregateColumn[]): unknown {
  const { group, field, buckets, counts, quantiles } = series
  const some = (columns ?? (['sums', 'mins', 'maxs', 'firsts', 'lasts'] as const)).map((name) => [
    ...series[name],
  ])
  return {
    group,
    field,
    buckets: [...buckets],
    counts: [...counts],
    quantiles: quantiles.map((q) => [...q]),
    some,
  }
}

export function describeStore(name: string, makeEngine: () => Engine): void {
  describe(`the ${name} engine`, () => {
    let engine: Engine
    let store: ReadingStore
    beforeEach(async () => {
      engine = makeEngine()
      store = await engine.open()
    })
    afterEach(async () => {
      await store.close()
      await engine.remove()
    })

    test('an acknowledged reading is in the next read, with everything it carried', async () => {
      const properties = {
        contentType: 'application/json',
        responseTopic: 'answers/1',
        correlationData: Buffer.from([0, 255]),
        messageExpiryInterval: 60,
        payloadFormatIndicator: true,
        userProperties: [
          ['a', '1'],
          ['a', '2'],
        ] as const,
      }
      const given = reading({
        topic: 'a/b',
        time: 5,
        receivedAt: 7,
        qos: 2,
        retain: true,
        dup: true,
        properties,
        fields: { t: 1.5, n: 2n ** 60n, ok: true, s: 'x', __proto__x: 1 },
        payload: Buffer.from([0, 1, 254]),
        cleaned: { rules: 'a1', tags: { room: 'attic' }, marks: ['mended'], record: 0 },
      })
      const seq = await append(store, given)
      const [found] = await collect(store)
      expect(found).toEqual({ ...given, seq, fields: expect.objectContaining({ ...given.fields }) })
      expect(await store.latest({ filters: ['a/b'], limit: 1 })).toEqual([found])
    })

    test('numbers grow by one, in the order of arrival', async () => {
      const seqs = await Promise.all(
        Array.from({ length: 50 }, (_, i) => append(store, { topic: `t/${i % 3}` })),
      )
      expect(seqs).toEqual(seqs.map((_, i) => (seqs[0] ?? 0) + i))
    })

    test('the payload is copied: the caller may use its buffer again', async () => {
      const payload = Buffer.from('before')
      const done = append(store, { topic: 'a', payload })
      payload.fill(120)
      await done
      expect(String((await collect(store))[0]?.payload)).toBe('before')
    })

    test('two readings in one millisecond are both kept, in order', async () => {
      await append(store, { topic: 'a', time: 9, payload: Buffer.from('first') })
      await append(store, { topic: 'a', time: 9, payload: Buffer.from('second') })
      await engine.settle(store)
      expect((await collect(store)).map(({ payload }) => String(payload))).toEqual(['first', 'second'])
      expect(String((await store.latest({ filters: [], limit: 10 }))[0]?.payload)).toBe('second')
    })

    test('late readings stand where their time says, and the newest stays the newest', async () => {
      for (const time of [10, 30, 20]) await append(store, { topic: 'a', time })
      await engine.settle(store)
      for (const time of [25, 5, 40]) await append(store, { topic: 'a', time })
      expect((await collect(store)).map(({ time }) => time)).toEqual([5, 10, 20, 25, 30, 40])
      await engine.settle(store)
      expect((await collect(store, { order: 'desc' })).map(({ time }) => time)).toEqual([
        40, 30, 25, 20, 10, 5,
      ])
      expect((await store.latest({ filters: [], limit: 1 }))[0]?.time).toBe(40)
    })

    test('a range includes its start and leaves out its end', async () => {
      for (const time of [1, 2, 3]) await append(store, { topic: 'a', time })
      expect((await collect(store, { from: 1, to: 3 })).map(({ time }) => time)).toEqual([1, 2])
    })

    test('topics are counted, filtered, searched and paged in code-unit order', async () => {
      for (const topic of ['b/x', 'a/x', 'a/y', 'Z', '$own'])
        await append(store, { topic, payload: Buffer.from('four') })
      await append(store, { topic: 'a/x', time: 2000 })
      const names = async (query: object): Promise<string[]> =>
        (await store.topics({ filters: [], limit: 100, ...query })).map(({ topic }) => topic)
      expect(await names({})).toEqual(['$own', 'Z', 'a/x', 'a/y', 'b/x'])
      expect(await names({ filters: ['+/x'] })).toEqual(['a/x', 'b/x'])
      expect(await names({ filters: ['#'] })).toEqual(['Z', 'a/x', 'a/y', 'b/x'])
      expect(await names({ filters: ['a/y', 'a/x', 'none'] })).toEqual(['a/x', 'a/y'])
      expect(await names({ contains: 'z' })).toEqual(['Z'])
      expect(await names({ limit: 2, after: 'Z' })).toEqual(['a/x', 'a/y'])
      expect(await names({ mayRead: (topic: string) => topic !== 'a/x' })).not.toContain('a/x')
      expect((await store.topics({ filters: ['a/x'], limit: 1 }))[0]).toEqual({
        topic: 'a/x',
        readings: 2,
        bytes: 5,
        firstTime: 1000,
        lastTime: 2000,
      })
    })

    test('everything is there after closing and opening again', async () => {
      for (let i = 0; i < 20; i++)
        await append(store, { topic: `t/${i % 4}`, time: 100 - i, payload: Buffer.from(`p${i}`) })
      await engine.settle(store)
      for (let i = 20; i < 30; i++)
        await append(store, { topic: `t/${i % 4}`, time: 100 - i, payload: Buffer.from(`p${i}`) })
      const before = [
        await collect(store),
        await store.topics({ filters: [], limit: 9 }),
        await store.latest({ filters: [], limit: 9 }),
      ]
      if (store.status.engine === 'memory') return
      await store.close()
      store = await engine.open()
      expect([
        await collect(store),
        await store.topics({ filters: [], limit: 9 }),
        await store.latest({ filters: [], limit: 9 }),
      ]).toEqual(before)
      const newest = store.status.lastSeq
      expect(newest).toBe(Math.max(...before[0]!.map((one) => (one as Reading).seq)))
      expect(await append(store, { topic: 'next', time: 0 })).toBe(newest + 1)
    })

    test('a projection gets exactly what it has missed, by number, from the log and from blocks', async () => {
      const given: number[] = []
      for (let i = 0; i < 2500; i++) given.push(await append(store, { topic: `t/${i % 7}`, time: 5000 - i }))
      await engine.settle(store)
      for (let i = 0; i < 20; i++) given.push(await append(store, { topic: `t/${i % 7}`, time: i }))
      const seqs: number[] = []
      for await (const chunk of store.since(given[99]!)) seqs.push(...chunk.map(({ seq }) => seq))
      expect(seqs).toEqual(given.slice(100))
      for await (const chunk of store.since(given.at(-1)!)) expect(chunk).toEqual([])
    })

    test('numbers follow the clock and rise whatever it does', async () => {
      const clocks = [10, 10, 12, 11, 12, 2 ** 42, 12, 2 ** 42 - 1, 13]
      const seqs: number[] = []
      for (const receivedAt of clocks) seqs.push(await append(store, { topic: 'a', receivedAt, time: 1 }))
      const last = (2 ** 42 - 1) * 1024
      expect(seqs).toEqual([10_240, 10_241, 12_288, 12_289, 12_290, 12_291, 12_292, last, last + 1])
      await engine.settle(store)
      expect((await collect(store)).map(({ seq }) => seq)).toEqual(seqs)
    })

    test('a receipt lasts with its reading until it is settled', async () => {
      await append(store, { topic: 'a' }, { receipt: 'client/7' })
      await append(store, { topic: 'a' }, { receipt: 'other/7' })
      expect(store.receipts.has('client/7')).toBe(true)
      expect(store.receipts.list('client/')).toEqual(['client/7'])
      await new Promise<void>((resolve, reject) => {
        store.receipts.settle('client/7', (error) => (error ? reject(error) : resolve()))
      })
      expect(store.receipts.has('client/7')).toBe(false)
      if (store.status.engine === 'memory') return
      await store.close()
      store = await engine.open()
      expect([store.receipts.has('client/7'), store.receipts.has('other/7')]).toEqual([false, true])
    })

    test('after close an append is refused with shutting_down', async () => {
      await store.close()
      await expect(append(store, { topic: 'a' })).rejects.toMatchObject({ code: 'shutting_down' })
    })

    test('aggregates count what lies in each bucket, by number, from fields or from the payload', async () => {
      await append(store, {
        topic: 'a',
        time: 10,
        payload: Buffer.from('{"t":1,"n":{"x":5},"s":"no","b":true}'),
      })
      await append(store, { topic: 'a', time: 19, payload: Buffer.from('{"t":4}') })
      await append(store, { topic: 'a', time: 15, payload: Buffer.from('{"t":2.5}') })
      await append(store, { topic: 'a', time: 20, payload: Buffer.from('{"t":9}') })
      await append(store, { topic: 'a', time: 30, payload: Buffer.from('{"t":100}') })
      await append(store, { topic: 'a', time: 21, payload: Buffer.from('ignored'), fields: { t: 11 } })
      await append(store, { topic: 'b', time: 12, payload: Buffer.from('7') })
      const ask = { filters: ['#'], fields: [], quantiles: [0.5], edges: Float64Array.of(10, 20, 30) }
      const check = async (): Promise<void> => {
        const found = await collectSeries(store, ask)
        expect(found.map(({ group, field }) => `${group} ${field}`)).toEqual(['a n.x', 'a t', 'b value'])
        expect(plain(found[1])).toEqual({
          group: 'a',
          field: 't',
          buckets: [0, 1],
          counts: [3, 2],
          sums: [7.5, 20],
          m2s: [4.5, 2],
          mins: [1, 9],
          maxs: [4, 11],
          firsts: [1, 9],
          lasts: [4, 11],
          quantiles: [[2.5, 10]],
        })
        expect(plain(found[2])).toMatchObject({ buckets: [0], counts: [1], sums: [7] })
      }
      await check()
      await engine.settle(store)
      await check()
    })

    test('aggregates count nothing of a payload with more leaves or levels than count', async () => {
      const list = (leaves: number): Buffer =>
        Buffer.from(JSON.stringify(Array.from({ length: leaves }, () => 1)))
      const deep = (levels: number): Buffer => Buffer.from(`${'['.repeat(levels)}1${']'.repeat(levels)}`)
      for (const [topic, payload] of Object.entries({
        most: list(65_536),
        more: list(65_537),
        deepest: deep(1024),
        deeper: deep(1025),
      })) {
        await append(store, { topic, time: 1, payload })
      }
      const ask = { filters: ['#'], fields: [], quantiles: [], edges: Float64Array.of(0, 10) }
      const check = async (): Promise<void> => {
        const found = await collectSeries(store, ask)
        expect(new Set(found.map(({ group }) => group))).toEqual(new Set(['most', 'deepest']))
        expect(found.length).toBe(65_537)
      }
      await check()
      await engine.settle(store)
      await check()
    })

    test('aggregates of a group put its topics together, and leave out what has none', async () => {
      await append(store, { topic: 'home/a', time: 1, payload: Buffer.from('{"t":1}') })
      await append(store, { topic: 'home/b', time: 2, payload: Buffer.from('{"t":2}') })
      await append(store, { topic: 'away/a', time: 3, payload: Buffer.from('{"t":50}') })
      const ask = {
        filters: [],
        fields: ['t'],
        quantiles: [],
        edges: Float64Array.of(0, 10),
        groupOf: (topic: string) => (topic.startsWith('home') ? 'home' : null),
      }
      for (const settle of [async () => {}, () => engine.settle(store)]) {
        await settle()
        const [series, ...rest] = await collectSeries(store, ask)
        expect(rest).toEqual([])
        expect(plain(series)).toMatchObject({
          group: 'home',
          counts: [2],
          sums: [3],
          firsts: [1],
          lasts: [2],
        })
      }
    })

    test('aggregates of many topics are those of the rows, by topic, by group and in all, in the order of the groups', async () => {
      for (let n = 0; n < 6000; n++) {
        const payload = Buffer.from(JSON.stringify(n % 5 === 0 ? { t: n, s: 'x' } : { t: n, h: n / 2 }))
        const topic = `t/${n % 7}/${n % 160}`
        const appended = append(store, { topic, time: (n * 7919) % 100_000, payload })
        if (n % 500 === 0) await appended
        if (n === 4000) await engine.settle(store)
      }
      await append(store, { topic: 'last', time: 5, payload: Buffer.from('3') })
      const edges = Float64Array.from({ length: 30 }, (_, k) => 1000 + k * 3333)
      const all = await collect(store, { from: edges[0]!, to: edges.at(-1)! })
      for (const groupOf of [
        undefined,
        (topic: string) => topic.split('/')[1] ?? null,
        () => 'all',
      ] as const) {
        for (const columns of [undefined, ['sums']] as const) {
          const ask = { filters: [], fields: [], quantiles: [0.9], edges, ...(groupOf && { groupOf }) }
          const expected: unknown[] = []
          for await (const chunk of aggregateReadings(given(all), ask))
            expected.push(...chunk.map((series) => withColumns(series, columns)))
          const found = await collectSeries(store, { ...ask, columns })
          expect(found.map((series) => withColumns(series, columns))).toEqual(expected)
        }
      }
    })

    test('samples are every number by time, with the tags it has, in memory and in blocks', async () => {
      const tagged = (room: string) => ({ rules: 'r', tags: { room } })
      const given: Parameters<typeof append>[1][] = [
        { topic: 'a', time: 10, payload: Buffer.from('{"t":1,"n":{"x":5},"s":"no","b":true}') },
        { topic: 'a', time: 30, payload: Buffer.from('{"t":3}'), qos: 0 },
        { topic: 'a', time: 20, payload: Buffer.from('{"t":2,"n":{"x":6}}') },
        { topic: 'a', time: 20, payload: Buffer.from('{"t":2.5}') },
        { topic: 'a', time: 40, payload: Buffer.from('raw'), fields: { t: 4, big: 2n ** 60n } },
        { topic: 'b', time: 5, payload: Buffer.from('7'), cleaned: tagged('attic') },
        { topic: 'b', time: 6, payload: Buffer.from('8'), cleaned: tagged('cellar') },
        { topic: 'b', time: 7, payload: Buffer.from('9'), cleaned: tagged('attic'), qos: 0 },
        // The reading of a whole message: its records have said it.
        { topic: 'b', time: 8, payload: Buffer.from('10'), cleaned: { record: 0 } },
        { topic: 'c', time: 8, payload: Buffer.from('{"t":1e400,"u":"NaN"}') },
      ]
      const late = { topic: 'a', time: 15, payload: Buffer.from('{"t":1.5}') }
      const check = async (): Promise<void> => {
        const all = await collectSamples(store, {})
        expect(all).toEqual(await expectedSamples(store))
        expect(all.filter(({ topic }) => topic === 'b')).toEqual([
          { topic: 'b', field: 'value', tags: { room: 'attic' }, times: [5, 7], values: [7, 9] },
          { topic: 'b', field: 'value', tags: { room: 'cellar' }, times: [6], values: [8] },
        ])
        const some = await collectSamples(store, { filters: ['a'], pattern: 't|n\\.x', from: 20, to: 40 })
        expect(some).toEqual([
          { topic: 'a', field: 'n.x', times: [20], values: [6] },
          { topic: 'a', field: 't', times: [20, 20, 30], values: [2, 2.5, 3] },
        ])
        expect(await collectSamples(store, { mayRead: (topic) => topic === 'c' })).toEqual([])
      }
      for (const one of given) await append(store, one)
      await check()
      await engine.settle(store)
      await check()
      await append(store, late)
      await append(store, { topic: 'a', time: 50, payload: Buffer.from('{"t":5}') })
      expect(await collectSamples(store, { filters: ['a'], pattern: 't' })).toMatchObject([
        { times: [10, 15, 20, 20, 30, 40, 50], values: [1, 1.5, 2, 2.5, 3, 4, 5] },
      ])
      await check()
      await engine.settle(store)
      await check()
    })

    test('samples of many topics and rows are those of the rows, and end after the limit', async () => {
      for (let n = 0; n < 6000; n++) {
        const payload = Buffer.from(JSON.stringify(n % 5 === 0 ? { t: n, s: 'x' } : { t: n, h: n / 2 }))
        const appended = append(store, { topic: `t/${n % 90}`, time: (n * 7919) % 100_000, payload })
        if (n % 500 === 0) await appended
        if (n === 3000) await engine.settle(store)
      }
      await append(store, { topic: 'last' })
      expect(await collectSamples(store, { from: 1000, to: 90_000 })).toEqual(
        await expectedSamples(store, { from: 1000, to: 90_000 }),
      )
      const few = await collectSamples(store, { limit: 50 })
      expect(few.reduce((sum, { times }) => sum + times.length, 0)).toBeGreaterThan(50)
    })

    test('samples asked for at some times hold the newest of each series at each of them, and none that is not stored', async () => {
      const tags = ['attic', 'cellar'].map((room) => ({ rules: 'r', tags: { room } }))
      for (let n = 0; n < 4000; n++) {
        const payload = Buffer.from(JSON.stringify(n % 7 === 0 ? { t: n, s: 'x' } : { t: n, h: n / 2 }))
        // One topic has two series, one is out of order, and of each two have one time.
        const [topic, cleaned] = [`t/${n % 20}`, tags[Math.floor(n / 60) % 2]]
        const time = n % 20 === 3 ? (n * 7919) % 100_000 : 20 * (n - (n % 40))
        const appended = append(store, {
          topic,
          time,
          payload,
          ...(n % 20 === 1 && cleaned ? { cleaned } : {}),
        })
        if (n % 500 === 0) await appended
        if (n % 1600 === 0) await engine.settle(store)
      }
      await append(store, { topic: 'last' })
      const rangeOf = { from: 1000, to: 78_000 }
      const all = await collectSamples(store, rangeOf)
      for (const stepMs of [1, 333, 800, 5000, 200_000]) {
        const newestAt = Float64Array.from({ length: 300 }, (_one, at) => 500 + at * stepMs)
        const some = await collectSamples(store, { ...rangeOf, newestAt })
        expect(some.map(({ topic, field }) => [topic, field])).toEqual(
          all.map(({ topic, field }) => [topic, field]),
        )
        for (const [i, { times, values }] of some.entries()) {
          const stored = all[i]!
          const pairs = new Set(stored.times.map((time, at) => `${time} ${stored.values[at]}`))
          expect(times.every((time, at) => pairs.has(`${time} ${values[at]}`))).toBe(true)
          const newest = (of: { times: number[]; values: number[] }) =>
            [...newestAt].map((time) => {
              const at = of.times.findLastIndex((one) => one <= time)
              return [of.times[at], of.values[at]]
            })
          expect(newest({ times, values })).toEqual(newest(stored))
        }
      }
    })

    test('steps are the newest number of each series at each of some times, as long as it counts', async () => {
      const tags = ['attic', 'cellar'].map((room) => ({ rules: 'r', tags: { room } }))
      for (let n = 0; n < 4000; n++) {
        const payload = Buffer.from(JSON.stringify(n % 7 === 0 ? { t: n, s: 'x' } : { t: n, h: n / 2 }))
        // One topic has two series, one is out of order, one is of records, and of each two have one time.
        const topic = `t/${n % 90}`
        const time = n % 90 === 3 ? (n * 7919) % 100_000 : 20 * (n - (n % 180))
        const cleaned =
          n % 90 === 5 ? tags[Math.floor(n / 180) % 2] : n % 90 === 7 ? { record: 0 } : undefined
        const appended = append(store, { topic, time, payload, ...(cleaned ? { cleaned } : {}) })
        if (n % 500 === 0) await appended
        if (n === 3000) await engine.settle(store)
      }
      await append(store, { topic: 'last', time: 40_000, payload: Buffer.from('1') })
      const naive: Record<string, (values: number[]) => number> = {
        count_over_time: (values) => values.length,
        max_over_time: (values) => Math.max(...values),
        avg_over_time: (values) => values.reduce((sum, value) => sum + value, 0) / values.length,
      }
      const over = { fn: 'max_over_time', samplesMax: 100 }
      const tooMany = collectSteps(store, { at: Float64Array.of(90_000), lookbackMs: 90_000, over })
      await expect(tooMany).rejects.toMatchObject({ code: 'query_limit' })
      for (const lookbackMs of [1, 3000, 200_000]) {
        for (const at of [
          Float64Array.from({ length: 200 }, (_, k) => 10_000 + 350 * k),
          Float64Array.of(5000),
        ]) {
          const from = at[0]! - lookbackMs + 1
          const series = await expectedSamples(store, { from, to: at.at(-1)! + 1 })
          const expected = series.map(({ times, values, ...one }) => ({
            ...one,
            values: Array.from(at, (time) => {
              const newest = times.findLastIndex((each) => each <= time)
              return newest >= 0 && times[newest]! > time - lookbackMs ? values[newest] : Number.NaN
            }),
          }))
          expect(await collectSteps(store, { at, lookbackMs })).toEqual(expected)
          for (const [fn, of] of lookbackMs === 3000 ? Object.entries(naive) : []) {
            const windows = series.map(({ times, values, ...one }) => ({
              ...one,
              values: Array.from(at, (time) => {
                const inside = values.filter(
                  (_, i) => times[i]! <= time && times[i]! > time - lookbackMs && times[i] !== times[i + 1],
                )
                return inside.length === 0 ? Number.NaN : of(inside)
              }),
            }))
            const over = { fn, samplesMax: 1e9 }
            expect(await collectSteps(store, { at, lookbackMs, over })).toEqual(windows)
          }
          const some = expected.filter(({ topic, field }) => topic === 't/4' && field === 'h')
          const ask = { filters: ['t/3', 't/4'], pattern: 'h', at, lookbackMs }
          expect(await collectSteps(store, { ...ask, mayRead: (topic) => topic === 't/4' })).toEqual(some)
        }
      }
    })

    test('latest as of a time is the newest reading up to then', async () => {
      const first = await append(store, { topic: 'a', time: 10 })
      await append(store, { topic: 'a', time: 30 })
      const between = await append(store, { topic: 'a', time: 20 })
      await append(store, { topic: 'b', time: 30 })
      for (const settle of [async () => {}, () => engine.settle(store)]) {
        await settle()
        const at = async (asOf: number): Promise<number[]> =>
          (await store.latest({ filters: [], limit: 10, asOf })).map(({ seq }) => seq)
        expect(await at(9)).toEqual([])
        expect(await at(19)).toEqual([first])
        expect(await at(29)).toEqual([between])
        expect(await store.latest({ filters: [], limit: 10, asOf: 40, contains: 'z' })).toEqual([])
        const behind = await store.latest({ filters: [], limit: 10, asOf: 40, after: 'a' })
        expect(behind.map(({ topic }) => topic)).toEqual(['b'])
      }
    })

    test('removed readings are gone, and the rest is as it was', async () => {
      for (let time = 0; time < 10; time++) await append(store, { topic: 'a', time })
      await append(store, { topic: 'b', time: 5 })
      await append(store, { topic: 'c/d', time: 5 })
      await engine.settle(store)
      for (let time = 10; time < 20; time++) await append(store, { topic: 'a', time })
      const range = { filters: ['a', 'b'], from: 5, to: 15 }
      const dry = await store.remove({ ...range, isDryRun: true })
      expect(dry).toEqual({ readings: 11, bytes: 11 })
      expect((await collect(store)).length).toBe(22)
      expect(await store.remove({ ...range, isDryRun: false })).toEqual(dry)
      const times = [0, 1, 2, 3, 4, 15, 16, 17, 18, 19]
      const check = async (): Promise<void> => {
        expect((await collect(store, { filters: ['a'] })).map(({ time }) => time)).toEqual(times)
        expect(
          (await store.topics({ filters: [], limit: 9 })).map(({ topic, readings }) => [topic, readings]),
        ).toEqual([
          ['a', 10],
          ['c/d', 1],
        ])
        expect(
          (await store.latest({ filters: [], limit: 9 })).map(({ topic, time }) => [topic, time]),
        ).toEqual([
          ['a', 19],
          ['c/d', 5],
        ])
      }
      await check()
      await store.remove({ filters: ['a'], from: 18, to: 100, isDryRun: false })
      times.splice(-2)
      expect((await store.latest({ filters: ['a'], limit: 9 }))[0]?.time).toBe(17)
      await append(store, { topic: 'b', time: 7 })
      expect((await store.latest({ filters: ['b'], limit: 9 }))[0]?.time).toBe(7)
    })

    test.each([
      { inThread: false, hasFields: true },
      { inThread: true, hasFields: true },
      { inThread: false, hasFields: false },
      { inThread: true, hasFields: false },
    ])(
      'fields made again step by step replace the old ones and leave all else, in every kind of read and after opening again: %o',
      async ({ inThread, hasFields }) => {
        const topics = ['a', 'b/c', 'z']
        for (let i = 0; i < 300; i++) {
          const topic = topics[i % 7 === 0 ? 1 : 0] ?? ''
          const had = i % 3 === 0 ? { fields: { old: i }, cleaned: { rules: 'v1' } } : {}
          // Some blocks have no fields, some have.
          const given = i < 100 ? {} : had
          await append(store, {
            topic,
            time: Math.floor(i / 2),
            payload: Buffer.from(`{"t":${i}}`),
            ...given,
          })
          if (i % 100 === 50) await engine.settle(store)
        }
        await append(store, { topic: 'z', time: 7 })
        const before = await collect(store)
        const seqMax = store.status.lastSeq
        await append(store, { topic: 'a', time: 60, payload: Buffer.from('late') })
        const expected = before.map((one) => {
          const isAsked = one.topic !== 'z' && one.time >= 10 && one.time < 140
          const made = isAsked ? doubled(one.topic, one.payload, { hasFields }) : null
          if (!made) return one
          return {
            ...one,
            fields: made.fields && (expect.objectContaining(made.fields) as Reading['fields']),
            cleaned: made.cleaned,
          }
        })
        const remaker = doubling({ hasFields }, { inThread })
        let next: RemakePosition | null = null
        let remade = 0
        for (;;) {
          const query = { filters: ['a', 'b/#'], from: 10, to: 140, seqMax, readingsMax: 40 }
          const step: RemakeStep = await store.remake({ ...query, ...(next ? { after: next } : {}) }, remaker)
          remade += step.remade
          if (!step.next) break
          next = step.next
        }
        expect(remade).toBe(expected.filter((one, i) => one !== before[i]).length)
        const check = async (): Promise<void> => {
          const found = (await collect(store)).filter(({ seq }) => seq <= seqMax)
          expect(found).toEqual(expected)
          const edges = Float64Array.of(0, 200)
          const [series] = await collectSeries(store, {
            filters: ['b/c'],
            fields: ['t'],
            edges,
            quantiles: [],
          })
          const sums = found
            .filter(({ topic }) => topic === 'b/c')
            .map((one) => (one.fields === null ? tOf(one) : Number(one.fields['t'] ?? 0)))
          expect(series?.sums[0]).toBe(sums.reduce((a, b) => a + b, 0))
        }
        await check()
        await engine.settle(store)
        await check()
        if (store.status.engine === 'memory') return
        await store.close()
        store = await engine.open()
        await check()
      },
    )

    test.each([false, true])(
      'the newest reading has its new fields, and a query begun before has the old ones to its end; in a thread: %s',
      async (inThread) => {
        for (let time = 0; time < 5000; time++)
          await append(store, { topic: 'a', time, payload: Buffer.from('{"t":1}') }, { awaited: false })
        await engine.settle(store)
        const query = { filters: [], from: 0, to: 1e6, order: 'asc', limit: 1e6 } as const
        const chunks = store.range(query)[Symbol.asyncIterator]()
        const first = await chunks.next()
        const remaking = { filters: [], from: 0, to: 1e6, seqMax: store.status.lastSeq, readingsMax: 1e5 }
        const step = await store.remake(remaking, doubling({ hasFields: true }, { inThread }))
        expect(step).toMatchObject({ readings: 5000, remade: 5000 })
        const old = [...(first.value ?? [])] as Reading[]
        for (let chunk = await chunks.next(); !chunk.done; chunk = await chunks.next())
          old.push(...chunk.value)
        expect(old.length).toBe(5000)
        expect(old.every(({ fields }) => fields === null)).toBe(true)
        expect((await store.latest({ filters: ['a'], limit: 1 }))[0]?.fields).toMatchObject({ t: 2 })
        const now = await collect(store)
        expect(now.every(({ fields }) => fields?.['t'] === 2)).toBe(true)
      },
    )

    test('a removal leaves whole what it does not name, however it was written', async () => {
      for (const round of [0, 1, 2, 3]) {
        const times = Array.from({ length: 60 * 3 ** (3 - round) }, (_, i) => round * 10_000 + i)
        await Promise.all(times.map((time) => append(store, { topic: 'a', time })))
        await engine.settle(store)
      }
      const before = await collect(store)
      const range = { filters: ['a'], from: 10_100, to: 20_050, isDryRun: false }
      const removed = await store.remove(range)
      const left = before.filter(({ time }) => time < range.from || time >= range.to)
      expect(removed).toEqual({ readings: before.length - left.length, bytes: before.length - left.length })
      expect(await collect(store)).toEqual(left)
      expect(await store.topics({ filters: [], limit: 1 })).toMatchObject([
        { readings: left.length, bytes: left.length },
      ])
      await append(store, { topic: 'a', time: 40_000 })
      await engine.settle(store)
      expect((await collect(store)).length).toBe(left.length + 1)
    })

    test('removes only what the caller may', async () => {
      await append(store, { topic: 'mine' })
      await append(store, { topic: 'yours' })
      const ask = { filters: [], from: 0, to: 1e15, mayRemove: (topic: string) => topic === 'mine' }
      expect(await store.remove({ ...ask, isDryRun: false })).toMatchObject({ readings: 1 })
      expect((await collect(store)).map(({ topic }) => topic)).toEqual(['yours'])
    })

    test('any payload comes back byte for byte, from memory and from blocks', {
      timeout: 60_000,
    }, async () => {
      const payloads = [
        Buffer.alloc(0),
        Buffer.alloc(16 * 2 ** 20, 7),
        Buffer.from('{"a":1e400,"a": -0 }'),
        Buffer.from([0xff, 0xfe]),
      ]
      payloads.push(...fc.sample(fc.uint8Array({ maxLength: 300 }), 200).map((bytes) => Buffer.from(bytes)))
      await Promise.all(payloads.map((payload, time) => append(store, { topic: 'bytes', time, payload })))
      const check = async (): Promise<void> => {
        const found = await collect(store, { filters: ['bytes'] })
        expect(found.length).toBe(payloads.length)
        expect(found.every((r, i) => Buffer.compare(r.payload, payloads[i] ?? Buffer.alloc(0)) === 0)).toBe(
          true,
        )
      }
      await check()
      await engine.settle(store)
      await check()
    })

    test('random appends, rolls and pages agree with a plain list', { timeout: 60_000 }, async () => {
      const topics = ['a', 'a/b', 'a/c', 'b/c']
      const step = fc.oneof(
        {
          weight: 20,
          arbitrary: fc.record({ topic: fc.constantFrom(...topics), time: fc.integer({ min: 0, max: 60 }) }),
        },
        { weight: 1, arbitrary: fc.constant('settle' as const) },
      )
      await fc.assert(
        fc.asyncProperty(
          fc.array(step, { maxLength: 120 }),
          fc.constantFrom('asc' as const, 'desc' as const),
          fc.constantFrom('#', 'a/+', 'a', '+/c'),
          fc.integer({ min: 1, max: 13 }),
          async (steps, order, filter, limit) => {
            const mine = makeEngine()
            const fresh = await mine.open()
            const model: { topic: string; time: number; seq: number }[] = []
            for (const s of steps) {
              if (s === 'settle') await mine.settle(fresh)
              else model.push({ ...s, seq: await append(fresh, s) })
            }
            const sign = order === 'asc' ? 1 : -1
            const expected = model
              .filter(({ topic }) => matches(filter, topic))
              .sort((x, y) => sign * (x.time - y.time || x.seq - y.seq))
              .map(({ topic, time, seq }) => `${topic}@${time}#${seq}`)
            const found: string[] = []
            let after: { time: number; seq: number } | undefined
            for (;;) {
              const page = await collect(fresh, {
                filters: [filter],
                order,
                limit,
                ...(after ? { after } : {}),
              })
              found.push(...page.map(({ topic, time, seq }) => `${topic}@${time}#${seq}`))
              after = page.at(-1)
              if (page.length < limit) break
            }
            await fresh.close()
            await mine.remove()
            expect(found).toEqual(expected)
          },
        ),
        { numRuns: 40 },
      )
    })
  })
}

function tOf({ payload }: Reading): number {
  return (JSON.parse(String(payload)) as { t: number }).t
}
