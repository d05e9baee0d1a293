// Capture over real sockets: what is acknowledged is stored, on every MQTT level and QoS, and the ledger balances.

import { connectAsync } from 'mqtt'
import type { IPubackPacket, IPubrecPacket } from 'mqtt-packet'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { AppError } from '../../src/domain/errors.ts'
import { connectRaw, until, type Version } from './rawClient.ts'
import { startServer, type TestServer } from './server.ts'

let server: TestServer
beforeEach(async () => {
  server = await startServer()
})
afterEach(() => server.close())

const versions: Version[] = [3, 4, 5]
const qualities = [0, 1, 2] as const
const publish = (qos: 0 | 1 | 2, messageId: number, extra = {}) =>
  ({
    cmd: 'publish',
    topic: 'a/b',
    payload: 'x',
    qos,
    messageId,
    dup: false,
    retain: false,
    ...extra,
  }) as const
const persistent = (version: Version) =>
  version === 5 ? { clean: false, properties: { sessionExpiryInterval: 100 } } : { clean: false }

describe.each(versions)('MQTT level %i', (version) => {
  test.each(qualities)('a QoS %i publish becomes a reading with all that came with it', async (qos) => {
    const client = await connectRaw(server.port, version, { clientId: 'meter' })
    client.send(publish(qos, 7, { payload: Buffer.from([0, 255, 10]), retain: true }))
    await until(() => server.store.readings.length === 1, 'the reading')
    expect(server.store.readings[0]).toMatchObject({
      topic: 'a/b',
      source: 'mqtt',
      clientId: 'meter',
      user: null,
      qos,
      retain: true,
      dup: false,
      payload: Buffer.from([0, 255, 10]),
    })
    client.destroy()
  })

  test.each([1, 2] as const)('QoS %i is acknowledged only after the commit', async (qos) => {
    server.store.held = true
    const client = await connectRaw(server.port, version)
    client.send(publish(qos, 7))
    await until(() => client.received.length > 0, 'CONNACK')
    client.send({ cmd: 'pingreq' })
    await new Promise((resolve) => setTimeout(resolve, 60))
    expect(client.received.map((p) => p.cmd)).not.toContain(qos === 1 ? 'puback' : 'pubrec')
    server.store.releaseAll()
    await client.take(qos === 1 ? 'puback' : 'pubrec')
    client.destroy()
  })

  test('a QoS 2 publish sent again before PUBREL is acknowledged again and stored once', async () => {
    const client = await connectRaw(server.port, version)
    client.send(publish(2, 7))
    await client.take('pubrec')
    client.send(publish(2, 7, { dup: true }))
    await client.take('pubrec')
    client.send({ cmd: 'pubrel', messageId: 7 })
    await client.take('pubcomp')
    client.send(publish(2, 7, { payload: 'new' }))
    await client.take('pubrec')
    expect(server.store.readings.map((r) => String(r.payload))).toEqual(['x', 'new'])
    expect(await server.ledger()).toEqual({ received: 3, stored: 2, rejected: 0, deduplicated: 1 })
    client.destroy()
  })

  test('a second copy that arrives while the first is being committed waits for it', async () => {
    server.store.held = true
    const client = await connectRaw(server.port, version)
    client.send(publish(2, 7))
    client.send(publish(2, 7, { dup: true }))
    await new Promise((resolve) => setTimeout(resolve, 40))
    expect(client.received.filter((p) => p.cmd === 'pubrec')).toEqual([])
    server.store.releaseAll()
    await client.take('pubrec')
    await client.take('pubrec')
    expect(server.store.readings).toHaveLength(1)
    client.destroy()
  })

  test('a copy resent after a restart of the server is recognised and not stored again', async () => {
    const client = await connectRaw(server.port, version, persistent(version))
    client.send(publish(2, 7))
    await client.take('pubrec')
    await server.close()
    server = await startServer({ store: server.store })
    const again = await connectRaw(server.port, version, persistent(version))
    again.send(publish(2, 7, { dup: true }))
    await again.take('pubrec')
    expect(server.store.readings).toHaveLength(1)
    expect(await server.ledger()).toMatchObject({ deduplicated: 1, stored: 0 })
    again.destroy()
  })

  test('a clean start that uses a half-open message id again is a new publish', async () => {
    const client = await connectRaw(server.port, version)
    client.send(publish(2, 7))
    await client.take('pubrec')
    client.destroy()
    const again = await connectRaw(server.port, version)
    again.send(publish(2, 7, { payload: 'new' }))
    await again.take('pubrec')
    expect(server.store.readings.map((r) => String(r.payload))).toEqual(['x', 'new'])
    again.destroy()
  })

  test('PUBCOMP leaves only after the receipt is settled durably', async () => {
    const client = await connectRaw(server.port, version)
    client.send(publish(2, 7))
    await client.take('pubrec')
    client.send({ cmd: 'pubrel', messageId: 7 })
    await client.take('pubcomp')
    expect(server.store.marks.size).toBe(0)
    client.destroy()
  })

  test('the will of a client that vanishes is captured and delivered', async () => {
    const subscriber = await connectRaw(server.port, version, { clientId: 'watcher' })
    subscriber.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'status/#', qos: 1 }] })
    await subscriber.take('suback')
    const client = await connectRaw(server.port, version, {
      clientId: 'frail',
      will: { topic: 'status/frail', payload: Buffer.from('gone'), qos: 1, retain: true },
    })
    client.destroy()
    expect(String(((await subscriber.take<never>('publish')) as { payload: Buffer }).payload)).toBe('gone')
    expect(server.store.readings).toMatchObject([
      { topic: 'status/frail', source: 'will', clientId: 'frail', retain: true },
    ])
    subscriber.destroy()
  })
})

