// What the routes answer, as a table: what is asked, the status, what the answer contains and what not.

import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestServer } from './server.ts'

let server: Awaited<ReturnType<typeof startTestServer>>
beforeAll(async () => {
  server = await startTestServer()
  await server.put('open/a', '{"n":9007199254740993123, "n":1}')
  await server.put('open/b', 'warm')
  await server.put('closed/c', Buffer.from([0xff]))
  await server.put('closed/d', '')
})
afterAll(() => server.close())

interface Case {
  path: string
  user?: string | null
  accept?: string
  method?: string
  type?: string
  body?: string
  status: number
  has?: string[]
  hasNot?: string[]
}
const post = { method: 'POST', type: 'application/json', path: '/api/v1/publish' }
const cases: Case[] = [
  {
    path: '/api/v1/latest',
    status: 200,
    has: ['{"n":9007199254740993123, "n":1}', '"payload_base64":"/w=="'],
  },
  { path: '/api/v1/latest', user: 'guest', status: 200, has: ['open/a'], hasNot: ['closed'] },
  { path: '/api/v1/latest', user: null, status: 401, has: ['"code":"unauthorized"'] },
  { path: '/api/v1/readings?topic=closed/c', user: 'guest', status: 403, has: ['"forbidden"'] },
  { path: '/api/v1/readings?topic=+/b', status: 200, has: ['"warm"'], hasNot: ['open/a'] },
  {
    path: '/api/v1/readings?topic=open/a&topic=open/b',
    status: 200,
    has: ['open/a', 'open/b'],
    hasNot: ['closed'],
  },
  { path: '/api/v1/readings?prefix=closed&raw=1', status: 200, has: ['"value":null,"payload":""'] },
  { path: '/api/v1/readings?limit=1', status: 200, has: ['"has_more":true'] },
  { path: '/api/v1/readings?limt=1', status: 400, has: ['unknown_parameter', 'did you mean \\"limit\\"'] },
  { path: '/api/v1/readings?limit=x', status: 400, has: ['bad_request', '"path":"limit"'] },
  { path: '/api/v1/readings?limit=99999', status: 400, has: ['bad_request'] },
  { path: '/api/v1/readings?from=yesterday', status: 400, has: ['bad_time'] },
  { path: '/api/v1/readings?topic=a%23', status: 400, has: ['bad_filter'] },
  { path: '/api/v1/readings?topic=%00', status: 400, has: ['bad_filter'] },
  { path: '/api/v1/readings?topic=%ff', status: 400, has: ['bad_request'] },
  { path: '/api/v1/readings?cursor=x', status: 400, has: ['bad_cursor'] },
  { path: '/api/v1/readings?__proto__=1', status: 400, has: ['unknown_parameter'] },
  { path: '/api/v1/topics?q=OPEN', status: 200, has: ['open/a'], hasNot: ['closed'] },
  { path: '/api/v1/tree', status: 200, has: ['"topic":"open","is_topic":false,"has_children":true'] },
  { path: '/api/v1/tree?below=open', status: 200, has: ['"topic":"open/a"'], hasNot: ['closed'] },
  { path: '/api/v1/tree?below=a/%23', status: 400, has: ['wildcard'] },
  { path: '/api/v1/topics?format=csv', status: 200, has: ['topic,readings,bytes'] },
  { path: '/api/v1/latest', accept: 'image/png', status: 406, has: ['not_acceptable'] },
  { path: '/api/v1/nothing', status: 404, has: ['not_found'] },
  { path: '/api/v1/%zz', status: 400, has: ['bad_request'], hasNot: ['FST_'] },
  { path: '/api/v1/latest', method: 'DELETE', status: 405, has: ['method_not_allowed'] },
  { ...post, body: '{"topic":"open/x","payload":"1"', status: 400, has: ['not JSON'] },
  { ...post, body: '{"topic":"a/+","payload":"1"}', status: 400, has: ['"path":"/topic"'] },
  { ...post, body: '{"topic":"open/x","payload":5}', status: 400, has: ['payload_json'] },
  { ...post, body: `"${'x'.repeat(20_000)}"`, status: 413, has: ['payload_too_large'] },
  { ...post, body: '<a/>', type: 'text/xml', status: 415, has: ['unsupported_media_type'] },
  { ...post, body: '{"topic":"closed/x","payload":"1"}', user: 'guest', status: 403, has: ['forbidden'] },
  { path: '/healthz', user: null, status: 200 },
  { path: '/readyz', user: null, status: 200 },
  { path: '/', user: null, status: 200, has: ['/docs'] },
  { path: '/docs/', user: null, status: 200, has: ['swagger'], hasNot: ['https://'] },
  { path: '/openapi.json', user: null, status: 200, has: ['"openapi":"3.1.0"', '/api/v1/readings'] },
  { path: '/metrics', status: 200, has: ['amber_publishes_stored_total'] },
]

test.each(cases)('$method $path as $user answers $status', async (one) => {
  const headers: Record<string, string> = {}
  if (one.accept !== undefined) headers.accept = one.accept
  if (one.type !== undefined) headers['content-type'] = one.type
  const init: RequestInit & { user?: string | null } = { headers, method: one.method ?? 'GET' }
  if (one.body !== undefined) init.body = one.body
  if (one.user !== undefined) init.user = one.user
  const response = await server.ask(one.path, init)
  const text = await response.text()
  expect(response.status, text).toBe(one.status)
  for (const part of one.has ?? []) expect(text).toContain(part)
  for (const part of one.hasNot ?? []) expect(text).not.toContain(part)
  if (one.status >= 400) expect(response.headers.get('content-type')).toMatch(/^application\/problem\+json/)
})

test('payload_json is published as it was written', async () => {
  const body = '[{"topic":"open/j","payload_json":{"big":12345678901234567890, "s":"],}"}}]'
  const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body }
  expect((await server.ask('/api/v1/publish', init)).status).toBe(200)
  const text = await (await server.ask('/api/v1/latest?topic=open/j')).text()
  expect(text).toContain('"value":{"big":12345678901234567890, "s":"],}"}')
})

test.each(['asc', 'desc'])('paging %s gives each reading once while new ones arrive', async (order) => {
  for (let n = 0; n < 5; n++) await server.put(`page/${order}`, String(n))
  const seen: number[] = []
  let next: string | null = `/api/v1/readings?prefix=page/${order}&order=${order}&limit=2`
  while (next !== null) {
    const response: Response = await server.ask(next)
    const page = (await response.json()) as { data: { value: number }[] }
    seen.push(...page.data.map(({ value }) => value))
    if (seen.length === 2 && order === 'desc') await server.put('page/desc', '99')
    next = /<([^>]+)>/.exec(response.headers.get('link') ?? '')?.[1] ?? null
  }
  expect(seen).toEqual(order === 'asc' ? [0, 1, 2, 3, 4] : [4, 3, 2, 1, 0])
})

test('the time of every answer is counted, by route and status', async () => {
  await (await server.ask('/api/v1/topics?q=none')).text()
  await (await server.ask('/api/v1/nothing/here')).text()
  const text = await (await server.ask('/metrics')).text()
  expect(text).toMatch(
    /amber_http_request_seconds_count\{method="GET",route="\/api\/v1\/topics",status="200"\} \d/,
  )
  expect(text).toMatch(/amber_http_request_seconds_count\{method="GET",route="none",status="404"\} \d/)
})
