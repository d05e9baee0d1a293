// Two real servers and a bridge between them: in, out and both ways, each MQTT version, over TLS, and while one of them is away.

import { mkdtempSync, rmSync } from 'node:fs'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connectAsync, type MqttClient } from 'mqtt'
import { generate, type Packet, parser } from 'mqtt-packet'
import { afterEach, describe, expect, test } from 'vitest'
import { loadConfig } from '../../../src/config/load.ts'
import type { BridgeConfig } from '../../../src/config/bridge.ts'
import type { ListenerConfig } from '../../../src/config/listener.ts'
import { connectPacket, openRaw } from '../rawClient.ts'
import { type ServerOptions, startServer, type TestServer } from '../server.ts'

const fixture = (name: string): string => join(import.meta.dirname, '../../fixtures/tls', name)
const waiting = { timeout: 20_000, interval: 20 }
const ends: (() => Promise<unknown>)[] = []

afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

async function start(options: ServerOptions = {}): Promise<TestServer> {
  const server = await startServer(options)
  ends.push(() => server.close())
  return server
}

async function connect(port: number, options: object = {}): Promise<MqttClient> {
  const client = await connectAsync(`mqtt://127.0.0.1:${port}`, {
    reconnectPeriod: 0,
    protocolVersion: 5,
    ...options,
  })
  ends.push(() => client.endAsync(true))
  return client
}

type Changes = Omit<Partial<BridgeConfig>, 'topics'> & { topics?: Partial<BridgeConfig['topics'][number]>[] }

/** Entries of a configuration with every default filled in, as a file gives them. */
function fill(bridge: Changes, listeners: Partial<ListenerConfig>[] = []) {
  const flags = {
    'mqtt.bridges': JSON.stringify([{ name: 'up', reconnect_max_s: 1, ...bridge }]),
    'mqtt.listeners': JSON.stringify(listeners),
  }
  const { bridges, listeners: filled } = loadConfig({ flags, env: {}, cwd: '/' }).mqtt
  return { bridges, listeners: filled }
}

const both = [{ filter: '#', direction: 'both' as const, qos: 2 }]

async function bridged(changes: Changes = {}, near: ServerOptions = {}) {
  const far = await start()
  const { bridges } = fill({ addresses: [`127.0.0.1:${far.port}`], topics: both, ...changes })
  const here = await start({ ...near, mqtt: { ...near.mqtt, bridges } })
  await untilUp(here, far)
  return { here, far }
}

/** The bridge has its session here for a moment before it connects, too. */
async function untilUp(here: TestServer, far: TestServer): Promise<void> {
  await expect.poll(() => far.broker.clients().length, waiting).toBeGreaterThan(0)
  await expect.poll(() => here.broker.clients().map(({ id }) => id), waiting).toContain('$bridge/up')
  await expect.poll(() => here.sessions.registry.get('$bridge/up')?.link ?? null, waiting).not.toBeNull()
}

const textsOf = ({ store }: TestServer): string[] =>
  store.readings.map(({ topic, payload }) => `${topic} ${String(payload)}`)

describe.each(['3.1', '3.1.1', '5'] as const)('MQTT %s', (protocol_version) => {
  test.each([0, 1, 2] as const)('carries QoS %d both ways, once, and nothing comes back', async (qos) => {
    const { here, far } = await bridged({ protocol_version })
    const [a, b] = [await connect(here.port), await connect(far.port)]
    const heard: string[] = []
    for (const client of [a, b])
      client.on('message', (topic, payload) => heard.push(`${topic} ${String(payload)}`))
    await a.subscribeAsync('from/b', { qos: 2 })
    await b.subscribeAsync('from/a', { qos: 2 })
    await expect
      .poll(async () => {
        // QoS 0 is lost until the subscription of the bridge is there.
        await a.publishAsync('from/a', 'probe', { qos })
        await b.publishAsync('from/b', 'probe', { qos })
        return new Set(heard).size
      }, waiting)
      .toBe(2)
    heard.length = 0
    const [before, beforeFar] = [here.store.readings.length, far.store.readings.length]
    for (let n = 0; n < 20; n++) {
      await a.publishAsync('from/a', String(n), { qos })
      await b.publishAsync('from/b', String(n), { qos })
    }
    const numbers = Array.from({ length: 20 }, (_, n) => String(n))
    const of = (topic: string): string[] =>
      heard
        .filter((text) => text.startsWith(`${topic} `))
        .map((text) => text.split(' ')[1] ?? '')
        .filter((text) => text !== 'probe')
    await expect.poll(() => [of('from/a').length, of('from/b').length], waiting).toEqual([20, 20])
    expect(of('from/a')).toEqual(numbers)
    expect(of('from/b')).toEqual(numbers)
    // What went round would be stored again on both sides.
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(
      here.store.readings.slice(before).filter(({ payload }) => String(payload) !== 'probe'),
    ).toHaveLength(40)
    expect(
      far.store.readings.slice(beforeFar).filter(({ payload }) => String(payload) !== 'probe'),
    ).toHaveLength(40)
    expect(
      here.store.readings
        .filter(({ source }) => source === 'bridge')
        .every(({ topic }) => topic === 'from/b'),
    ).toBe(true)
  })
})

