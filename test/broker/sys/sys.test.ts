// $SYS/broker/… of a real server, as a subscriber sees it.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connectAsync, type MqttClient } from 'mqtt'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type App, startApp } from '../../../src/app.ts'
import { createSysTexts } from '../../../src/broker/sys/sys.ts'
import { loadRows, sysRows } from '../../../src/broker/sys/table.ts'
import { createTraffic } from '../../../src/broker/sys/traffic.ts'
import { loadConfig } from '../../../src/config/load.ts'
import { createLog } from '../../../src/ops/log.ts'

const rowCount = 2 + sysRows.length + 3 * loadRows.length
let directory: string
let app: App
const clients: MqttClient[] = []

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'amber-sys-'))
})
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.endAsync(true)))
  await app.stop()
  rmSync(directory, { recursive: true, force: true })
})

async function start(flags: Record<string, string> = {}): Promise<void> {
  const config = loadConfig({
    flags: {
      'mqtt.port': '0',
      'http.port': '0',
      'mqtt.host': '127.0.0.1',
      'http.host': '127.0.0.1',
      'auth.password_file': '',
      'auth.allow_anonymous': true,
      'store.path': directory,
      'mqtt.sys_interval_s': '1',
      ...flags,
    },
    env: {},
    cwd: directory,
  })
  app = await startApp(config, { log: createLog({ level: 'silent', format: 'json' }), program: 'amber' })
}

async function connect(clientId: string, options: object = {}): Promise<MqttClient> {
  const client = await connectAsync(`mqtt://127.0.0.1:${app.mqtt.port}`, {
    clientId,
    reconnectPeriod: 0,
    ...options,
  })
  clients.push(client)
  return client
}

interface Seen {
  texts: Map<string, string>
  retained: Set<string>
  messages: { topic: string; text: string }[]
}

async function watchSys(filter = '$SYS/#'): Promise<Seen> {
  const client = await connect('watcher')
  const seen: Seen = { texts: new Map(), retained: new Set(), messages: [] }
  client.on('message', (topic, payload, { retain, qos }) => {
    expect(qos).toBe(0)
    seen.texts.set(topic, String(payload))
    seen.messages.push({ topic, text: String(payload) })
    if (retain) seen.retained.add(topic)
  })
  await client.subscribeAsync(filter, { qos: 1 })
  return seen
}

const waiting = { timeout: 20_000, interval: 50 }

test('every topic of the table is retained, and every payload is JSON', async () => {
  await start()
  const { texts, retained } = await watchSys()
  await expect.poll(() => retained.size, waiting).toBe(rowCount)
  for (const [topic, text] of texts)
    expect(() => JSON.parse(text) as unknown, `${topic} ${text}`).not.toThrow()
  expect(texts.get('$SYS/broker/version')).toMatch(/^"amber version \d+\.\d+\.\d+.*"$/)
  expect(texts.get('$SYS/broker/uptime')).toMatch(/^\d+$/)
  expect(texts.get('$SYS/broker/load/publish/received/15min')).toMatch(/^\d+\.\d\d$/)
})

test('sys_format mosquitto writes version and uptime as Mosquitto does', async () => {
  await start({ 'mqtt.sys_format': 'mosquitto' })
  const { texts } = await watchSys()
  await expect.poll(() => texts.size, waiting).toBe(rowCount)
  expect(texts.get('$SYS/broker/version')).toMatch(/^amber version \d/)
  expect(texts.get('$SYS/broker/uptime')).toMatch(/^\d+ seconds$/)
})

test('clients, sessions, subscriptions, retained and queued messages are counted', async () => {
  await start()
  const absent = await connect('absent', { clean: false })
  await absent.subscribeAsync(['a/#', '$share/g/b'], { qos: 1 })
  await absent.endAsync()
  const publisher = await connect('publisher')
  await publisher.publishAsync('a/kept', 'four', { qos: 1, retain: true })
  await publisher.publishAsync('a/queued', 'x', { qos: 2 })
  const { texts } = await watchSys()
  const at = (topic: string): string | undefined => texts.get(`$SYS/broker/${topic}`)
  await expect.poll(() => at('clients/connected'), waiting).toBe('2')
  await expect
    .poll(() => ['clients/total', 'clients/disconnected', 'clients/inactive'].map(at), waiting)
    .toEqual(['3', '1', '1'])
  expect(['subscriptions/count', 'shared_subscriptions/count'].map(at)).toEqual(['3', '1'])
  expect(['retained messages/count', 'messages/stored', 'store/messages/count'].map(at)).toEqual([
    '1',
    '3',
    '3',
  ])
  expect(['publish/messages/received', 'publish/bytes/received'].map(at)).toEqual(['2', '5'])
  // Three CONNECT, two SUBSCRIBE, a DISCONNECT, two PUBLISH and a PUBREL.
  expect(at('messages/received')).toBe('9')
  expect(Number(at('bytes/sent'))).toBeGreaterThan(100)
  expect(Number(at('load/connections/1min'))).toBeGreaterThan(0)
})

test('nothing below $SYS becomes a reading, and nothing that Aedes says of its clients is forwarded', async () => {
  await start()
  const { messages } = await watchSys()
  const other = await connect('someone-else')
  await other.subscribeAsync('private/filter')
  await other.endAsync()
  await expect.poll(() => messages.length, waiting).toBeGreaterThan(rowCount + 3)
  expect(messages.filter(({ topic }) => !topic.startsWith('$SYS/broker/'))).toEqual([])
  expect(messages.filter(({ text }) => /someone-else|private/.test(text))).toEqual([])
  expect(app.status.readings).toBe(0)
})

test('a topic goes out again only when its text has changed', async () => {
  const traffic = createTraffic()
  const holdings = {
    uptimeS: 1,
    connected: 0,
    disconnected: 0,
    subscriptions: 0,
    sharedSubscriptions: 0,
    retained: 0,
    kept: 0,
    keptBytes: 0,
    dropped: 0,
    heap: 1,
    heapMax: 1,
  }
  await start()
  const texts = createSysTexts({ sys_format: 'json' }, { traffic, holdings: async () => holdings })
  expect(await texts(0)).toHaveLength(rowCount)
  expect(await texts(10)).toEqual([])
  traffic.bytesSent += 7
  holdings.uptimeS = 11
  expect(Object.fromEntries(await texts(10))).toMatchObject({
    uptime: '11',
    'bytes/sent': '7',
    'load/bytes/sent/1min': '6.45',
  })
})
