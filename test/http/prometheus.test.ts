// /prometheus/api/v1 as a stock Grafana uses it, through the real server: envelope, forms, labels, refusals, who may see what.

import { afterAll, beforeAll, expect, test } from 'vitest'
import { decodeFields } from '../../src/ingest/decode/decode.ts'
import { startTestServer } from './server.ts'

let server: Awaited<ReturnType<typeof startTestServer>>
const start = 1_790_000_000
beforeAll(async () => {
  server = await startTestServer({ fieldsOf: decodeFields })
  for (let n = 0; n < 10; n++) {
    await server.put('open/a', `{"bytes":${n + 1}}`, (start + n * 60) * 1000)
    await server.put('closed/b', '{"bytes":1}', (start + n * 60) * 1000)
  }
})
afterAll(() => server.close())

const base = '/prometheus/api/v1'
interface Answer {
  status: string
  errorType?: string
  error?: string
  data?: { resultType: string; result: unknown[] } & unknown[]
}
const get = async (path: string, user = 'admin'): Promise<Answer & { code: number }> => {
  const response = await server.ask(`${base}${path}`, { user })
  expect(response.headers.get('content-type')).toContain('application/json')
  return { code: response.status, ...((await response.json()) as Answer) }
}
const post = async (path: string, form: Record<string, string>): Promise<Answer & { code: number }> => {
  const response = await server.ask(`${base}${path}`, { method: 'POST', body: new URLSearchParams(form) })
  return { code: response.status, ...((await response.json()) as Answer) }
}

test('a query at one time gives metric and value, by GET and by form', async () => {
  const expected = {
    status: 'success',
    data: {
      resultType: 'vector',
      result: [
        { metric: { __name__: 'bytes', field: 'bytes', topic: 'open/a' }, value: [start + 540, '10'] },
      ],
    },
  }
  expect(await get(`/query?query=bytes{topic=~"open/.*"}&time=${start + 540}`)).toMatchObject(expected)
  const form = { query: 'bytes{topic=~"open/.*"} ', time: String(start + 540), timeout: '60s', stats: 'all' }
  expect(await post('/query', form)).toMatchObject(expected)
  // As URLSearchParams, Python's requests and Go write it.
  const plus = new URLSearchParams({ query: 'bytes {topic=~"open/.*"}', time: String(start + 540) })
  expect(await get(`/query?${plus.toString()}`)).toMatchObject(expected)
  expect(await post('/query', { query: '1+1' })).toMatchObject({
    data: { resultType: 'scalar', result: [expect.any(Number), '2'] },
  })
  expect(await post('/query', { query: '"a"' })).toMatchObject({ data: { resultType: 'string' } })
})

test('a query over steps gives a matrix, and a range at one time its samples', async () => {
  const query = `query=sum(bytes)&start=${start}&end=${start + 120}&step=60`
  expect((await get(`/query_range?${query}`)).data).toEqual({
    resultType: 'matrix',
    result: [
      {
        metric: {},
        values: [
          [start, '2'],
          [start + 60, '3'],
          [start + 120, '4'],
        ],
      },
    ],
  })
  const rfc = new Date(start * 1000).toISOString()
  expect(
    (await get(`/query_range?query=bytes&start=${rfc}&end=${start + 60}&step=1m`)).data?.result,
  ).toHaveLength(2)
  const samples = await get(`/query?query=bytes{topic="open/a"}[2m]&time=${start + 120}`)
  expect(samples.data).toMatchObject({
    resultType: 'matrix',
    result: [
      {
        values: [
          [start + 60, '2'],
          [start + 120, '3'],
        ],
      },
    ],
  })
})

test('labels, their values, series, metadata and build info are there for the query builder', async () => {
  expect((await get('/labels')).data).toEqual(['__name__', 'field', 'topic'])
  expect((await get('/label/__name__/values')).data).toEqual(['bytes'])
  expect((await get('/label/topic/values?match[]=bytes{topic!="open/a"}')).data).toEqual(['closed/b'])
  const within = { 'match[]': 'bytes', start: String(start), end: String(start + 1) }
  expect((await post('/series', within)).data).toHaveLength(2)
  expect((await post('/series', { ...within, limit: '1' })).data).toHaveLength(1)
  // Nothing was there then.
  expect((await post('/series', { ...within, start: '0', end: '1' })).data).toEqual([])
  expect((await post('/labels', { start: '0', end: '1' })).data).toEqual([])
  expect((await get('/metadata')).data).toEqual({ bytes: [{ type: 'gauge', help: '', unit: '' }] })
  expect((await get('/status/buildinfo')).data).toMatchObject({ version: expect.any(String) })
})

test.each(['value', 'timestamp(value)', 'avg_over_time(value[1m])'])(
  '%s of more samples than allowed is said, not cut',
  async (query) => {
    const small = await startTestServer({ limits: { query_samples: 3 } })
    for (let at = 0; at < 5; at++) await small.put('open/a', String(at), (start + at) * 1000)
    const ask = async (end: number) => {
      const steps = `start=${start}&end=${end}&step=1`
      return (await small.ask(`${base}/query_range?query=${encodeURIComponent(query)}&${steps}`)).json()
    }
    expect(await ask(start + 1)).toMatchObject({
      status: 'success',
      data: { result: [{ values: { length: 2 } }] },
    })
    expect(await ask(start + 4)).toMatchObject({
      errorType: 'execution',
      error: expect.stringContaining('query_samples') as unknown,
    })
    await small.close()
  },
)

