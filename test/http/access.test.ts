// Who gets in and what it costs: tokens, tickets, rates, tags, compression, request ids and the audit line.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { get } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import pino from 'pino'
import { afterEach, expect, test, vi } from 'vitest'
import { createToken, formatTokenFile } from '../../src/auth/tokens.ts'
import { codingOf } from '../../src/http/compress.ts'
import { openEvents } from './events.ts'
import { startTestServer, type TestOptions } from './server.ts'

const cleanUp: (() => unknown)[] = []
afterEach(async () => {
  for (const step of cleanUp.splice(0).reverse()) await step()
})
async function start(options: TestOptions = {}) {
  const server = await startTestServer(options)
  cleanUp.push(() => server.close())
  return server
}
async function withToken(grants: { read?: string[]; write?: string[]; expires?: string }) {
  const directory = mkdtempSync(join(tmpdir(), 'amber-access-'))
  cleanUp.push(() => rmSync(directory, { recursive: true, force: true }))
  const tokenFile = join(directory, 'tokens')
  const { token, entry } = createToken({
    name: 'probe',
    read: grants.read ?? [],
    write: grants.write ?? [],
    admin: false,
    created: '2026-01-01T00:00:00Z',
    expires: grants.expires ?? null,
  })
  writeFileSync(tokenFile, formatTokenFile([entry]))
  const server = await start({ tokenFile })
  const headers = { authorization: `Bearer ${token}` }
  const ask = (path: string, init: RequestInit = {}) =>
    server.ask(path, { ...init, user: null, headers: { ...headers, ...(init.headers as object) } })
  return { server, ask, tokenFile, token }
}
const publish = (topic: string) => ({
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ topic, payload: '1' }),
})

test('a token reads and writes the topics it is for, and nothing else', async () => {
  const { server, ask } = await withToken({ read: ['closed/#'], write: ['in/+'] })
  await server.put('closed/a', '1')
  await server.put('open/b', '2')
  const text = await (await ask('/api/v1/latest')).text()
  expect(text).toContain('closed/a')
  expect(text).not.toContain('open/b')
  expect((await ask('/api/v1/latest?topic=open/b')).status).toBe(403)
  expect((await ask('/api/v1/publish', publish('in/x'))).status).toBe(200)
  expect((await ask('/api/v1/publish', publish('closed/a'))).status).toBe(403)
})

test('an open stream ends when the time of its token is over, and names where to go on', async () => {
  const hourMs = 3_600_000
  const { server, token } = await withToken({
    read: ['#'],
    expires: new Date(Date.now() + hourMs).toISOString(),
  })
  const seq = await server.put('open/a', '1')
  const reader = await openEvents(`http://127.0.0.1:${server.port}/api/v1/stream`, {
    authorization: `Bearer ${token}`,
  })
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 2 * hourMs })
  try {
    await reader.ended
  } finally {
    vi.useRealTimers()
  }
  const last = reader.events.at(-1)
  expect(last?.event).toBe('unauthorized')
  expect(JSON.parse(last?.data ?? '')).toMatchObject({ last_seq: seq })
})

test('a revoked token is refused, and its open stream ends', async () => {
  const { server, ask, tokenFile, token } = await withToken({ read: ['#'] })
  expect((await ask('/api/v1/latest')).status).toBe(200)
  const stream = await openEvents(`http://127.0.0.1:${server.port}/api/v1/stream`, {
    authorization: `Bearer ${token}`,
  })
  writeFileSync(tokenFile, '')
  await stream.ended
  expect(stream.events.at(-1)?.event).toBe('unauthorized')
  const refused = await ask('/api/v1/latest')
  expect(refused.status).toBe(401)
  expect(refused.headers.get('www-authenticate')).toContain('Bearer')
})

test('a token whose day is over is refused', async () => {
  const { ask } = await withToken({ read: ['#'], expires: '2020-01-01T00:00:00Z' })
  expect((await ask('/api/v1/latest')).status).toBe(401)
})

test('a ticket opens a stream without a header, may only read, and ends with its time', async () => {
  const server = await start({ http: { ticket_lifetime_s: 1 } })
  const response = await server.ask('/api/v1/tickets', { method: 'POST', user: 'guest' })
  const { ticket } = (await response.json()) as { ticket: string }
  const url = `http://127.0.0.1:${server.port}/api/v1/stream?ticket=${ticket}`
  const stream = await openEvents(url)
  cleanUp.push(() => stream.close())
  await server.put('closed/a', '1')
  await server.put('open/a', '2')
  await stream.until((events) => events.length > 0)
  expect(stream.events[0]?.data).toContain('open/a')
  expect((await server.ask(`/api/v1/latest?ticket=${ticket}`, { user: null })).status).toBe(401)
  expect((await openEvents(`http://127.0.0.1:${server.port}/api/v1/stream?ticket=x`)).status).toBe(401)
  await delay(1100)
  expect((await openEvents(url)).status).toBe(401)
})

