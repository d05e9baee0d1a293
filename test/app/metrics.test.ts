// Every metric of a real server moves with what it measures, and the ledger balances afterwards.

import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import mqtt from 'mqtt'
import { generate } from 'mqtt-packet'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { account, type Home, makeHome, type TestServer } from './server.ts'

let home: Home
let server: TestServer
beforeAll(async () => {
  home = makeHome()
  writeFileSync(join(home.path, 'rules.yaml'), 'rules:\n  - { name: none, topic: noise/#, store: none }\n')
  server = await home.start([
    `--rules.file=${join(home.path, 'rules.yaml')}`,
    '--mqtt.max_queued_messages=2',
    '--mqtt.max_connections=20',
    '--limits.stream_buffer_bytes=1024',
    '--limits.query_concurrency=1',
  ])
})
afterAll(() => home.remove())

/** Moved by damage, rolls and minutes, which tests of the store bring about; test/ops holds its status against these. */
const elsewhere = new Set(['amber_store_damaged_records', 'amber_store_blocks', 'amber_store_disk_bytes'])

type Look = Map<string, string>
async function look(): Promise<Look> {
  const text = await (await server.request('/metrics')).text()
  const found: Look = new Map()
  for (const [, name = ''] of text.matchAll(/^# TYPE (\S+)/gm)) {
    const own = text.split('\n').filter((line) => new RegExp(`^${name}(_count|_sum|_bucket)?[ {]`).test(line))
    found.set(name, own.join('\n'))
  }
  return found
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo()));
}

const connectMqtt = (options: mqtt.IClientOptions = {}) =>
  mqtt.connectAsync(`mqtt://127.0.0.1:${server.mqttPort}`, {
    ...account,
    protocolVersion: 5,
    reconnectPeriod: 0,
    ...options,
  })

/** A QoS 2 publish that comes twice before it is released. */
async function publishTwice(): Promise<void> {
  const socket = connect(server.mqttPort, '127.0.0.1')
  const connack = once(socket, 'data')
  const { username, password } = account
  socket.write(
    generate({ cmd: 'connect', clientId: 'twice', username, password: Buffer.from(password), clean: true }),
  )
  await connack
  for (const dup of [false, true]) {
    const pubrec = once(socket, 'data')
    socket.write(
      generate({ cmd: 'publish', topic: 'm/2', payload: '1', qos: 2, messageId: 7, dup, retain: false }),
    )
    await pubrec
  }
  socket.destroy()
}

const json = { 'content-type': 'application/json' }
const publishHttp = (topic: string, payload: string): Promise<Response> =>
  server.request('/api/v1/publish', {
    method: 'POST',
    headers: json,
    body: JSON.stringify({ topic, payload, qos: 1 }),
  })

/** Opens a stream and reads nothing of it. */
function slowReader(): Socket {
  const socket = connect(server.httpPort, '127.0.0.1')
  socket.pause()
  const login = btoa(`${account.username}:${account.password}`)
  socket.write(`GET /api/v1/stream HTTP/1.1\r\nHost: x\r\nAuthorization: Basic ${login}\r\n\r\n`)
  return socket
}

