// HTTP routes about the broker, on the whole server in this process with real MQTT clients.

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { connectAsync, type MqttClient } from 'mqtt'
import pino from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type App, startApp } from '../../src/app.ts'
import { loadConfig } from '../../src/config/load.ts'

let app: App
let directory: string
const clients: MqttClient[] = []
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'amber-http-'))
  await writeFile(join(directory, 'passwd'), 'admin:secret\nann:secret\n')
  await writeFile(join(directory, 'acl'), 'user admin\ntopic #\nuser ann\ntopic ann/#\n')
  const flags = {
    'mqtt.port': '0',
    'http.port': '0',
    'mqtt.host': '127.0.0.1',
    'http.host': '127.0.0.1',
    'store.path': join(directory, 'data'),
    'auth.password_file': join(directory, 'passwd'),
    'auth.acl_file': join(directory, 'acl'),
  }
  app = await startApp(loadConfig({ flags, env: {}, cwd: directory }), {
    log: pino({ level: 'silent' }),
    program: 'amber',
  })
})
afterAll(async () => {
  for (const client of clients) client.end(true)
  await app.stop()
  await rm(directory, { recursive: true, force: true })
})

const connect = async (clientId: string, more: object = {}): Promise<MqttClient> => {
  const login = { username: 'admin', password: 'secret', reconnectPeriod: 0 }
  const client = await connectAsync(`mqtt://127.0.0.1:${app.mqtt.port}`, { clientId, ...login, ...more })
  client.on('error', () => undefined)
  clients.push(client)
  return client
}
const ask = (path: string, init: RequestInit & { user?: string } = {}): Promise<Response> => {
  const { user = 'admin', headers, ...rest } = init
  const authorization = `Basic ${btoa(`${user}:secret`)}`
  const all = { authorization, ...(headers as Record<string, string> | undefined) }
  return fetch(`http://127.0.0.1:${app.http.port}${path}`, { ...rest, headers: all })
}
const rows = async (path: string, user = 'admin'): Promise<Record<string, unknown>[]> =>
  ((await (await ask(path, { user })).json()) as { data: Record<string, unknown>[] }).data

test('clients shows who is connected, with what, and sessions that are kept', async () => {
  const one = await connect('one', { protocolVersion: 5, clean: true })
  await one.subscribeAsync('a/#', { qos: 1 })
  const kept = await connect('kept', { clean: false })
  await kept.subscribeAsync('b', { qos: 1 })
  await kept.endAsync()
  await one.publishAsync('b', 'x', { qos: 1 })
  const [first, second] = (await rows('/api/v1/clients')).reverse()
  expect(first).toMatchObject({
    id: 'one',
    connected: true,
    user: 'admin',
    protocol: '5.0',
    subscriptions: [{ topic: 'a/#', qos: 1 }],
    messages_in: 1,
    bytes_in: 1,
    messages_out: 0,
    bytes_out: 0,
  })
  expect(Date.parse(String(first?.['since']))).toBeLessThanOrEqual(Date.now())
  expect(second).toMatchObject({ id: 'kept', connected: false, protocol: null, since: null, queued: 1 })
  expect(await rows('/api/v1/clients?limit=1')).toHaveLength(1)
  expect(await (await ask('/api/v1/clients?format=csv')).text()).toContain('one,true,admin,')
})

test('a client is disconnected by name, its session stays, and only for those who manage the server', async () => {
  const victim = await connect('victim/ä', { protocolVersion: 5 })
  const path = `/api/v1/clients/${encodeURIComponent('victim/ä')}`
  expect((await ask(path, { method: 'DELETE', user: 'ann' })).status).toBe(403)
  expect((await ask('/api/v1/clients', { user: 'ann' })).status).toBe(403)
  const closed = new Promise<void>((resolve) => victim.once('close', () => resolve()))
  expect((await ask(path, { method: 'DELETE' })).status).toBe(204)
  await closed
  expect((await ask('/api/v1/clients/nobody', { method: 'DELETE' })).status).toBe(404)
  const events = await rows(`/api/v1/presence?client=${encodeURIComponent('victim/ä')}`)
  expect(events).toMatchObject([
    { event: 'disconnected', reason: 'an administrator disconnected it', user: 'admin', protocol: '5.0' },
    { event: 'connected', client_id: 'victim/ä', reason: null, address: '127.0.0.1' },
  ])
  expect((await ask('/api/v1/presence', { user: 'ann' })).status).toBe(403)
})

test('retained messages are listed, by filter, and only what the caller may read', async () => {
  const client = await connect('keeper')
  await client.publishAsync('ann/t', '{"t":21.50}', { qos: 1, retain: true })
  await client.publishAsync('bob/t', Buffer.from([0xff]), { qos: 1, retain: true })
  const text = await (await ask('/api/v1/retained?topic=%2B/t')).text()
  expect(text).toContain('{"topic":"ann/t","qos":1,"client_id":"keeper","value":{"t":21.50}}')
  expect(text).toContain('"payload_base64":"/w=="')
  expect((await rows('/api/v1/retained', 'ann')).map(({ topic }) => topic)).toEqual(['ann/t'])
  expect((await ask('/api/v1/retained?topic=bob/t', { user: 'ann' })).status).toBe(403)
  expect(await rows('/api/v1/retained?topic=%2B/t&limit=1')).toHaveLength(1)
})

test.each(['/api/v2/write?org=x&bucket=y&precision=s', '/write?db=x&precision=s'])(
  '%s takes line protocol',
  async (path) => {
    const subscriber = await connect(`sub ${path}`)
    await subscriber.subscribeAsync('home/#')
    const received = new Promise<string>((resolve) => subscriber.once('message', (topic) => resolve(topic)))
    const body = gzipSync('# a comment\nhome,room=kitchen,kind=a/b t=21.5,on=t 1700000000\n')
    const response = await ask(path, { method: 'POST', headers: { 'content-encoding': 'gzip' }, body })
    expect(response.status, await response.text()).toBe(204)
    expect(await received).toBe('home/kitchen/a_b')
    const [row] = await rows('/api/v1/readings?topic=home/kitchen/a_b&from=0&limit=1')
    expect(row).toMatchObject({ time: '2023-11-14T22:13:20.000Z', fields: { t: 21.5, on: true } })
  },
)

test.each([
  ['/api/v2/write', 'this is no line', 400, 'line 1'],
  ['/api/v2/write', '', 400, 'empty'],
  ['/api/v2/write?precision=h', 'm v=1', 400, 'precision'],
  ['/api/v2/write?precision=s', 'm v=1 1700000000000000000', 400, 'precision'],
  ['/api/v2/write?prefix=$SYS', 'm v=1', 400, 'server'],
  ['/api/v2/write?prefix=a/%23', 'm v=1', 400, 'wildcard'],
])('%s with "%s" is refused with %d, and nothing is written', async (path, body, status, word) => {
  const before = app.status.readings
  const response = await ask(path, { method: 'POST', body })
  expect(response.status).toBe(status)
  expect(await response.text()).toContain(word)
  expect(app.status.readings).toBe(before)
})

test('line protocol goes only where the caller may publish', async () => {
  expect((await ask('/api/v2/write', { method: 'POST', body: 'bob v=1', user: 'ann' })).status).toBe(403)
  expect((await ask('/api/v2/write', { method: 'POST', body: 'ann,x=y v=1', user: 'ann' })).status).toBe(204)
})