test('prefixes rename on the way, other topics stay at home, and retained stays retained', async () => {
  const { here, far } = await bridged({
    topics: [
      { filter: 'temp/#', direction: 'out', qos: 1, local_prefix: 'home/', remote_prefix: 'site1/' },
      { filter: 'cmd/#', direction: 'in', qos: 1, local_prefix: 'home/', remote_prefix: 'site1/' },
    ],
  })
  const [a, b] = [await connect(here.port), await connect(far.port)]
  await a.publishAsync('home/temp/x', '21', { qos: 1, retain: true })
  await a.publishAsync('home/other', 'private', { qos: 1 })
  await b.publishAsync('site1/cmd/x', 'on', { qos: 1 })
  await b.publishAsync('site2/cmd/x', 'off', { qos: 1 })
  await expect.poll(() => textsOf(far), waiting).toContain('site1/temp/x 21')
  await expect.poll(() => textsOf(here), waiting).toContain('home/cmd/x on')
  expect(textsOf(far)).not.toContain('home/other private')
  expect(textsOf(here)).not.toContain('home/cmd/x off')
  const late = await connect(far.port)
  const kept = new Promise((resolve) =>
    late.once('message', (topic, payload, { retain }) => resolve([topic, String(payload), retain])),
  )
  await late.subscribeAsync('site1/#')
  expect(await kept).toEqual(['site1/temp/x', '21', true])
})

test('MQTT 5 properties travel', async () => {
  const { here, far } = await bridged({ protocol_version: '5' })
  const [a, b] = [await connect(here.port), await connect(far.port)]
  const heard = new Promise<unknown>((resolve) =>
    b.once('message', (_topic, _payload, { properties }) => resolve(properties)),
  )
  await b.subscribeAsync('p', { qos: 1 })
  const properties = {
    contentType: 'text/plain',
    responseTopic: 'r',
    correlationData: Buffer.from('c'),
    userProperties: { k: ['1', '2'] },
  }
  await a.publishAsync('p', 'x', { qos: 1, properties })
  expect(await heard).toMatchObject(properties)
})

test('what is published while the other side is away waits, over a restart here, and arrives in order', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'amber-bridge-'))
  ends.push(async () => rmSync(directory, { recursive: true, force: true }))
  const far = await startServer()
  const { port } = far
  const { bridges } = fill({
    addresses: [`127.0.0.1:${port}`],
    topics: [{ filter: 'q/#', direction: 'out', qos: 1 }],
  })
  const options = { sessionsPath: directory, mqtt: { bridges } }
  let here = await startServer(options)
  await untilUp(here, far)
  await far.close()
  await expect.poll(() => here.broker.clients(), waiting).toEqual([])
  const publish = async (from: number, to: number): Promise<void> => {
    const client = await connect(here.port)
    for (let n = from; n < to; n++) await client.publishAsync('q/n', String(n), { qos: 1 })
    await client.endAsync()
  }
  await publish(0, 50)
  await here.close()
  here = await start(options)
  await publish(50, 100)
  const back = await start({ mqtt: { port } })
  await expect.poll(() => back.store.readings.length, waiting).toBe(100)
  expect(back.store.readings.map(({ payload }) => Number(String(payload)))).toEqual(
    Array.from({ length: 100 }, (_, n) => n),
  )
})

test('what is published before the other side has ever been there waits for it, retained messages as well', async () => {
  const far = await startServer()
  const { port } = far
  await far.close()
  const { bridges } = fill({
    addresses: [`127.0.0.1:${port}`],
    topics: [{ filter: 'q/#', direction: 'out', qos: 1 }],
  })
  const here = await start({ mqtt: { bridges } })
  await expect.poll(() => here.sessions.registry.get('$bridge/up')?.subscriptions.size, waiting).toBe(1)
  const client = await connect(here.port)
  await client.publishAsync('q/kept', 'k', { qos: 0, retain: true })
  for (let n = 0; n < 10; n++) await client.publishAsync('q/n', String(n), { qos: 1 })
  const back = await start({ mqtt: { port } })
  await expect.poll(() => new Set(textsOf(back)).size, waiting).toBe(11)
  const texts = textsOf(back)
  expect(texts.filter((text) => text.startsWith('q/n'))).toEqual(
    Array.from({ length: 10 }, (_, n) => `q/n ${n}`),
  )
  expect(texts).toContain('q/kept k')
})

