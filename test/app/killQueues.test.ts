// The promise under kill -9 for what is owed to subscribers: a message acknowledged the moment before is in the queue of
// every absent session it is for, in order, and among the retained ones.

import mqtt, { type IClientOptions, type MqttClient } from 'mqtt'
import { afterEach, expect, test } from 'vitest'
import { connectPacket, openRaw, type RawClient, until } from '../broker/rawClient.ts'
import { account, type Home, makeHome, type TestServer } from './server.ts'

let home: Home
afterEach(() => home.remove())

async function connect(server: TestServer, options: IClientOptions): Promise<MqttClient> {
  const client = mqtt.connect(`mqtt://127.0.0.1:${server.mqttPort}`, {
    ...account,
    reconnectPeriod: 0,
    ...options,
  })
  await new Promise<void>((resolve, reject) => {
    client.once('connect', () => resolve())
    client.once('error', reject)
  })
  return client
}

const lasting = (clientId: string, protocolVersion: 4 | 5): IClientOptions => ({
  clientId,
  clean: false,
  protocolVersion,
  ...(protocolVersion === 5 ? { properties: { sessionExpiryInterval: 3600 } } : {}),
})

const waitMs = 60_000

const subscribers = [
  { clientId: 'one-v4', version: 4, qos: 1 },
  { clientId: 'two-v4', version: 4, qos: 2 },
  { clientId: 'one-v5', version: 5, qos: 1 },
  { clientId: 'two-v5', version: 5, qos: 2 },
] as const

/** Publishes until the server is killed under it; what was acknowledged, in order. */
async function publishUntilKilled(server: TestServer, from: number): Promise<number[]> {
  const publisher = await connect(server, { protocolVersion: 5 })
  publisher.on('error', () => undefined)
  const acknowledged: number[] = []
  let next = from
  let open = 0
  let running = true
  const fill = (): void => {
    for (; running && open < 50; open++) {
      const n = next++
      publisher.publish('owed/now', String(n), { qos: n % 2 === 0 ? 1 : 2, retain: true }, (error) => {
        open--
        if (!error && running) acknowledged.push(n)
        fill()
      })
    }
  }
  fill()
  await until(() => acknowledged.length >= 300, '300 acknowledgements', waitMs)
  running = false
  await server.kill()
  publisher.end(true)
  return acknowledged.sort((a, b) => a - b)
}

test('acknowledged messages reach every absent session in order, and the retained state, after three kills', {
  timeout: 120_000,
}, async () => {
  home = makeHome()
  let server = await home.start()
  for (const { clientId, version, qos } of subscribers) {
    const client = await connect(server, lasting(clientId, version))
    await client.subscribeAsync('owed/#', { qos })
    await client.endAsync()
  }
  const acknowledged: number[] = []
  for (let round = 0; round < 3; round++) {
    acknowledged.push(...(await publishUntilKilled(server, round * 100_000)))
    server = await home.start()
  }
  for (const { clientId, version, qos } of subscribers) {
    const received: number[] = []
    const client = mqtt.connect(`mqtt://127.0.0.1:${server.mqttPort}`, {
      ...account,
      ...lasting(clientId, version),
      reconnectPeriod: 0,
    })
    client.on('message', (_topic, payload) => void received.push(Number(payload)))
    const expected = new Set(acknowledged)
    await until(
      () => {
        for (const n of received) expected.delete(n)
        return expected.size === 0
      },
      `everything acknowledged to reach ${clientId}`,
      waitMs,
    )
    // QoS 1 and 2 may overtake each other at the publisher; each of them keeps its order.
    for (const parity of [0, 1]) {
      const own = received.filter((n) => n % 2 === parity)
      expect(own, `${clientId} in order`).toEqual([...own].sort((a, b) => a - b))
    }
    if (qos === 2) expect(new Set(received).size, `${clientId} once`).toBe(received.length)
    await client.endAsync()
  }
  const reader = await connect(server, { protocolVersion: 5 })
  const retained: number[] = []
  reader.on('message', (_topic, payload) => void retained.push(Number(payload)))
  await reader.subscribeAsync('owed/now', { qos: 1 })
  await until(() => retained.length > 0, 'the retained message', waitMs)
  expect(retained[0]).toBeGreaterThanOrEqual(acknowledged.at(-1) ?? Number.NaN)
  await reader.endAsync()
})

