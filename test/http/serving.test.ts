// Publishing, failing, starting and stopping: what a client sees when the store or the port is not there.

import { afterEach, expect, test } from 'vitest'
import { AppError } from '../../src/domain/errors.ts'
import { startTestServer, type TestOptions } from './server.ts'

const running: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const server of running.splice(0)) await server.close()
})
const start = async (options: TestOptions = {}) => {
  const server = await startTestServer(options)
  running.push(server)
  return server
}
const post = (body: unknown) => ({
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
})

test('one message gives its seq, an array an array of them, in order', async () => {
  const { ask } = await start()
  const one = await ask('/api/v1/publish', post({ topic: 'open/a', payload: '1' }))
  const { seq } = (await one.json()) as { seq: number }
  expect(seq).toBeGreaterThan(0)
  const batch = [2, 3, 4].map((n) => ({ topic: 'open/a', payload_json: n }))
  const answers = (await (await ask('/api/v1/publish', post(batch))).json()) as { seq: number }[]
  expect(answers).toEqual(Array.from(answers, () => ({ seq: expect.any(Number) as number })))
  expect(answers).toHaveLength(3)
  const seqs = [seq, ...answers.map((answer) => answer.seq)]
  expect(seqs).toEqual(seqs.toSorted((a, b) => a - b))
  expect(new Set(seqs).size).toBe(4)
  expect(await (await ask('/api/v1/publish', post([]))).json()).toEqual([])
})

test('what was acknowledged is in the very next read, also with to=now', async () => {
  const { ask } = await start()
  for (let n = 0; n < 50; n++) {
    await ask('/api/v1/publish', post({ topic: 'open/next', payload: String(n) }))
    for (const to of ['', '&to=now']) {
      const text = await (await ask(`/api/v1/readings?topic=open/next&limit=1${to}`)).text()
      expect(text).toContain(`"value":${n},`)
    }
  }
})

test.each(['latest', 'readings'])(
  'who waits for a min_seq in %s that never comes holds up nobody, and is told',
  async (route) => {
    const { ask } = await start({ limits: { query_concurrency: 1, query_time_ms: 5000 } })
    const waits = ask(`/api/v1/${route}?min_seq=${Number.MAX_SAFE_INTEGER}`)
    let isWaiting = true
    void waits.finally(() => (isWaiting = false))
    for (let n = 0; n < 2; n++) expect((await ask('/api/v1/latest')).status).toBe(200)
    expect(isWaiting).toBe(true)
    const told = await waits
    expect([told.status, await told.json()]).toMatchObject([422, { errors: [{ path: 'min_seq' }] }])
  },
)

test('more than so many that wait for a min_seq are told to come later, and those that wait are answered', async () => {
  const { ask, put } = await start({ waitersMax: 2, limits: { query_concurrency: 1 } })
  let last = 0
  for (let round = 0; round < 2; round++) {
    const three = [0, 1, 2].map(() => ask(`/api/v1/latest?min_seq=${last + 1}`))
    const told = await Promise.race(three)
    expect([told.status, await told.json()]).toMatchObject([
      429,
      { code: 'rate_limited', errors: [{ path: 'min_seq' }] },
    ])
    expect(Number(told.headers.get('retry-after'))).toBeGreaterThan(0)
    last = await put('open/a', '1')
    const statuses = (await Promise.all(three)).map(({ status }) => status)
    expect(statuses.toSorted((a, b) => a - b)).toEqual([200, 200, 429])
  }
})

test('a batch with one forbidden topic publishes nothing', async () => {
  const { ask, store } = await start()
  const batch = [
    { topic: 'open/a', payload: '1' },
    { topic: 'closed/a', payload: '1' },
  ]
  expect((await ask('/api/v1/publish', { ...post(batch), user: 'guest' })).status).toBe(403)
  expect(store.status.readings).toBe(0)
})

