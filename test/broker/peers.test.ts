// Clients that others wrote, each with a codec of its own: Eclipse Paho's for browsers over WebSocket (MQTT 3.1.1, QoS 0 to 2),
// u8-mqtt over TCP (MQTT 3.1.1 and 5, QoS 1; its QoS 0 cannot be sent), and MQTT.js with topic aliases.

import { createRequire } from 'node:module'
import { connectAsync } from 'mqtt'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { loadConfig } from '../../src/config/load.ts'
import { join, publishAndWait } from './peer.ts'
import { until } from './rawClient.ts'
import { startServer, type TestServer } from './server.ts'

const require = createRequire(import.meta.url)

let server: TestServer
const closing: (() => void)[] = []
beforeEach(async () => {
  const { listeners } = loadConfig({
    flags: {},
    env: { AMBER_MQTT__LISTENERS: '[{"port":0,"host":"127.0.0.1","protocol":"websockets"}]' },
    cwd: '/',
  }).mqtt
  server = await startServer({ mqtt: { listeners } })
})
afterEach(async () => {
  for (const close of closing.splice(0)) close()
  await server.close()
})

const stored = (topic: string): string[] =>
  server.store.readings
    .filter((reading) => reading.topic === topic)
    .map(({ payload, qos }) => `${qos} ${payload.toString()}`)

interface PahoMessage {
  payloadString: string
  destinationName: string
  qos: number
  retained: boolean
}
interface PahoClient {
  onMessageArrived: (message: PahoMessage) => void
  onMessageDelivered: (message: PahoMessage) => void
  connect(options: object): void
  subscribe(filter: string, options: object): void
  publish(topic: string, payload: string, qos: number, retained: boolean): void
  disconnect(): void
}

/** What a browser has and the library asks for. */
function asInBrowser(): void {
  const kept = new Map<string, string>()
  const localStorage = {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
    removeItem: (key: string) => void kept.delete(key),
    key: (at: number) => [...kept.keys()][at] ?? null,
    get length() {
      return kept.size
    },
  }
  Object.assign(globalThis, { WebSocket, localStorage })
}

async function joinPaho(clientId: string): Promise<{
  client: PahoClient
  arrived: string[]
  delivered: string[]
}> {
  asInBrowser()
  const { Client } = require('paho-mqtt') as {
    Client: new (host: string, port: number, path: string, clientId: string) => PahoClient
  }
  const port = server.broker.listeners.find(({ protocol }) => protocol === 'websockets')?.port ?? 0
  const client = new Client('127.0.0.1', port, '/mqtt', clientId)
  const arrived: string[] = []
  const delivered: string[] = []
  client.onMessageArrived = ({ qos, payloadString, retained }) =>
    void arrived.push(`${qos} ${payloadString}${retained ? ' retained' : ''}`)
  client.onMessageDelivered = ({ payloadString }) => void delivered.push(payloadString)
  await new Promise<void>((resolve, reject) =>
    client.connect({ cleanSession: false, mqttVersion: 4, onSuccess: resolve, onFailure: reject }),
  )
  return { client, arrived, delivered }
}

const subscribePaho = (client: PahoClient, filter: string): Promise<void> =>
  new Promise((resolve, reject) =>
    client.subscribe(filter, { qos: 2, onSuccess: () => resolve(), onFailure: reject }),
  )

test('Paho’s browser client: QoS 0 to 2 both ways, a retained message, and a session it comes back to', async () => {
  const first = await joinPaho('paho')
  await subscribePaho(first.client, 'room/+')
  for (const qos of [0, 1, 2]) first.client.publish('room/a', `m${qos}`, qos, false)
  first.client.publish('room/kept', 'r', 1, true)
  await until(() => first.arrived.length === 4 && first.delivered.length === 4, 'four messages both ways')
  expect([...first.arrived].sort()).toEqual(['0 m0', '1 m1', '1 r', '2 m2'])
  expect(stored('room/a').sort()).toEqual(['0 m0', '1 m1', '2 m2'])
  first.client.disconnect()
  await until(() => server.broker.clients().length === 0, 'the client to be gone')
  const { client: other } = await join(server.port, 5, { clientId: 'other' })
  await publishAndWait(other, { topic: 'room/b', payload: 'while away' })
  other.destroy()
  const back = await joinPaho('paho')
  closing.push(() => back.client.disconnect())
  await until(() => back.arrived.length === 1, 'what was queued')
  expect(back.arrived).toEqual(['1 while away'])
  await subscribePaho(back.client, 'room/kept')
  await until(() => back.arrived.length === 2, 'the retained message')
  expect(back.arrived[1]).toBe('1 r retained')
})

interface U8Packet {
  topic: string
  qos: number
  retain: boolean
  utf8(): string
  props?: Record<string, unknown>
}
interface U8Client {
  with_tcp(url: string): U8Client
  connect(options: object): Promise<[{ reason: number; flags: number; props?: Record<string, unknown> }]>
  subscribe_topic(topic: string, handle: (packet: U8Packet) => void): Promise<unknown>
  pub(packet: object): Promise<[{ pkt_id: number; reason?: number }]>
  disconnect(): Promise<unknown>
}
const u8 = require('u8-mqtt') as Record<'mqtt_v4' | 'mqtt_v5', () => U8Client>

test.each(['mqtt_v4', 'mqtt_v5'] as const)(
  'u8-mqtt, %s: publishes, is answered, and gets its own and others’ messages',
  async (version) => {
    const join8 = async (): Promise<{ client: U8Client; got: U8Packet[] }> => {
      const client = u8[version]().with_tcp(`tcp://127.0.0.1:${server.port}`)
      const got: U8Packet[] = []
      const props = version === 'mqtt_v5' ? { props: { session_expiry_interval: 100 } } : {}
      await client.connect({ client_id: 'u8', flags: { clean_start: false }, ...props })
      await client.subscribe_topic('u8/:name', (packet) => void got.push(packet))
      return { client, got }
    }
    const { client, got } = await join8()
    const properties = version === 'mqtt_v5' ? { props: { content_type: 'text/plain' } } : {}
    const [ack] = await client.pub({ topic: 'u8/a', payload: 'one', qos: 1, ...properties })
    expect(ack.pkt_id).toBeGreaterThan(0)
    await until(() => got.length === 1, 'its own message')
    expect(got[0]?.utf8()).toBe('one')
    if (version === 'mqtt_v5') expect(got[0]?.props).toMatchObject({ content_type: 'text/plain' })
    expect(stored('u8/a')).toEqual(['1 one'])
    const { client: other } = await join(server.port, 5, { clientId: 'other' })
    await publishAndWait(other, { topic: 'u8/b', payload: 'two', retain: true })
    await until(() => got.length === 2, 'the message of another client')
    expect(got[1]?.utf8()).toBe('two')
    other.destroy()
    await client.disconnect()
  },
)

test.each([0, 1, 2] as const)(
  'MQTT.js with topic aliases is told the topic of each QoS %i message',
  async (qos) => {
    const client = await connectAsync(`mqtt://127.0.0.1:${server.port}`, {
      protocolVersion: 5,
      properties: { topicAliasMaximum: 10 },
    })
    closing.push(() => client.end(true))
    const topics: string[] = []
    client.on('message', (topic) => topics.push(topic))
    await client.subscribeAsync('aliased/#', { qos })
    for (let n = 0; n < 3; n++) await client.publishAsync('aliased/topic', String(n), { qos })
    await until(() => topics.length === 3, 'three messages')
    expect(topics).toEqual(['aliased/topic', 'aliased/topic', 'aliased/topic'])
  },
)