describe('a store that cannot take writes', () => {
  const full = new AppError('store_full', 'the disk is full')

  test.each([3, 4] as const)(
    'closes an MQTT %i connection without an acknowledgement, and works again after',
    async (version) => {
      server.store.failure = full
      const client = await connectRaw(server.port, version)
      client.send(publish(1, 7))
      await client.untilClosed()
      expect(client.received.map((p) => p.cmd)).toEqual(['connack'])
      server.store.failure = null
      const again = await connectRaw(server.port, version)
      again.send(publish(1, 7))
      await again.take('puback')
      expect(await server.ledger()).toEqual({ received: 2, stored: 1, rejected: 1, deduplicated: 0 })
      again.destroy()
    },
  )

  test('answers MQTT 5 with the reason, and the connection stays', async () => {
    server.store.failure = full
    const client = await connectRaw(server.port, 5)
    client.send(publish(1, 7))
    client.send(publish(2, 8))
    client.send(publish(0, 0))
    expect((await client.take<IPubackPacket>('puback')).reasonCode).toBe(0x97)
    expect((await client.take<IPubrecPacket>('pubrec')).reasonCode).toBe(0x97)
    server.store.failure = null
    client.send(publish(2, 8))
    expect((await client.take<IPubrecPacket>('pubrec')).reasonCode).toBe(0)
    expect(await server.ledger()).toEqual({ received: 4, stored: 1, rejected: 3, deduplicated: 0 })
    client.destroy()
  })
})

test('MQTT 5 properties are part of the reading, user properties in the order sent', async () => {
  const client = await connectRaw(server.port, 5)
  client.send(
    publish(1, 7, {
      properties: {
        payloadFormatIndicator: true,
        messageExpiryInterval: 60,
        contentType: 'application/json',
        responseTopic: 'r/1',
        correlationData: Buffer.from([1, 2]),
        userProperties: { a: ['1', '2'], b: '3' },
      },
    }),
  )
  await client.take('puback')
  expect(server.store.readings[0]?.properties).toEqual({
    payloadFormatIndicator: true,
    messageExpiryInterval: 60,
    contentType: 'application/json',
    responseTopic: 'r/1',
    correlationData: Buffer.from([1, 2]),
    userProperties: [
      ['a', '1'],
      ['a', '2'],
      ['b', '3'],
    ],
  })
  client.destroy()
})

test('a client cannot publish to $SYS, and nothing of it is stored', async () => {
  const client = await connectRaw(server.port, 5)
  client.send(publish(1, 7, { topic: '$SYS/broker/version' }))
  expect((await client.take<IPubackPacket>('puback')).reasonCode).toBe(0x87)
  expect(server.store.readings).toEqual([])
  client.destroy()
})

test('a publish by the server is captured, resolves with its number, and is delivered', async () => {
  const client = await connectAsync(`mqtt://127.0.0.1:${server.port}`, { protocolVersion: 5 })
  await client.subscribeAsync('from/http', { qos: 1 })
  const delivered = new Promise<string>((resolve) =>
    client.once('message', (_topic, payload) => resolve(String(payload))),
  )
  const seq = await server.broker.publish({
    topic: 'from/http',
    payload: Buffer.from('hello'),
    qos: 1,
    retain: false,
    source: 'http',
    user: 'ann',
    clientId: '',
    properties: null,
  })
  expect(seq).toBe(1)
  expect(await delivered).toBe('hello')
  expect(server.store.readings[0]).toMatchObject({ source: 'http', user: 'ann' })
  await client.endAsync()
})