test('clients of InfluxDB find the server, without a login', async () => {
  const server = await start()
  const ping = await server.ask('/ping', { user: null })
  expect([ping.status, ping.headers.get('x-influxdb-version')]).toEqual([204, 'v2.7.0'])
  const verbose = await server.ask('/ping?verbose=true', { user: null })
  expect([verbose.status, await verbose.json()]).toEqual([200, { version: 'v2.7.0' }])
  const health = await server.ask('/health', { user: null })
  expect([health.status, await health.json()]).toMatchObject([200, { status: 'pass' }])
})

test('a store that takes no writes is a 503 with Retry-After, and readyz says so', async () => {
  const { ask } = await start({
    publish: () => Promise.reject(new AppError('store_full', 'the disk is full')),
    isReady: () => false,
  })
  const response = await ask('/api/v1/publish', post({ topic: 'open/a', payload: '1' }))
  expect(response.status).toBe(503)
  expect(response.headers.get('retry-after')).toBe('1')
  expect(await response.json()).toMatchObject({ code: 'store_full', detail: 'the disk is full' })
  expect((await ask('/readyz', { user: null })).status).toBe(503)
  const health = await ask('/health', { user: null })
  expect([health.status, await health.json()]).toMatchObject([503, { status: 'fail' }])
  expect((await ask('/healthz', { user: null })).status).toBe(200)
})

test('a batch stored in part says which messages were not', async () => {
  let calls = 0
  const { ask } = await start({
    publish: () =>
      ++calls === 2 ? Promise.reject(new AppError('store_overloaded', 'behind')) : Promise.resolve(calls),
  })
  const response = await ask(
    '/api/v1/publish',
    post([1, 2, 3].map((n) => ({ topic: 'open/a', payload_json: n }))),
  )
  expect(response.status).toBe(503)
  expect(await response.json()).toMatchObject({ code: 'store_overloaded', errors: [{ path: '/1' }] })
})

test("a fault of the server's own is a 500 that tells nothing of it", async () => {
  const { ask } = await start({ publish: () => Promise.reject(new Error('secret path /etc/x')) })
  const response = await ask('/api/v1/publish', post({ topic: 'open/a', payload: '1' }))
  const text = await response.text()
  expect(response.status).toBe(500)
  expect(text).toContain('"code":"internal"')
  expect(text).not.toContain('secret')
})

test('stats holds the sizes and the ledger', async () => {
  const { ask } = await start()
  const answer = await ask('/api/v1/publish', post({ topic: 'open/a', payload: '1' }))
  const { seq } = (await answer.json()) as { seq: number }
  expect(await (await ask('/api/v1/stats')).json()).toMatchObject({
    store: { engine: 'memory', state: 'ok', readings: 1, topics: 1, last_seq: seq },
    ledger: { http: { received: 1, stored: 1, rejected: 0, deduplicated: 0, discarded: 0 } },
  })
})

test('a port in use is an AppError that names it', async () => {
  const { port } = await start()
  await expect(startTestServer({ http: { port } })).rejects.toMatchObject({
    code: 'port_in_use',
    message: expect.stringContaining(String(port)) as string,
  })
})

test.each([
  { cors: [], allowed: null },
  { cors: ['https://other.example'], allowed: null },
  { cors: ['https://page.example'], allowed: 'https://page.example' },
  { cors: ['*'], allowed: '*' },
])('with http.cors $cors a page elsewhere is let in as $allowed', async ({ cors, allowed }) => {
  const { ask } = await start({ http: { cors } })
  const origin = 'https://page.example'
  const preflight = await ask('/api/v1/latest', {
    method: 'OPTIONS',
    user: null,
    headers: { origin, 'access-control-request-method': 'GET' },
  })
  expect(preflight.headers.get('access-control-allow-origin')).toBe(allowed)
  expect(preflight.status === 204).toBe(allowed !== null)
  const response = await ask('/api/v1/latest', { headers: { origin } })
  expect(response.headers.get('access-control-allow-origin')).toBe(allowed)
})
