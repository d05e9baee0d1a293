// GET /api/v1/aggregate through the real server: functions, buckets, fills, groups, shapes, formats and limits.

import { Value } from '@sinclair/typebox/value'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { aggregateSchema } from '../../src/http/schemas.ts'
import { startTestServer } from './server.ts'

let server: Awaited<ReturnType<typeof startTestServer>>
const start = Date.parse('2026-11-24T08:00:00Z')
const minute = 60_000
beforeAll(async () => {
  server = await startTestServer()
  for (const [at, n] of [
    [0, 1],
    [1, 3],
    [2, 8],
    [10, 20],
    [21, 42],
  ] as const)
    await server.put('open/a', `{"n":${n},"text":"x"}`, start + at * minute)
  await server.put('open/b', '7', start)
  await server.put('closed/c', '100', start)
})
afterAll(() => server.close())

interface Answer {
  data: Record<string, unknown>[]
  page: { has_more: boolean }
}
const range = 'from=2026-11-24T08:00:00Z&to=2026-11-24T08:25:00Z'
const ask = async (query: string, user?: string): Promise<Answer> => {
  const response = await server.ask(`/api/v1/aggregate?${range}&${query}`, user === undefined ? {} : { user })
  const text = await response.text()
  expect(response.status, text).toBe(200)
  const answer = JSON.parse(text) as Answer
  expect(Value.Check(aggregateSchema, answer)).toBe(true)
  return answer
}
const figures = async (query: string): Promise<unknown[]> =>
  (await ask(`topic=open/a&field=n&${query}`)).data.map(({ topic: _t, field: _f, time: _time, ...rest }) =>
    Object.values(rest).length === 1 ? Object.values(rest)[0] : rest,
  )

test('every function is worked out for each bucket that has numbers', async () => {
  const fn = 'mean,min,max,sum,count,first,last,stddev,p50,p95,p99.9'
  const [first, ...others] = (await figures(`fn=${fn}`)) as Record<string, number>[]
  expect(first).toMatchObject({ mean: 4, min: 1, max: 8, sum: 12, count: 3, first: 1, last: 8, p50: 3 })
  expect(first?.['stddev']).toBeCloseTo(Math.sqrt(26 / 3), 12)
  expect(first?.['p95']).toBeCloseTo(7.5, 12)
  expect(first?.['p99.9']).toBeCloseTo(7.99, 12)
  expect(Object.keys(first ?? {})).toEqual(fn.split(','))
  expect(others.map(({ mean }) => mean)).toEqual([20, 42])
})

test.each([
  ['none', [4, 20, 42]],
  ['null', [4, null, 20, null, 42]],
  ['previous', [4, 4, 20, 20, 42]],
  ['linear', [4, 12, 20, 31, 42]],
])('fill=%s', async (fill, expected) => {
  expect(await figures(`fill=${fill}`)).toEqual(expected)
})

test('a count of nothing is 0 under every fill', async () => {
  for (const fill of ['null', 'previous', 'linear'])
    expect(await figures(`fn=count&fill=${fill}`)).toEqual([3, 0, 1, 0, 1])
})

test('rows carry the start of their bucket, columns are one a series', async () => {
  const rows = await ask('topic=open/a&field=n')
  expect(rows.data[1]).toEqual({ topic: 'open/a', field: 'n', time: '2026-11-24T08:10:00.000Z', mean: 20 })
  expect(rows.page.has_more).toBe(false)
  const columns = await ask('topic=open/a&field=n&shape=columns&fn=max&time=s')
  expect(columns.data).toEqual([
    {
      topic: 'open/a',
      field: 'n',
      time: [1, 3, 5].map((n) => start / 1000 + (n - 1) * 300),
      max: [8, 20, 42],
    },
  ])
})

test('several topics and fields, or all in one group', async () => {
  const all = await ask('every=all&fn=sum')
  expect(all.data.map(({ topic, field, sum }) => [topic, field, sum])).toEqual([
    ['closed/c', 'value', 100],
    ['open/a', 'n', 74],
    ['open/b', 'value', 7],
  ])
  const none = await ask('every=all&fn=sum&group=none&field=value&field=n')
  expect(none.data.map(({ topic, field, sum }) => [topic, field, sum])).toEqual([
    [null, 'n', 74],
    [null, 'value', 107],
  ])
})