const actions: Record<string, () => Promise<void>> = {
  async 'MQTT publishes, retained ones, a refused one, one of a topic that is not stored'() {
    const client = await connectMqtt()
    await client.subscribeAsync('m/1')
    const delivered = new Promise((resolve) => client.once('message', resolve))
    await client.publishAsync('m/1', '{"t":1}', { qos: 1 })
    await delivered
    await client.publishAsync('m/kept', '2', { qos: 1, retain: true })
    await client.publishAsync('noise/1', '3', { qos: 1 })
    await expect(client.publishAsync('$SYS/x', '4', { qos: 1 })).rejects.toThrow()
    await client.endAsync()
  },
  'a QoS 2 publish that comes twice': publishTwice,
  async 'a session that is away and gets more than its queue holds'() {
    const options = { clientId: 'away', clean: false, properties: { sessionExpiryInterval: 600 } }
    const client = await connectMqtt(options)
    await client.subscribeAsync('away/#', { qos: 1 })
    await client.endAsync()
    for (let n = 0; n < 5; n++) expect((await publishHttp('away/1', 'x')).status).toBe(200)
  },
  async 'more connections than there may be'() {
    const sockets = Array.from({ length: 30 }, () => connect(server.mqttPort, '127.0.0.1'))
    for (const socket of sockets) socket.on('error', () => socket.destroy())
    await until(async () => (await look()).get('amber_connections_refused_total')?.includes('max_') === true)
    for (const socket of sockets) socket.destroy()
  },
  async 'a reader of a stream that is too slow'() {
    const socket = slowReader()
    const payload = 'x'.repeat(100_000)
    await until(async () => {
      await Promise.all([1, 2, 3, 4, 5].map(() => publishHttp('s/1', payload)))
      return (await remember()).get('amber_http_streams_dropped_total')?.endsWith(' 0') === false
    })
    socket.destroy()
  },
  async 'queries of every kind, more at one time than may run, and one that fails'() {
    for (const path of [
      'topics',
      'latest',
      'aggregate?from=-1d',
      'readings?from=-1d',
      'export?format=csv&fields=*',
    ])
      expect((await server.request(`/api/v1/${path}`)).status).toBe(200)
    await server.request('/prometheus/api/v1/query?query=t')
    await server.request('/prometheus/api/v1/labels')
    await server.request('/api/v1/aggregate?from=-1y&every=1s')
    // A million numbers in windows: long enough for others to be let in, and for those behind it to wait.
    const search = new URLSearchParams({
      query: 'max_over_time(vector(time())[1h:1s])',
      start: '1700000000',
      end: '1700060000',
      step: '60',
    })
    let isSeen = false
    const asking = (async () => {
      const ask = (): Promise<Response> =>
        server.request(`/prometheus/api/v1/query_range?${search.toString()}`)
      while (!isSeen) await Promise.all(Array.from({ length: 5 }, ask))
    })()
    await until(async () => {
      const now = await remember()
      return (
        now.get('amber_queries_waiting')?.endsWith(' 0') === false &&
        now.get('amber_queries_running')?.endsWith(' 1') === true
      )
    })
    isSeen = true
    await asking
  },
  async 'an export that is not read at once'() {
    const answer = await server.request('/api/v1/export?topic=s/1')
    await remember()
    await answer.body?.cancel()
    await until(async () => (await remember()).get('amber_http_exports')?.endsWith(' 0') === true)
  },
  async 'readings on their way'() {
    // mqtt.js keeps to no Receive Maximum of MQTT 5.
    const client = await connectMqtt({ protocolVersion: 4 })
    let isSeen = false
    const publishing = (async () => {
      for (let n = 0; !isSeen; n++)
        await Promise.all(
          Array.from({ length: 200 }, () => client.publishAsync('p/1', String(n), { qos: 1 })),
        )
    })()
    await until(async () => (await remember()).get('amber_store_pending_readings')?.endsWith(' 0') === false)
    isSeen = true
    await publishing
    await client.endAsync()
  },
}

const seen = new Map<string, Set<string>>()
async function remember(): Promise<Look> {
  const now = await look()
  for (const [name, samples] of now) seen.set(name, (seen.get(name) ?? new Set()).add(samples))
  return now
}

test.each(Object.keys(actions))('%s', async (name) => {
  await remember()
  await actions[name]?.()
  await remember()
})

test('every metric has moved', () => {
  const names = [...seen.keys()].filter((name) => name.startsWith('amber_'))
  expect(names.length).toBeGreaterThan(30)
  const still = names.filter((name) => (seen.get(name)?.size ?? 0) < 2 && !elsewhere.has(name))
  expect(still).toEqual([])
})

test('the ledger balances for every source, and the store holds what it says', async () => {
  const { ledger, store } = (await (await server.request('/api/v1/stats')).json()) as {
    ledger: Record<string, Record<string, number>>
    store: { readings: number }
  }
  for (const [source, { received, stored, rejected, deduplicated, discarded }] of Object.entries(ledger)) {
    const sum = [stored, rejected, deduplicated, discarded].reduce<number>((a, b) => a + (b ?? 0), 0)
    expect(sum, source).toBe(received)
  }
  const total = Object.values(ledger).reduce((sum, { stored = 0 }) => sum + stored, 0)
  expect(total).toBe(store.readings)
  for (const kind of ['rejected', 'deduplicated', 'discarded']) expect(ledger['mqtt']?.[kind], kind).toBe(1)
})