test('a guest sees only what he may read', async () => {
  expect((await get('/label/topic/values', 'guest')).data).toEqual(['open/a'])
  const { data } = await get(`/query?query=count(bytes)&time=${start + 60}`, 'guest')
  expect(data?.result).toMatchObject([{ value: [start + 60, '1'] }])
  expect((await server.ask(`${base}/query?query=1`, { user: null })).status).toBe(401)
})

test.each([
  ['bytes{', 400, 'parse error'],
  ['', 400, 'missing'],
  ['{topic=~".*"}', 400, 'matcher'],
  ['bytes{topic=~"("}', 400, 'regular expression'],
  ['double_exponential_smoothing(bytes[5m],0.5,0.5)', 422, 'is not supported'],
  ['histogram_quantile(0.9, bytes)', 422, 'histogram_quantile is not supported'],
  ['rate(bytes)', 400, 'expected type matrix'],
  ['bytes + on(nothing) bytes', 422, 'many-to-many'],
  ['sum(bytes, bytes)', 400, 'arguments'],
  ['1 > 2', 400, 'bool'],
  ['bytes[5m]', 400, 'range query'],
  ['(1 + 2) offset 5m', 400, 'must follow a selector'],
  ['"\\q"', 400, 'escape'],
  ['label_replace(bytes, "1x", "", "", "")', 400, 'label name'],
  [`${'('.repeat(1000)}1${')'.repeat(1000)}`, 400, 'nested'],
  [`bytes{topic=~"${'(a+)+'.repeat(50)}b"}`, 200, ''],
  [`max_over_time(bytes[10y:1ms])`, 422, 'limits.query_samples'],
])('over steps %s is answered with %d', async (query, code, word) => {
  const answer = await post('/query_range', {
    query,
    start: String(start),
    end: String(start + 60),
    step: '30',
  })
  expect(answer.code, JSON.stringify(answer)).toBe(code)
  if (code === 200) return
  expect(answer).toMatchObject({ status: 'error', errorType: code === 400 ? 'bad_data' : 'execution' })
  expect(answer.error).toContain(word)
})

test.each([
  ['start=x&end=1&step=1', 'start'],
  ['start=0&end=1', 'step'],
  ['start=0&end=1&step=0', 'zero'],
  ['start=0&end=1&step=-1', 'zero'],
  ['start=2&end=1&step=1', 'before start'],
  ['start=0&end=1000000&step=1', '11000'],
  ['start=NaN&end=1&step=1', 'start'],
  ['start=1e99&end=1&step=1', 'start'],
])('the steps %s are refused', async (steps, word) => {
  const answer = await get(`/query_range?query=1&${steps}`)
  expect(answer.code).toBe(400)
  expect(answer.error).toContain(word)
})

test('a form that is broken or no form is refused in the same envelope', async () => {
  const send = async (body: string, type: string): Promise<Answer & { code: number }> => {
    const response = await server.ask(`${base}/query`, {
      method: 'POST',
      headers: { 'content-type': type },
      body,
    })
    return { code: response.status, ...((await response.json()) as Answer) }
  }
  expect(await send('query=%ff', 'application/x-www-form-urlencoded')).toMatchObject({
    code: 400,
    status: 'error',
  })
  expect(await send('{}', 'application/json')).toMatchObject({ code: 400, status: 'error' })
  expect(await send('<a/>', 'text/xml')).toMatchObject({ code: 415, status: 'error' })
})

test('what Telegraf writes is in aggregates and in PromQL, with its tags', async () => {
  const own = await startTestServer({ fieldsOf: decodeFields })
  try {
    // As its output writes: gzip or not, nanoseconds, a field of each type.
    const body =
      'open,host=pi,cpu=cpu0 usage_idle=97.5,count=3i,ok=true,state="on" 1764000000000000000\n' +
      'open,host=pi,cpu=cpu0 usage_idle=95.5,count=4i 1764000010000000000\n'
    const headers = { 'content-type': 'text/plain; charset=utf-8', 'user-agent': 'Telegraf/1.34.0' }
    const written = await own.ask('/api/v2/write?bucket=-&org=-&precision=ns', {
      method: 'POST',
      headers,
      body,
    })
    expect(written.status).toBe(204)
    const range = 'from=2025-11-24T16:00:00Z&to=2025-11-24T17:00:00Z'
    const rows = await own.ask(
      `/api/v1/aggregate?prefix=open&every=1h&fn=count,mean&field=usage_idle&${range}`,
    )
    expect(await rows.json()).toMatchObject({ data: [{ topic: 'open/pi/cpu0', count: 2, mean: 96.5 }] })
    const answer = await own.ask('/prometheus/api/v1/query?query=usage_idle{host="pi"}&time=1764000010')
    expect(await answer.json()).toMatchObject({
      data: { result: [{ metric: { __name__: 'usage_idle', cpu: 'cpu0' }, value: [1764000010, '95.5'] }] },
    })
  } finally {
    await own.close()
  }
})