test('a guest sees the readable topics only, also within a group', async () => {
  expect((await ask('every=all&fn=sum&group=none&field=value', 'guest')).data).toMatchObject([{ sum: 7 }])
  const response = await server.ask('/api/v1/aggregate?topic=closed/c', { user: 'guest' })
  expect(response.status).toBe(403)
})

test('days are those of the time zone', async () => {
  const { data } = await ask('topic=open/b&every=1d&tz=Asia/Kolkata&fn=count')
  expect(data).toMatchObject([{ time: '2026-11-23T18:30:00.000Z', count: 1 }])
})

test.each([
  ['from=2026-03-01&to=2026-03-02&tz=Europe/Berlin', '2026-02-28T23:00:00.000Z', 4],
  ['from=2026-03-01T00:00&to=2026-03-01T23:30&tz=Europe/Berlin', '2026-02-28T23:00:00.000Z', 3],
  ['from=2026-03-01 00:00:00&to=2026-03-02&tz=America/New_York', '2026-03-01T05:00:00.000Z', 3],
  ['from=2026-03-01&to=2026-03-02', '2026-03-01T00:00:00.000Z', 3],
  ['from=2026-03-01T00:00:00Z&to=2026-03-02T00:00:00Z&tz=Europe/Berlin', '2026-03-01T00:00:00.000Z', 3],
])('%s begins at %s', async (query, begin, count) => {
  const own = await startTestServer()
  try {
    for (const time of ['02-28T23:00', '03-01T05:00', '03-01T12:00', '03-01T22:45'])
      await own.put('open/day', '1', Date.parse(`2026-${time}:00Z`))
    const answer = await own.ask(`/api/v1/aggregate?topic=open/day&every=all&fn=count&field=value&${query}`)
    expect(await answer.json()).toMatchObject({ data: [{ time: begin, count }] })
  } finally {
    await own.close()
  }
})

test('NDJSON has a line a row and CSV the same cells', async () => {
  const get = async (query: string): Promise<string> =>
    (await server.ask(`/api/v1/aggregate?${range}&${query}`)).text()
  const ndjson = await get('topic=open/a&field=n&fn=min,max&format=ndjson')
  expect(ndjson.split('\n')[0]).toBe(
    '{"topic":"open/a","field":"n","time":"2026-11-24T08:00:00.000Z","min":1,"max":8}',
  )
  expect(await get('topic=open/a&field=n&fn=min,count&format=csv&fill=null')).toBe(
    'topic,field,time,min,count\r\n' +
      ['00:00.000Z,1,3', '05:00.000Z,,0', '10:00.000Z,20,1', '15:00.000Z,,0', '20:00.000Z,42,1']
        .map((rest) => `open/a,n,2026-11-24T08:${rest}\r\n`)
        .join(''),
  )
})

test.each([
  ['fn=average', 400, 'is no function'],
  ['fn=p101', 400, 'is no function'],
  ['fn=', 400, 'is no function'],
  ['every=0s', 400, 'length of time'],
  ['tz=Mars/Olympus', 400, 'time zone'],
  ['shape=columns&format=csv', 400, 'CSV'],
  ['group=none,colour', 400, 'group'],
  ['from=-1h&to=-2h', 400, 'empty'],
  ['every=1s', 422, 'aggregate_buckets'],
  ['every=4s&fill=null', 422, 'query_rows'],
])('%s is refused with %d', async (query, status, word) => {
  const asked = query.includes('from=') ? query : `${range}&${query}`
  const response = await server.ask(`/api/v1/aggregate?${asked}`)
  expect(response.status).toBe(status)
  expect(await response.text()).toContain(word)
})

test('latest as of a time shows what was newest then, over all its pages', async () => {
  const get = async (query: string): Promise<Answer & { page: { next: string | null } }> =>
    (await (await server.ask(`/api/v1/latest?${query}`)).json()) as Answer & { page: { next: string | null } }
  const asOf = `as_of=${start + 2 * minute}`
  expect((await get(`topic=open/a&${asOf}`)).data).toMatchObject([{ value: { n: 8 } }])
  expect((await get('topic=open/a')).data).toMatchObject([{ value: { n: 42 } }])
  expect((await get(`as_of=${start - 1}`)).data).toEqual([])
  const first = await get(`${asOf}&limit=2`)
  const second = await get(`${asOf}&limit=2&cursor=${first.page.next}`)
  expect([...first.data, ...second.data].map(({ topic }) => topic)).toEqual(['closed/c', 'open/a', 'open/b'])
  const bad = await server.ask('/api/v1/latest?as_of=soon')
  expect(bad.status).toBe(400)
})
