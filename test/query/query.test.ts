// Listings over the reference engine: what is in, what is not, page by page, and under the ceiling.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { NewReading } from '../../src/domain/reading.ts'
import { createMetrics } from '../../src/ops/metrics.ts'
import { createCeiling } from '../../src/query/ceiling.ts'
import { createFeed } from '../../src/ingest/feed.ts'
import type { Listing } from '../../src/query/listing.ts'
import { createQuery } from '../../src/query/query.ts'
import { createMemoryStore } from '../../src/store/memory.ts'

const limits = {
  query_rows: 1000,
  query_samples: 100_000,
  aggregate_buckets: 500,
  page_rows: 100,
  page_bytes: 1_000_000,
  query_time_ms: 5000,
  query_concurrency: 2,
}
const now = Date.parse('2026-01-01T12:00:00Z')

async function setUp(readings: readonly (Partial<NewReading> & { topic: string })[], more = {}) {
  const store = createMemoryStore()
  const add = (reading: Partial<NewReading> & { topic: string }) =>
    new Promise<void>((resolve) => {
      const rest = { source: 'mqtt', clientId: '', user: null, qos: 0, retain: false, dup: false } as const
      const base = { time: now, receivedAt: now, properties: null, fields: null, payload: Buffer.from('1') }
      store.append({ ...rest, ...base, ...reading }, { awaited: true }, () => resolve())
    })
  for (const reading of readings) await add(reading)
  const fieldsOf = (topic: string) => (topic === 'none' ? null : { value: 1 })
  return {
    add,
    store,
    query: createQuery({
      metrics: createMetrics(),
      store,
      live: createFeed({ lastSeq: 0, waitersMax: 100 }),
      fieldsOf,
      limits: { ...limits, ...more },
      now: () => now,
    }),
  }
}
const all: Listing = { filters: [], mayRead: () => true, limit: 100 }

test.each([
  { from: undefined, to: undefined, times: ['-59m', 'now', '+1d'] },
  { from: undefined, to: 'now', times: ['-59m', 'now'] },
  { from: '-2h', to: '-1h', times: ['-61m'] },
  { from: 'now', to: undefined, times: ['now', '+1d'] },
])('the range from $from to $to holds $times', async ({ from, to, times }) => {
  const stamps = { '-61m': now - 3_660_000, '-59m': now - 3_540_000, now, '+1d': now + 86_400_000 }
  const { query } = await setUp(Object.entries(stamps).map(([topic, time]) => ({ topic, time })))
  const { rows } = await query.readings({ ...all, from, to, order: 'asc' })
  expect(rows.map(({ reading }) => reading.topic)).toEqual(times)
})

test.each([
  { what: 'an empty range', listing: { from: 'now', to: '-1h' }, code: 'bad_time' },
  { what: 'a time that is none', listing: { from: 'soon' }, code: 'bad_time' },
  { what: 'a filter that is none', listing: { filters: ['a#'] }, code: 'bad_filter' },
  { what: 'a forbidden topic', listing: { filters: ['a'], mayRead: () => false }, code: 'forbidden' },
  { what: 'too large a page', listing: { limit: 101 }, code: 'query_limit' },
  { what: 'a cursor that is none', listing: { cursor: 'x' }, code: 'bad_cursor' },
])('$what is refused with $code', async ({ listing, code }) => {
  const { query } = await setUp([])
  await expect(query.readings({ ...all, order: 'asc', ...listing })).rejects.toMatchObject({ code })
})

test('a cursor of another query is refused', async () => {
  const { query } = await setUp([{ topic: 'a' }, { topic: 'b' }])
  const { next } = await query.topics({ ...all, limit: 1 })
  expect(next).not.toBeNull()
  const cursor = next ?? ''
  await expect(query.topics({ ...all, filters: ['b'], cursor })).rejects.toMatchObject({ code: 'bad_cursor' })
  await expect(query.latest({ ...all, cursor })).rejects.toMatchObject({ code: 'bad_cursor' })
})

