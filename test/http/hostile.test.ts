// Hostile values for every parameter of every route, broken bodies and broken HTTP: refused with a problem, never a 500.

import { once } from 'node:events'
import { connect } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestServer } from './server.ts'

// Every operation is taken from the server's own document, so that a new route is tried without a word here.
const server = await startTestServer()
interface Operation {
  parameters?: { name: string; in: string }[]
  requestBody?: { content: Record<string, { example?: unknown; schema?: { examples?: unknown[] } }> }
}
const { paths } = (await (await server.ask('/openapi.json')).json()) as {
  paths: Record<string, Record<string, Operation>>
}
const operations = Object.entries(paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
)
beforeAll(async () => {
  for (let n = 0; n < 3; n++) await server.put('open/a', String(n))
  await server.put('open/b', 'text')
})
afterAll(() => server.close())

const isProm = (path: string): boolean => path.startsWith('/prometheus/')

/** Never a fault of the server, never a trace of it, and always the right envelope. */
async function checkAnswer(response: Response, path: string, what: string): Promise<number> {
  // A stream that was granted has no end.
  if (response.headers.get('content-type')?.includes('event-stream') === true) {
    await response.body?.cancel()
    return response.status
  }
  const text = await response.text()
  expect(response.status, `${what.slice(0, 150)}: ${text.slice(0, 300)}`).toBeLessThan(500)
  if (response.status < 400) return response.status
  expect(text, what.slice(0, 150)).not.toMatch(/at .*\.[jt]s:\d|node_modules|FST_|ERR_/)
  const answer = JSON.parse(text) as { code: string; status: number | string; error?: string }
  if (isProm(path)) {
    expect(answer).toMatchObject({ status: 'error', error: expect.any(String) })
  } else {
    expect(response.headers.get('content-type')).toMatch(/^application\/problem\+json/)
    expect(answer.status).toBe(response.status)
    expect(answer.code).toMatch(/^[a-z_]+$/)
  }
  return response.status
}

test('the document names every operation of the server', () => {
  expect(operations.length).toBeGreaterThan(40)
  expect(operations.filter(({ operation }) => operation.requestBody).length).toBeGreaterThan(8)
})

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
const cases = operations.flatMap(({ path, method, operation }) =>
  [{ name: 'x', in: 'query' }, ...(operation.parameters ?? [])].map(({ name, in: where }) => ({
    path,
    method,
    name,
    where,
  })),
)
const filled = (path: string): string => path.replaceAll(/\{[^}]+\}/g, 'x')

test.each(cases)('no value of $name makes $method $path fail', async ({ path, method, name, where }) => {
  const targets = values.flatMap((value, at) =>
    where === 'path'
      ? [path.replace(`{${name}}`, value).replaceAll(/\{[^}]+\}/g, 'x')]
      : [`${name}=${value}`, `${name}=${value}&${name}=${value}`, `${name}[]=${value}`]
          // A name with brackets is another one, whatever its value.
          .slice(0, at < 3 ? 3 : 2)
          .map((query) => `${filled(path)}?${query}`),
  )
  for (const target of targets) {
    await checkAnswer(await server.ask(target, { method }), path, target)
  }
})

const bodies: [string, string | Buffer][] = [
  ['nothing', ''],
  ['half an object', '{"topic":"open/x"'],
  ['a number', '5'],
  ['null', 'null'],
  ['a list of wrong things', '[1,null,"x",[],{}]'],
  ['an empty object', '{}'],
  ['members of every name', '{"__proto__":{},"constructor":1,"name":{},"password":[],"topic":null,"user":7}'],
  ['what is not UTF-8', Buffer.from([0xff, 0xfe, 0x00, 0x80])],
  ['half a surrogate pair', '{"topic":"a\\ud800","name":"\\ud800","password":"\\ud800"}'],
  ['deep nesting', '['.repeat(5000)],
  ['a line of a megabyte', 'x'.repeat(1_000_000)],
  ['quotes without an end', '"'.repeat(9999)],
  ['a form', 'a=1&b=%ff&c'],
  ['YAML with an alias bomb', `a: &a [x]\n${'b: [*a,*a,*a]\n'.repeat(50)}`],
]
const types = [
  'application/json',
  'text/plain',
  'application/xml',
  'multipart/form-data',
  '',
  'a/b; c=\u00e4',
]
const bodyCases = operations
  .filter(({ method }) => method !== 'GET')
  .flatMap(({ path, method, operation }) =>
    bodies.map(([name, body]) => ({ path, method, operation, name, body })),
  )

test.each(bodyCases)(
  '$method $path takes $name without failing',
  async ({ path, method, operation, body }) => {
    const documented = Object.keys(operation.requestBody?.content ?? {})
    const [known] = documented
    for (const type of new Set([...documented, ...types])) {
      for (const coding of type === known ? ['', 'gzip', 'zstd'] : ['']) {
        const headers = { 'content-type': type, ...(coding === '' ? {} : { 'content-encoding': coding }) }
        const sent = body.length === 0 ? {} : { body: typeof body === 'string' ? body : new Uint8Array(body) }
        const response = await server.ask(filled(path), { method, headers, ...sent })
        await checkAnswer(response, path, `${type} ${coding} ${String(body).slice(0, 40)}`)
      }
    }
  },
)

test.each(operations.filter(({ operation }) => operation.requestBody))(
  'a body of $method $path that is cut off stores nothing and harms nobody',
  async ({ path, method, operation }) => {
    const [type = ''] = Object.keys(operation.requestBody?.content ?? {})
    const before = server.store.status.readings
    const socket = connect(server.port, '127.0.0.1')
    socket.on('error', () => socket.destroy())
    const authorization = `Basic ${btoa('admin:secret')}`
    socket.write(
      `${method} ${filled(path)} HTTP/1.1\r\nHost: x\r\nAuthorization: ${authorization}\r\nContent-Type: ${type}\r\n` +
        'Content-Length: 5000\r\n\r\n{"topic":"open/cut","payload":"1"',
    )
    await once(socket, 'connect')
    socket.end()
    socket.resume()
    await once(socket, 'close')
    expect((await server.ask('/api/v1/latest')).status).toBe(200)
    expect(server.store.status.readings).toBe(before)
  },
)

test('after all that the server is what it was', async () => {
  expect((await server.ask('/readyz')).status).toBe(200)
  expect((await server.ask('/api/v1/latest?topic=open/b')).status).toBe(200)
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