test('the queue is bounded: above the limit messages are dropped and counted', async () => {
  const far = await startServer()
  const addresses = [`127.0.0.1:${far.port}`]
  const { bridges } = fill({ addresses, topics: [{ filter: 'q', direction: 'out', qos: 1 }] })
  const here = await start({ mqtt: { bridges, max_queued_messages: 10 } })
  await untilUp(here, far)
  await far.close()
  await expect.poll(() => here.broker.clients(), waiting).toEqual([])
  const client = await connect(here.port)
  for (let n = 0; n < 30; n++) await client.publishAsync('q', String(n), { qos: 1 })
  expect(here.sessions.registry.get('$bridge/up')?.outbox.count).toBe(10)
  expect((await here.metrics.dropped.get()).values).toMatchObject([
    { labels: { reason: 'queue_full' }, value: 20 },
  ])
})

test('a message that cannot be stored here is not acknowledged there, and comes again', async () => {
  const { here, far } = await bridged({ topics: [{ filter: 'in', direction: 'in', qos: 1 }] })
  const { AppError } = await import('../../../src/domain/errors.ts')
  here.store.failure = new AppError('store_full', 'the disk is full')
  const b = await connect(far.port)
  await b.publishAsync('in', 'kept', { qos: 1 })
  await expect.poll(async () => (await here.ledger()).rejected, waiting).toBeGreaterThan(0)
  here.store.failure = null
  await expect.poll(() => textsOf(here), waiting).toEqual(['in kept'])
})

test('over TLS, with a client certificate and a password from a file', async () => {
  const listener = {
    host: '127.0.0.1',
    port: 0,
    cert_file: fixture('server.pem'),
    key_file: fixture('server.key'),
    ca_file: fixture('ca.pem'),
    require_certificate: true,
  }
  const { listeners } = fill({ addresses: ['x'] }, [listener])
  const far = await start({ mqtt: { default_listener: false, listeners }, principals: { site: {} } })
  const tls = {
    addresses: [`localhost:${far.port}`],
    ca_file: fixture('ca.pem'),
    cert_file: fixture('client.pem'),
    key_file: fixture('client.key'),
    username: 'site',
    password: 'x',
    topics: both,
  }
  const here = await start({ mqtt: { bridges: fill(tls).bridges } })
  const a = await connect(here.port)
  await a.publishAsync('secure', 'yes', { qos: 1 })
  await untilUp(here, far)
  await a.publishAsync('secure', 'now', { qos: 1 })
  await expect.poll(() => textsOf(far), waiting).toContain('secure now')
})

test('the next address is tried when one does not answer', async () => {
  const far = await start()
  const { bridges } = fill({ addresses: ['127.0.0.1:1', `127.0.0.1:${far.port}`], topics: both })
  const here = await start({ mqtt: { bridges } })
  await untilUp(here, far)
  expect(far.broker.clients()).toMatchObject([{ id: 'amber.up' }])
})

test('a broker that knows no bridges sends everything back, and it is recognised', async () => {
  const { here, far } = await bridged({ try_private: false })
  const a = await connect(here.port)
  for (let n = 0; n < 10; n++) await a.publishAsync('loop', 'same', { qos: 1 })
  await expect.poll(() => far.store.readings.length, waiting).toBe(10)
  await new Promise((resolve) => setTimeout(resolve, 300))
  expect(far.store.readings).toHaveLength(10)
  expect(here.store.readings).toHaveLength(10)
})

test('its state is retained on both sides, and is no reading', async () => {
  const { here, far } = await bridged()
  const states: string[] = []
  const watch = async (port: number): Promise<void> => {
    const client = await connect(port)
    client.on('message', (topic, payload) => states.push(`${topic} ${String(payload)}`))
    await client.subscribeAsync('$SYS/broker/connection/#')
  }
  await watch(here.port)
  await watch(far.port)
  const up = '$SYS/broker/connection/amber.up/state 1'
  await expect.poll(() => states.filter((text) => text === up).length, waiting).toBe(2)
  expect([...textsOf(here), ...textsOf(far)]).toEqual([])
  const down = '$SYS/broker/connection/amber.up/state 0'
  await here.broker.close()
  await expect.poll(() => states.includes(down), waiting).toBe(true)
})

