// GET /api/v1/stream through the real server: backlog and live without a gap and without a repeat, and what becomes of
// readers that are slow, idle, not allowed, or ahead of everything stored.

import { setTimeout as delay } from 'node:timers/promises'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import pino from 'pino'
import { startApp } from '../../src/app.ts'
import { loadConfig } from '../../src/config/load.ts'
import type { Metrics } from '../../src/ops/metrics.ts'
import { type Events, openEvents } from './events.ts'
import { startTestServer, type TestOptions } from './server.ts'

const cleanUp: (() => unknown)[] = []
afterEach(async () => {
  for (const step of cleanUp.splice(0).reverse()) await step()
})
const basic = (user: string): string => `Basic ${Buffer.from(`${user}:secret`).toString('base64')}`

async function setUp(options: TestOptions = {}) {
  const server = await startTestServer(options)
  cleanUp.push(() => server.close())
  const open = async (query: string, headers: Record<string, string> = {}): Promise<Events> => {
    const url = `http://127.0.0.1:${server.port}/api/v1/stream${query}`
    const events = await openEvents(url, { authorization: basic('admin'), ...headers })
    cleanUp.push(() => events.close())
    return events
  }
  return { server, open }
}
const values = ({ events }: Events): unknown[] =>
  events.map(({ data }) => (JSON.parse(data) as { value: unknown }).value)
const seqs = ({ events }: Events): number[] => events.map(({ id }) => Number(id))
const openStreams = async ({ metrics }: { metrics: Metrics }): Promise<number> =>
  (await metrics.streams.get()).values[0]?.value ?? 0
const count = (n: number) => (events: readonly unknown[]) => events.length >= n

test('what comes is sent as events whose id is the seq', async () => {
  const { server, open } = await setUp()
  await server.put('open/a', '1')
  const reader = await open('?topic=open/%2B')
  expect(reader.status).toBe(200)
  const second = await server.put('open/a', '{"t":\n2}')
  await server.put('closed/b', '3')
  const fourth = await server.put('open/b', '4')
  await reader.until(count(2))
  expect(values(reader)).toEqual([{ t: 2 }, 4])
  expect(seqs(reader)).toEqual([second, fourth])
  expect(JSON.parse(reader.events[0]?.data ?? '')).toMatchObject({ topic: 'open/a', seq: second, fields: {} })
})

test('since sends first what was stored after that seq, and Last-Event-ID goes before it', async () => {
  const { server, open } = await setUp()
  const given: number[] = []
  for (let n = 1; n <= 5; n++) given.push(await server.put('open/a', String(n)))
  const reader = await open(`?since=${given[1]}`)
  const again = await open(`?since=${given[1]}`, { 'last-event-id': String(given[3]) })
  await server.put('open/a', '6')
  await reader.until(count(4))
  await again.until(count(2))
  expect(values(reader)).toEqual([3, 4, 5, 6])
  expect(values(again)).toEqual([5, 6])
})

test('a reader that breaks off at any moment and comes back sees each reading once while publishing goes on', async () => {
  const { server, open } = await setUp()
  const total = 3000
  const given: number[] = []
  const publishing = (async () => {
    for (let n = 0; n < total; n += 3) {
      const three = [1, 2, 3].map((one) => server.put(`open/${one % 2}`, String(n + one)))
      given.push(...(await Promise.all(three)))
      if (n % 30 === 0) await delay(1)
    }
  })()
  const seen: number[] = []
  let last = '0'
  for (let round = 0; seen.length < total; round++) {
    const reader = await open('', { 'last-event-id': last })
    await reader.until(count(Math.min(1 + ((round * 37) % 200), total - seen.length)))
    reader.close()
    seen.push(...seqs(reader))
    last = reader.lastId()
  }
  await publishing
  expect(seen).toEqual(given)
})

test('a guest is sent only what he may read, and refused a single topic he may not', async () => {
  const { server, open } = await setUp()
  await server.put('closed/a', '1')
  await server.put('open/a', '2')
  const reader = await open('?since=0', { authorization: basic('guest') })
  await server.put('closed/a', '3')
  await server.put('open/a', '4')
  await reader.until(count(2))
  expect(values(reader)).toEqual([2, 4])
  expect((await open('?topic=closed/a', { authorization: basic('guest') })).status).toBe(403)
})

test('an idle reader hears signs of life that move its number on', async () => {
  const { server, open } = await setUp({ limits: { stream_heartbeat_ms: 20 } })
  const reader = await open('?topic=quiet')
  await server.put('open/a', '1')
  const newest = await server.put('open/a', '2')
  while (reader.lastId() !== String(newest)) await delay(10)
  expect(reader.events).toEqual([])
  expect(reader.text()).toContain(': alive')
})