test('rates are told, counted for each login, and end in a 429', async () => {
  const { ask } = await start({ http: { requests_per_minute: 2 } })
  const first = await ask('/api/v1/latest')
  expect(first.headers.get('ratelimit-limit')).toBe('2')
  expect(first.headers.get('ratelimit-remaining')).toBe('1')
  await ask('/api/v1/latest')
  const third = await ask('/api/v1/latest')
  expect(third.status).toBe(429)
  expect(Number(third.headers.get('retry-after'))).toBeGreaterThan(0)
  expect(await third.json()).toMatchObject({ code: 'rate_limited' })
  expect((await ask('/api/v1/latest', { user: 'guest' })).status).toBe(200)
})

test('latest has a tag, and answers 304 until something of it changes', async () => {
  const { ask, put } = await start()
  await put('open/a', '1')
  const first = await ask('/api/v1/latest?prefix=open')
  const tag = first.headers.get('etag') ?? ''
  expect(tag).toMatch(/^W\/"/)
  const headers = { 'if-none-match': tag }
  await put('closed/other', '1')
  const same = await ask('/api/v1/latest?prefix=open', { headers })
  expect([same.status, await same.text()]).toEqual([304, ''])
  await put('open/a', '1')
  const changed = await ask('/api/v1/latest?prefix=open', { headers })
  expect(changed.status).toBe(200)
  expect(changed.headers.get('etag')).not.toBe(tag)
})

test.each([
  ['gzip', 1500],
  ['br', 1500],
  ['gzip', 200_000],
  ['br', 200_000],
])('an answer goes out as %s at %d bytes', async (coding, length) => {
  const { put, port } = await start()
  await put('open/a', 'x'.repeat(length))
  const authorization = `Basic ${btoa('admin:secret')}`
  const { headers, body } = await new Promise<{ headers: Record<string, unknown>; body: Buffer }>(
    (resolve) => {
      const path = '/api/v1/readings'
      get({ port, path, headers: { authorization, 'accept-encoding': coding } }, (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('end', () => resolve({ headers: response.headers, body: Buffer.concat(chunks) }))
      })
    },
  )
  expect(headers['content-encoding']).toBe(coding)
  expect(headers['vary']).toContain('Accept-Encoding')
  expect(body.length).toBeLessThan(length / 4)
  const text = String(coding === 'br' ? brotliDecompressSync(body) : gunzipSync(body))
  expect(JSON.parse(text)).toMatchObject({ data: [{ value: 'x'.repeat(length) }] })
})

test.each([
  ['', null],
  ['identity', null],
  ['gzip, deflate, br', 'br'],
  ['gzip;q=1, br;q=0.5', 'gzip'],
  ['gzip;q=0', null],
  ['br;q=x', null],
])('Accept-Encoding "%s" is answered with %s', (accept, coding) => {
  expect(codingOf(accept)).toBe(coding)
})

test('a request keeps a harmless id of the caller, and gets its own instead of another', async () => {
  const { ask } = await start()
  const idOf = async (id: string) =>
    (await ask('/healthz', { headers: { 'x-request-id': id } })).headers.get('x-request-id')
  expect(await idOf('trace-1.a:b')).toBe('trace-1.a:b')
  expect(await idOf('x"y z')).toMatch(/^[0-9a-f-]{36}$/)
})

test('a change leaves a line that says who asked for what, also when it was refused, and a publish none', async () => {
  const lines: Record<string, unknown>[] = []
  const log = pino({ level: 'info' }, { write: (line: string) => void lines.push(JSON.parse(line) as never) })
  const { ask } = await start({ log })
  await ask('/api/v1/tickets', { method: 'POST', headers: { 'x-request-id': 'r1' } })
  await ask('/api/v1/tickets', { method: 'POST', user: null })
  await ask('/api/v1/publish', publish('open/a'))
  await ask('/api/v1/latest')
  const audit = lines.filter((line) => 'audit' in line)
  expect(audit).toMatchObject([
    { audit: 'POST /api/v1/tickets', user: 'admin', address: '127.0.0.1', status: 200, request_id: 'r1' },
    { audit: 'POST /api/v1/tickets', user: null, status: 401 },
  ])
  expect(JSON.stringify(lines)).not.toContain('secret')
})