test('no client from outside may take the session of a bridge, and one of a bridge that is gone is ended', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'amber-bridge-'))
  ends.push(async () => rmSync(directory, { recursive: true, force: true }))
  const far = await start()
  const { bridges } = fill({ addresses: [`127.0.0.1:${far.port}`], topics: both })
  const first = await startServer({ sessionsPath: directory, mqtt: { bridges } })
  await untilUp(first, far)
  const thief = await openRaw(first.port, 5)
  thief.send({ ...connectPacket(5), clientId: '$bridge/up' })
  expect(await thief.take('connack')).toMatchObject({ reasonCode: 0x85 })
  expect(first.broker.clients().map(({ id }) => id)).toEqual(['$bridge/up'])
  await first.close()
  const second = await start({ sessionsPath: directory })
  expect(second.sessions.registry.get('$bridge/up')).toBeNull()
})

/** A broker of a few lines, whose answers are those of `onPacket`. */
async function fakeBroker(
  onPacket: (packet: Packet, socket: Socket) => void,
): Promise<{ address: string; readonly connections: number }> {
  const sockets = new Set<Socket>()
  const far = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket)
    const reader = parser({ protocolVersion: 4 })
    socket.on('error', () => undefined)
    socket.on('data', (bytes) => reader.parse(bytes))
    reader.on('packet', (packet) => {
      if (packet.cmd === 'connect')
        socket.write(generate({ cmd: 'connack', returnCode: 0, sessionPresent: false }))
      onPacket(packet, socket)
    })
  })
  await new Promise<void>((resolve) => far.listen(0, '127.0.0.1', resolve))
  ends.push(async () => {
    for (const socket of sockets) socket.destroy()
    far.close()
  })
  return {
    address: `127.0.0.1:${(far.address() as AddressInfo).port}`,
    get connections() {
      return sockets.size
    },
  }
}

test('another broker that hangs up behind a QoS 2 message costs nothing but the connection', async () => {
  const far = await fakeBroker((packet, socket) => {
    if (packet.cmd !== 'subscribe') return
    socket.write(generate({ cmd: 'suback', messageId: packet.messageId ?? 0, granted: [2] }))
    const message = { cmd: 'publish', topic: 't', payload: 'x', dup: false, retain: false } as const
    socket.write(generate({ ...message, qos: 2, messageId: 7 }), () => socket.destroy())
  })
  const { bridges } = fill({
    addresses: [far.address],
    topics: [{ filter: '#', direction: 'in', qos: 2 }],
    reconnect_max_s: 1,
  })
  const here = await start({ mqtt: { bridges } })
  here.store.held = true
  await expect.poll(() => far.connections, waiting).toBeGreaterThan(2)
  // The answer comes when nobody is there to hear it.
  here.store.held = false
  here.store.releaseAll()
  await expect.poll(() => textsOf(here), waiting).toContain('t x')
  await exchangeOne(here)
})

test.each([
  ['does not close its end', 'subscribe', 'in'],
  ['does not answer', '', 'in'],
  ['does not acknowledge', '', 'out'],
] as const)(
  'another broker that %s does not hold up the end of this one',
  async (_what, answered, direction) => {
    const heard: string[] = []
    const far = await fakeBroker((packet, socket) => {
      heard.push(packet.cmd)
      if (packet.cmd === answered)
        socket.write(generate({ cmd: 'suback', messageId: packet.messageId ?? 0, granted: [1] }))
    })
    const { bridges } = fill({ addresses: [far.address], topics: [{ filter: '#', direction, qos: 1 }] })
    const here = await startServer({ mqtt: { bridges } })
    if (direction === 'out') await exchangeOne(here)
    await expect.poll(() => heard, waiting).toContain(direction === 'in' ? 'subscribe' : 'publish')
    const begun = Date.now()
    await here.close()
    expect(Date.now() - begun).toBeLessThan(8000)
  },
)

/** Still there. */
async function exchangeOne(server: TestServer): Promise<void> {
  const client = await connect(server.port)
  await client.publishAsync('alive', 'yes', { qos: 1 })
  expect(textsOf(server)).toContain('alive yes')
}

test.each([
  [[{ name: 'a', addresses: ['x:0'] }], 'bridge a: "x:0" is no address'],
  [[{ name: 'a', addresses: ['x'], topics: [{ filter: '#/a' }] }], 'bridge a: "#/a" is no topic filter'],
  [[{ name: 'a', addresses: ['x'], ca_file: '/nowhere' }], 'cannot read /nowhere'],
  [
    [{ name: 'a', addresses: ['x'], password_file: '/nowhere' }],
    'bridge a: cannot read password_file /nowhere',
  ],
  [
    [
      { name: 'a', addresses: ['x'] },
      { name: 'a', addresses: ['x'] },
    ],
    'two bridges with the name a',
  ],
])('%j does not start', async (bridges, message) => {
  const flags = { 'mqtt.bridges': JSON.stringify(bridges) }
  const { mqtt } = loadConfig({ flags, env: {}, cwd: '/' })
  await expect(startServer({ mqtt: { bridges: mqtt.bridges } })).rejects.toThrow(message)
})