test('listings leave out what may not be read', async () => {
  const { query } = await setUp([{ topic: 'open' }, { topic: 'closed' }])
  const mine = { ...all, mayRead: (topic: string) => topic === 'open' }
  expect((await query.topics(mine)).rows.map(({ topic }) => topic)).toEqual(['open'])
  expect((await query.latest(mine)).rows.map(({ reading }) => reading.topic)).toEqual(['open'])
  const { rows } = await query.readings({ ...mine, order: 'desc' })
  expect(rows.map(({ reading }) => reading.topic)).toEqual(['open'])
})

test('fields come from cleaning, else from the decoder, else there are none', async () => {
  const { query } = await setUp([{ topic: 'a', fields: { t: 2n } }, { topic: 'b' }, { topic: 'none' }])
  expect((await query.latest(all)).rows.map(({ fields }) => fields)).toEqual([{ t: 2n }, { value: 1 }, {}])
  expect((await query.topics(all)).rows[0]?.fields).toEqual({ t: 2n })
})

test('every page size gives each reading once, in order, also while more arrive', async () => {
  const reading = fc.record({
    topic: fc.constantFrom('a', 'b', 'c'),
    time: fc.integer({ min: now - 5, max: now }),
  })
  await fc.assert(
    fc.asyncProperty(
      fc.array(reading, { maxLength: 30 }),
      fc.integer({ min: 1, max: 7 }),
      fc.constantFrom('asc' as const, 'desc' as const),
      fc.integer({ min: 1, max: 4 }),
      async (readings, limit, order, page_bytes) => {
        const { query, add } = await setUp(readings, { page_bytes })
        const whole = readings
          .map(({ time }, index) => ({ time, seq: now * 1024 + index }))
          .sort((a, b) => (order === 'asc' ? 1 : -1) * (a.time - b.time || a.seq - b.seq))
        const seen: number[] = []
        let cursor: string | undefined
        do {
          const page = await query.readings({ ...all, order, limit, cursor })
          seen.push(...page.rows.map((row) => row.reading.seq))
          cursor = page.next ?? undefined
          if (order === 'desc') await add({ topic: 'a', time: now + 1 })
        } while (cursor !== undefined)
        expect(seen).toEqual(whole.map(({ seq }) => seq))
      },
    ),
    { numRuns: 50 },
  )
})

test('latest and topics page through every topic once', async () => {
  const names = ['a', 'a/b', 'b', 'z/é', '🌡']
  const { query } = await setUp(names.map((topic) => ({ topic })))
  for (const limit of [1, 2, 5]) {
    for (const kind of ['latest', 'topics'] as const) {
      const seen: string[] = []
      let cursor: string | undefined
      do {
        const page = await query[kind]({ ...all, limit, cursor })
        seen.push(...page.rows.map((row) => ('reading' in row ? row.reading.topic : row.topic)))
        cursor = page.next ?? undefined
      } while (cursor !== undefined)
      expect(seen).toEqual([...names].sort())
    }
  }
})

test('the ceiling lets in as many as it says, the next when one ends', async () => {
  const under = createCeiling({ query_concurrency: 2, query_time_ms: 5000 }, createMetrics())
  let running = 0
  let most = 0
  const ends: (() => void)[] = []
  const work = () =>
    under('latest', async () => {
      most = Math.max(most, ++running)
      await new Promise<void>((resolve) => ends.push(resolve))
      running -= 1
    })
  const all = [work(), work(), work(), work(), work()]
  for (let ended = 0; ended < all.length; ) {
    await new Promise((resolve) => setImmediate(resolve))
    const end = ends.shift()
    if (!end) continue
    end()
    ended += 1
  }
  await Promise.all(all)
  expect(most).toBe(2)
})

test('a query beyond its time ends with query_limit, and gives its place back', async () => {
  const under = createCeiling({ query_concurrency: 1, query_time_ms: 20 }, createMetrics())
  const stuck = under(
    'latest',
    (signal) =>
      new Promise<void>((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(new Error('aborted')), { once: true })
      }),
  )
  await expect(stuck).rejects.toMatchObject({ code: 'query_limit' })
  expect(await under('latest', async () => 5)).toBe(5)
})