test('a slow reader is told, let go, and can come back for the rest; others and publishers do not wait', async () => {
  const { server, open } = await setUp()
  const slow = await open('')
  const quick = await open('')
  slow.pause()
  const payload = 'x'.repeat(20_000)
  const given: number[] = []
  let n = 0
  for (; n < 1500 && (await openStreams(server)) > 1; n++) {
    given.push(await server.put('open/big', payload))
    if (n % 10 === 0) await delay(1)
  }
  expect(n).toBeLessThan(1500)
  await quick.until(count(n))
  slow.resume()
  await slow.ended
  const parting = slow.events.at(-1)
  expect(parting?.event).toBe('dropped')
  expect(await server.metrics.streamsDropped.get()).toMatchObject({ values: [{ value: 1 }] })
  expect(JSON.parse(parting?.data ?? '')).toMatchObject({ reason: expect.stringContaining('too slow') })
  const back = await open('', { 'last-event-id': slow.lastId() })
  await back.until(count(n - slow.events.length + 1))
  expect([...seqs(slow).slice(0, -1), ...seqs(back)]).toEqual(given)
})

test('a number newer than anything stored is told as a reset', async () => {
  const { server, open } = await setUp()
  const first = await server.put('open/a', '1')
  const reader = await open(`?since=${first + 77}`)
  const second = await server.put('open/a', '2')
  await reader.until(count(2))
  expect(reader.events[0]).toEqual({ event: 'reset', id: String(first), data: `{"last_seq":${first}}` })
  expect(seqs(reader)).toEqual([first, second])
})

test.each([['?since=x'], ['?since=-1'], ['?snce=1'], ['?raw=2'], ['?topic=a%23']])(
  '%s is refused',
  async (query) => {
    const { open } = await setUp()
    expect((await open(query)).status).toBe(400)
  },
)

test('a broken Last-Event-ID is refused, and so is one stream too many', async () => {
  const { open } = await setUp({ limits: { stream_readers: 1 } })
  expect((await open('', { 'last-event-id': '1; drop' })).status).toBe(400)
  expect((await open('')).status).toBe(200)
  expect((await open('')).status).toBe(429)
})

test('a stop of the server tells every reader', async () => {
  const { server, open } = await setUp()
  const reader = await open('')
  await server.close()
  await reader.ended
  expect(reader.events.at(-1)?.event).toBe('closing')
})

test('over a restart of the real server nothing is missed and nothing is sent twice', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'amber-stream-'))
  cleanUp.push(() => rm(directory, { recursive: true, force: true }))
  await writeFile(join(directory, 'passwd'), 'admin:secret\n')
  const flags = {
    'mqtt.port': '0',
    'http.port': '0',
    'mqtt.host': '127.0.0.1',
    'http.host': '127.0.0.1',
    'store.path': join(directory, 'data'),
    'auth.password_file': join(directory, 'passwd'),
  }
  const config = loadConfig({ flags, env: {}, cwd: directory })
  const start = () => startApp(config, { log: pino({ level: 'silent' }), program: 'amber' })
  const authorization = basic('admin')
  const headers = { authorization, 'content-type': 'application/json' }
  const seen: number[] = []
  let last = '0'
  for (let run = 0; run < 3; run++) {
    const app = await start()
    const url = `http://127.0.0.1:${app.http.port}`
    const reader = await openEvents(`${url}/api/v1/stream?prefix=a`, { authorization, 'last-event-id': last })
    const send = (n: number) =>
      fetch(`${url}/api/v1/publish`, { method: 'POST', headers, body: `{"topic":"a/b","payload_json":${n}}` })
    for (let n = 0; n < 20; n++) {
      expect((await send(run * 25 + n)).status).toBe(200)
    }
    await reader.until(count(run === 0 ? 20 : 25))
    // These the reader is not there for.
    reader.close()
    await reader.ended
    seen.push(...(values(reader) as number[]))
    last = reader.lastId()
    for (let n = 20; n < 25; n++) await send(run * 25 + n)
    await app.stop()
  }
  expect(seen).toEqual(Array.from({ length: 70 }, (_one, at) => at))
})

test('min_seq waits until that reading is stored, and is refused when it does not come', async () => {
  const { server } = await setUp()
  const first = await server.put('open/a', '1')
  const waiting = server.ask(`/api/v1/latest?min_seq=${first + 1}`)
  await delay(30)
  const second = await server.put('open/a', '2')
  expect(await (await waiting).json()).toMatchObject({ data: [{ seq: second, value: 2 }] })
  const gone = new AbortController()
  const never = server.ask(`/api/v1/readings?min_seq=${second + 99}`, { signal: gone.signal })
  gone.abort()
  await expect(never).rejects.toThrow()
})
