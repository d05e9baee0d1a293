// What outlives the process: subscriptions, what was queued for absent clients, retained messages, wills.

import mqtt, { type IClientOptions, type MqttClient } from 'mqtt'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { account, type Home, makeHome, type TestServer } from './server.ts'

let home: Home
let server: TestServer
beforeEach(async () => {
  home = makeHome()
  server = await home.start()
})
afterEach(() => home.remove())

interface Peer {
  client: MqttClient
  received: string[]
}

/** A client that notes what arrives, from its first packet on. */
async function join(options: IClientOptions): Promise<Peer> {
  const client = mqtt.connect(`mqtt://127.0.0.1:${server.mqttPort}`, {
    ...account,
    reconnectPeriod: 0,
    ...options,
  })
  const received: string[] = []
  client.on(
    'message',
    (topic, payload, { retain }) =>
      void received.push(`${topic}=${String(payload)}${retain ? ' (retained)' : ''}`),
  )
  await new Promise<void>((resolve, reject) => {
    client.once('connect', () => resolve())
    client.once('error', reject)
  })
  return { client, received }
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 10))
}

const persistent = (version: 4 | 5): IClientOptions => ({
  clientId: `keeper-${version}`,
  clean: false,
  protocolVersion: version,
  ...(version === 5 ? { properties: { sessionExpiryInterval: 3600 } } : {}),
})

describe.each([4, 5] as const)('MQTT version %i', (version) => {
  test('a session keeps its subscriptions and its queue over a restart, in order', async () => {
    const before = await join(persistent(version))
    await before.client.subscribeAsync('home/+/t', { qos: 1 })
    await before.client.endAsync()
    const sender = await join({ protocolVersion: version })
    for (let i = 0; i < 200; i++) await sender.client.publishAsync(`home/${i % 3}/t`, String(i), { qos: 1 })
    await sender.client.endAsync()
    expect(await server.stop()).toBe(0)
    server = await home.start()
    const after = await join(persistent(version))
    await until(() => after.received.length >= 200)
    expect(after.received).toEqual(Array.from({ length: 200 }, (_, i) => `home/${i % 3}/t=${i}`))
    await after.client.endAsync()
  })

  test('a subscription that was acknowledged outlives kill -9', async () => {
    const before = await join(persistent(version))
    await before.client.subscribeAsync('home/#', { qos: 2 })
    await server.kill()
    server = await home.start()
    const after = await join(persistent(version))
    const sender = await join({ protocolVersion: version })
    await sender.client.publishAsync('home/x', 'still here', { qos: 2 })
    await until(() => after.received.length > 0)
    expect(after.received).toEqual(['home/x=still here'])
    await Promise.all([after.client.endAsync(), sender.client.endAsync()])
  })

  test('retained messages are there after a restart, the last of each topic', async () => {
    const sender = await join({ protocolVersion: version })
    await sender.client.publishAsync('r/a', 'old', { qos: 1, retain: true })
    await sender.client.publishAsync('r/a', 'new', { qos: 1, retain: true })
    await sender.client.publishAsync('r/b', 'gone', { qos: 1, retain: true })
    await sender.client.publishAsync('r/b', '', { qos: 1, retain: true })
    await sender.client.endAsync()
    await server.stop()
    server = await home.start()
    const reader = await join({ protocolVersion: version })
    await reader.client.subscribeAsync('r/#', { qos: 1 })
    await until(() => reader.received.length > 0)
    expect(reader.received).toEqual(['r/a=new (retained)'])
    await reader.client.endAsync()
  })

  test('the will of a client that vanishes is delivered and stored', async () => {
    const watcher = await join({ protocolVersion: version })
    await watcher.client.subscribeAsync('wills/#', { qos: 1 })
    const mortal = await join({
      protocolVersion: version,
      clientId: 'mortal',
      will: { topic: 'wills/mortal', payload: Buffer.from('gone'), qos: 1, retain: false },
    })
    mortal.client.stream.destroy()
    await until(() => watcher.received.length > 0)
    expect(watcher.received).toEqual(['wills/mortal=gone'])
    const answer = (await (await server.request('/api/v1/latest?topic=wills/mortal')).json()) as {
      data: { value: unknown; client_id: string }[]
    }
    expect(answer.data).toMatchObject([{ value: 'gone', client_id: 'mortal' }])
    await watcher.client.endAsync()
  })
})