test('the will of a client that was connected when the server was killed comes with the next start, with its user', async () => {
  home = makeHome()
  let server = await home.start()
  const watcher = await connect(server, lasting('watcher', 5))
  await watcher.subscribeAsync('wills/#', { qos: 1 })
  await watcher.endAsync()
  const mortal = await connect(server, {
    clientId: 'mortal',
    protocolVersion: 5,
    will: { topic: 'wills/mortal', payload: Buffer.from('killed'), qos: 1, retain: true },
  })
  mortal.on('error', () => undefined)
  // The journal is written every tenth of a second; a SUBACK of a session that lasts waits for it.
  const probe = await connect(server, lasting('probe', 5))
  await probe.subscribeAsync('nothing', { qos: 1 })
  await probe.endAsync()
  await server.kill()
  mortal.end(true)
  server = await home.start()
  const received: string[] = []
  const back = mqtt.connect(`mqtt://127.0.0.1:${server.mqttPort}`, {
    ...account,
    ...lasting('watcher', 5),
    reconnectPeriod: 0,
  })
  back.on('message', (topic, payload) => void received.push(`${topic}=${String(payload)}`))
  await until(() => received.length > 0, 'the will', waitMs)
  expect(received).toEqual(['wills/mortal=killed'])
  const answer = (await (await server.request('/api/v1/readings?topic=wills/mortal&from=0')).json()) as {
    data: { client_id: string; user?: string }[]
  }
  expect(answer.data).toMatchObject([{ client_id: 'mortal' }])
  await back.endAsync()
})

test('a connected QoS 2 subscriber gets each message once through three kills', {
  timeout: 120_000,
}, async () => {
  home = makeHome()
  // A window that is filled and emptied many times: an acknowledgement that goes astray stops the test.
  const start = (): Promise<TestServer> => home.start(['--mqtt.max_inflight_messages=20'])
  let server = await start()
  const received: number[] = []
  // What a subscriber has to remember of deliveries begun and not released [MQTT-4.3.3-8].
  const begun = new Set<number>()
  const listen = async (): Promise<RawClient> => {
    const client = await openRaw(server.mqttPort, 5)
    let seen = 0
    client.socket.on('data', () => {
      for (; seen < client.received.length; seen++) {
        const packet = client.received[seen]
        const messageId = packet?.messageId ?? 0
        if (packet?.cmd === 'publish' && packet.qos === 1) {
          received.push(Number(packet.payload))
          client.send({ cmd: 'puback', messageId })
        } else if (packet?.cmd === 'publish') {
          if (!begun.has(messageId)) received.push(Number(packet.payload))
          begun.add(messageId)
          client.send({ cmd: 'pubrec', messageId })
        } else if (packet?.cmd === 'pubrel') {
          begun.delete(messageId)
          client.send({ cmd: 'pubcomp', messageId })
        }
      }
    })
    client.send(
      connectPacket(5, {
        clientId: 'once',
        clean: false,
        username: account.username,
        password: Buffer.from(account.password),
        properties: { sessionExpiryInterval: 3600 },
      }),
    )
    await client.take('connack')
    return client
  }
  const subscriber = await listen()
  subscriber.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'owed/#', qos: 2 }] })
  await subscriber.take('suback')
  const acknowledged: number[] = []
  for (let round = 0; round < 3; round++) {
    acknowledged.push(...(await publishUntilKilled(server, round * 100_000)))
    server = await start()
    await listen()
  }
  const missing = (): number[] => {
    const all = new Set(received)
    return acknowledged.filter((n) => !all.has(n))
  }
  await until(() => missing().length === 0, 'everything acknowledged to arrive', waitMs).catch(() =>
    expect(missing()).toEqual([]),
  )
  // Only what was published with QoS 2 is promised once.
  const once = received.filter((n) => n % 2 === 1)
  expect(new Set(once).size).toBe(once.length)
})
