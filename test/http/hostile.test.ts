// Hostile values for every parameter of every route, broken bodies and broken HTTP: refused with a problem, never a 500.

import { once } from 'node:events'
import { connect } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestServer } from './server.ts'

let server: Awaited<ReturnType<typeof startTestServer>>
beforeAll(async () => {
  server = await startTestServer()
  for (let n = 0; n < 3; n++) await server.put('open/a', String(n))
  await server.put('open/b', 'text')
})
afterAll(() => server.close())

const shared = ['topic', 'prefix', 'format', 'time', 'limit', 'cursor']
const parameters: Record<string, string[]> = {
  '/api/v1/topics': [...shared, 'q'],
  '/api/v1/latest': [...shared, 'fields', 'raw', 'as_of', 'min_seq'],
  '/api/v1/readings': [...shared, 'fields', 'raw', 'from', 'to', 'order', 'min_seq'],
  '/api/v1/aggregate': [
    ...shared.slice(0, 4),
    'field',
    'from',
    'to',
    'every',
    'fn',
    'fill',
    'group',
    'tz',
    'shape',
  ],
  '/api/v1/export': ['topic', 'prefix', 'from', 'to', 'format', 'fields', 'ticket'],
  '/api/v1/clients': ['format', 'time', 'limit', 'cursor'],
  '/api/v1/retained': ['topic', 'prefix', 'format', 'limit', 'cursor'],
  '/api/v1/presence': ['client', 'from', 'to', 'limit', 'time'],
  '/api/v1/me': ['topic'],
  '/api/v1/access': ['topic', 'user', 'token', 'client_id'],
  '/api/v1/stats': ['x'],
  '/metrics': ['x'],
  '/healthz': ['x'],
  '/readyz': ['x'],
  '/': ['x'],
}
const values = [
  '',
  '%00',
  '%ff',
  '%',
  '%ed%a0%80',
  '%F0%9F%8C%A1',
  '%0d%0aSet-Cookie:x',
  '-1',
  '0',
  '1e999',
  '99999999999999999999',
  'NaN',
  '9999999999999999999y',
  '-99999999d',
  '+1h',
  '0000-00-00',
  '%23',
  'a/%23/b',
  '+',
  '__proto__',
  'constructor',
  '[]',
  '{"a":1}',
  '../../etc/passwd',
  "'; drop table readings; --",
  'W10',
  'WyJ4Iiwx',
  'eyJhIjoxfQ',
  'a'.repeat(20_000),
]
const cases = Object.entries(parameters).flatMap(([path, names]) => names.map((name) => ({ path, name })))

test.each(cases)('no value of $name makes $path fail', async ({ path, name }) => {
  for (const value of values) {
    for (const query of [`${name}=${value}`, `${name}=${value}&${name}=${value}`, `${name}[]=${value}`]) {
      const response = await server.ask(`${path}?${query}`)
      const text = await response.text()
      expect(response.status, `${query.slice(0, 100)}: ${text.slice(0, 300)}`).toBeLessThan(500)
      if (response.status === 200) continue
      expect(response.headers.get('content-type')).toMatch(/^application\/problem\+json/)
      const problem = JSON.parse(text) as { code: string; status: number; detail: string }
      expect(problem.status).toBe(response.status)
      expect(problem.code).toMatch(/^[a-z_]+$/)
      expect(text).not.toMatch(/at .*\.[jt]s:\d|node_modules|FST_/)
    }
  }
})

test.each(['<a', 'Basic', 'Basic !!!', 'Basic YQ==', 'Bearer abc', `Basic ${'A'.repeat(9000)}`, ''])(
  'the Authorization header "%s" is a 401 that asks for Basic',
  async (authorization) => {
    const response = await server.ask('/api/v1/latest', { user: null, headers: { authorization } })
    expect(response.status).toBe(401)
    expect(response.headers.get('www-authenticate')).toMatch(/^Basic realm=/)
    expect(await response.json()).toMatchObject({ code: 'unauthorized' })
  },
)

const deep = (n: number) => '['.repeat(n) + ']'.repeat(n)
test.each([
  ['nothing', '', 400],
  ['half an object', '{"topic":"open/x"', 400],
  ['half a string', '{"topic":"op', 400],
  ['a number', '5', 400],
  ['null', 'null', 400],
  ['a string', '"x"', 400],
  ['an array of wrong things', '[1,null,"x",[]]', 400],
  ['no payload', '{"topic":"open/x"}', 400],
  ['two payloads', '{"topic":"open/x","payload":"","payload_json":1}', 400],
  ['no topic', '{"payload":"1"}', 400],
  ['an empty topic', '{"topic":"","payload":"1"}', 400],
  ['U+0000 in the topic', '{"topic":"a\\u0000","payload":"1"}', 400],
  ['half a surrogate pair in the topic', '{"topic":"a\\ud800","payload":"1"}', 400],
  ['half a surrogate pair in the payload', '{"topic":"open/x","payload":"\\ud800"}', 400],
  ['a wildcard', '{"topic":"#","payload":"1"}', 400],
  ['QoS 3', '{"topic":"open/x","payload":"1","qos":3}', 400],
  ['QoS as text', '{"topic":"open/x","payload":"1","qos":"1"}', 400],
  ['retain as number', '{"topic":"open/x","payload":"1","retain":1}', 400],
  ['an unknown member', '{"topic":"open/x","payload":"1","ttl":1}', 400],
  ['__proto__', '{"topic":"open/x","payload":"1","__proto__":{}}', 400],
  ['bad base64', '{"topic":"open/x","payload_base64":"a"}', 400],
  ['a topic of the server', '{"topic":"$SYS/x","payload":"1"}', 403],
  ['deep nesting', deep(4000), 400],
  ['more messages than a batch', JSON.stringify(Array(11).fill({ topic: 'open/x', payload: '' })), 413],
  ['more bytes than a body', JSON.stringify({ topic: 'open/x', payload: 'x'.repeat(10_001) }), 413],
])('a publish of %s is refused and nothing is stored', async (_name, body, status) => {
  const before = server.store.status.readings
  const response = await server.ask('/api/v1/publish', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
  })
  const text = await response.text()
  expect(response.status, text).toBe(status)
  expect(text).not.toMatch(/at .*\.[jt]s:\d|FST_/)
  expect(server.store.status.readings).toBe(before)
})

test('a body that is not UTF-8 is refused', async () => {
  const body = Buffer.concat([
    Buffer.from('{"topic":"open/x","payload":"'),
    Buffer.from([0xff]),
    Buffer.from('"}'),
  ])
  const headers = { 'content-type': 'application/json' }
  const response = await server.ask('/api/v1/publish', { method: 'POST', headers, body })
  expect(response.status).toBe(400)
  expect(await response.text()).toContain('UTF-8')
})

test.each([
  ['no HTTP', 'EHLO example.org\r\n\r\n', '400'],
  ['a header without end', `GET / HTTP/1.1\r\nHost: x\r\nX: ${'y'.repeat(300_000)}\r\n\r\n`, '4'],
  ['a bad content length', 'POST /api/v1/publish HTTP/1.1\r\nHost: x\r\nContent-Length: z\r\n\r\n', '400'],
])('%s is answered with a problem and the connection closed', async (_name, bytes, status) => {
  const socket = connect(server.port, '127.0.0.1')
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  socket.on('error', () => socket.destroy())
  socket.write(bytes)
  await once(socket, 'close')
  expect(Buffer.concat(chunks).toString()).toMatch(new RegExp(`^HTTP/1\\.1 ${status}`))
  expect((await server.ask('/healthz')).status).toBe(200)
})
