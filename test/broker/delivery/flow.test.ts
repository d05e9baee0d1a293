// Flow [MQTT-4.9, 4.4]: both windows, both packet sizes, redelivery, expiry, topic aliases.

import { generate, type Packet } from 'mqtt-packet'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { join, lasting, nextPublish, payloads, publish, publishAndWait, settle, subscribe } from '../peer.ts'
import { connectPacket, openRaw, type RawClient, until } from '../rawClient.ts'
import { startServer, type TestServer } from '../server.ts'

let server: TestServer
let publisher: RawClient
beforeEach(async () => {
  server = await startServer({ mqtt: { max_inflight: 10, max_inflight_messages: 5, max_topic_alias: 4 } })
  publisher = (await join(server.port, 5, { clientId: 'publisher' })).client
})
afterEach(async () => {
  publisher.destroy()
  await server.close()
})

const dropped = async (reason: string): Promise<number> =>
  (await server.metrics.dropped.get()).values.find(({ labels }) => labels.reason === reason)?.value ?? 0

async function send(count: number, qos: 1 | 2 = 1, extra: object = {}): Promise<void> {
  for (let n = 0; n < count; n++) {
    publish(publisher, { topic: 't', payload: String(n), qos, messageId: n + 1, ...extra })
    await publisher.take(qos === 1 ? 'puback' : 'pubrec')
    if (qos === 2) publisher.send({ cmd: 'pubrel', messageId: n + 1 })
  }
}

describe('towards a subscriber', () => {
  test.each([
    ['its Receive Maximum [MQTT-3.3.4-9]', { receiveMaximum: 2 }, 2],
    ['the server’s own window', {}, 5],
  ])('no more is unacknowledged than %s', async (_name, properties, window) => {
    const { client } = await join(server.port, 5, { clientId: 's', properties })
    await subscribe(client, [{ topic: 't', qos: 1 }])
    await send(8)
    await settle(client)
    expect(payloads(client)).toHaveLength(window)
    const { messageId } = await nextPublish(client)
    client.send({ cmd: 'puback', messageId: messageId ?? 0 })
    await until(() => payloads(client).length === window + 1, 'one more')
    client.destroy()
  })

  test('a QoS 2 message holds its place until PUBCOMP', async () => {
    const { client } = await join(server.port, 5, { clientId: 's', properties: { receiveMaximum: 1 } })
    await subscribe(client, [{ topic: 't', qos: 2 }])
    await send(2, 2)
    const { messageId = 0 } = await nextPublish(client)
    client.send({ cmd: 'pubrec', messageId })
    await client.take('pubrel')
    await settle(client)
    expect(payloads(client)).toEqual(['0'])
    client.send({ cmd: 'pubcomp', messageId })
    expect(String((await nextPublish(client)).payload)).toBe('1')
    client.destroy()
  })

  test('a PUBREC with an error ends the delivery [MQTT-4.3.3]', async () => {
    const { client } = await join(server.port, 5, { clientId: 's', properties: { receiveMaximum: 1 } })
    await subscribe(client, [{ topic: 't', qos: 2 }])
    await send(2, 2)
    const { messageId = 0 } = await nextPublish(client)
    client.send({ cmd: 'pubrec', messageId, reasonCode: 0x97 })
    expect(String((await nextPublish(client)).payload)).toBe('1')
    client.destroy()
  })

  test('a PUBREC nobody waits for is answered 0x92', async () => {
    publisher.send({ cmd: 'pubrec', messageId: 77 })
    expect(await publisher.take('pubrel')).toMatchObject({ messageId: 77, reasonCode: 0x92 })
  })

  test('what is larger than its Maximum Packet Size is left out and counted [MQTT-3.1.2-24, 3.1.2-25]', async () => {
    const { client } = await join(server.port, 5, { clientId: 's', properties: { maximumPacketSize: 50 } })
    await subscribe(client, [
      { topic: 't', qos: 1 },
      { topic: 'zero', qos: 0 },
    ])
    await publishAndWait(publisher, { topic: 't', payload: 'x'.repeat(60) })
    await publishAndWait(publisher, { topic: 'zero', payload: 'x'.repeat(60) })
    await publishAndWait(publisher, { topic: 't', payload: 'small' })
    expect(String((await nextPublish(client)).payload)).toBe('small')
    expect(await dropped('packet_too_large')).toBe(2)
    client.destroy()
  })

  test('what was not acknowledged comes again after a reconnect: same id, DUP, in order [MQTT-4.4.0-1]', async () => {
    const { client } = await join(server.port, 4, { clientId: 's', clean: false })
    await subscribe(client, [{ topic: 't', qos: 1 }])
    await send(3)
    await until(() => payloads(client).length === 3, 'three messages')
    const ids = client.received.flatMap((packet) => (packet.cmd === 'publish' ? [packet.messageId] : []))
    client.destroy()
    await until(() => server.broker.clients().length === 1, 'the subscriber to be gone')
    await send(1, 1, { payload: 'new' })
    const { client: again } = await join(server.port, 4, { clientId: 's', clean: false })
    await until(() => payloads(again).length === 4, 'four messages')
    const seen = again.received.filter((packet) => packet.cmd === 'publish')
    expect(seen.map(({ dup, messageId }) => (dup ? messageId : 'new'))).toEqual([...ids, 'new'])
    expect(payloads(again)).toEqual(['0', '1', '2', 'new'])
    again.destroy()
  })

  test('after PUBREC the PUBREL comes again, not the message', async () => {
    const { client } = await join(server.port, 5, { clientId: 's', ...lasting })
    await subscribe(client, [{ topic: 't', qos: 2 }])
    await send(1, 2)
    const { messageId = 0 } = await nextPublish(client)
    client.send({ cmd: 'pubrec', messageId })
    await client.take('pubrel')
    client.destroy()
    await until(() => server.broker.clients().length === 1, 'the subscriber to be gone')
    const { client: again } = await join(server.port, 5, { clientId: 's', ...lasting })
    expect(await again.take('pubrel')).toMatchObject({ messageId })
    again.send({ cmd: 'pubcomp', messageId })
    await settle(again)
    expect(payloads(again)).toEqual([])
    again.destroy()
  })

  test('aliases stand for topics the client was told, as many as it takes [MQTT-3.3.2-12]', async () => {
    const { client } = await join(server.port, 5, { clientId: 's', properties: { topicAliasMaximum: 1 } })
    await subscribe(client, [{ topic: 'long/#', qos: 0 }])
    for (const topic of ['long/a', 'long/a', 'long/b', 'long/a']) await publishAndWait(publisher, { topic })
    await settle(client)
    const seen = client.received.filter((packet) => packet.cmd === 'publish')
    expect(seen.map(({ topic, properties }) => [topic, properties?.topicAlias])).toEqual([
      ['long/a', 1],
      ['', 1],
      ['long/b', undefined],
      ['', 1],
    ])
    client.destroy()
  })
})

describe('from a publisher', () => {
  test('more QoS 1 than Receive Maximum at once ends MQTT 5 with 0x93 [MQTT-3.3.4-8]', async () => {
    server.store.held = true
    for (let id = 1; id <= 11; id++) publish(publisher, { topic: 't', qos: 1, messageId: id })
    expect(await publisher.take('disconnect')).toMatchObject({ reasonCode: 0x93 })
    server.store.releaseAll()
  })

  test('as many as Receive Maximum are taken again and again', async () => {
    for (let round = 0; round < 5; round++) {
      for (let id = 1; id <= 10; id++) publish(publisher, { topic: 't', qos: 1, messageId: id })
      for (let id = 1; id <= 10; id++) await publisher.take('puback')
    }
    expect(server.store.readings).toHaveLength(50)
  })

  test('a topic alias stands for its topic [MQTT-3.3.2-8]', async () => {
    await publishAndWait(publisher, { topic: 'a/b', properties: { topicAlias: 4 } })
    await publishAndWait(publisher, { topic: '', properties: { topicAlias: 4 } })
    expect(server.store.readings.map(({ topic }) => topic)).toEqual(['a/b', 'a/b'])
  })

  test('an alias is known to what is sent right behind it, also ahead of CONNACK', async () => {
    const client = await openRaw(server.port, 5)
    const aliased = (topic: string, messageId: number): Packet => ({
      cmd: 'publish',
      topic,
      payload: 'x',
      qos: 1,
      messageId,
      dup: false,
      retain: false,
      properties: { topicAlias: 1 },
    })
    const packets = [connectPacket(5, { clientId: 'hasty' }), aliased('a/b', 1), aliased('', 2)]
    client.write(Buffer.concat(packets.map((packet) => generate(packet, { protocolVersion: 5 }))))
    await client.take('puback')
    await client.take('puback')
    expect(server.store.readings.map(({ topic }) => topic)).toEqual(['a/b', 'a/b'])
  })

  test.each([
    ['an alias of 0 [MQTT-3.3.2-8]', { topic: 'a', properties: { topicAlias: 0 } }, 0x94],
    ['an alias above the maximum [MQTT-3.3.2-9]', { topic: 'a', properties: { topicAlias: 5 } }, 0x94],
    ['an alias nobody set [MQTT-3.3.2.3.4]', { topic: '', properties: { topicAlias: 3 } }, 0x82],
    ['no topic and no alias', { topic: '' }, 0x82],
    ['a wildcard in the topic [MQTT-3.3.2-2]', { topic: 'a/#' }, 0x90],
    [
      'a wildcard in the response topic [MQTT-3.3.2-14]',
      { topic: 'a', properties: { responseTopic: 'b/+' } },
      0x82,
    ],
    ['a topic of too many levels', { topic: 'a/'.repeat(201) }, 0x90],
  ])('%s ends the connection', async (_name, packet, reasonCode) => {
    publish(publisher, packet)
    expect(await publisher.take('disconnect')).toMatchObject({ reasonCode })
    await publisher.untilClosed()
  })

  test('a store that refuses leaves the window open', async () => {
    const { AppError } = await import('../../../src/domain/errors.ts')
    server.store.failure = new AppError('store_full', 'the disk is full')
    for (let round = 0; round < 3; round++) {
      for (let id = 1; id <= 10; id++) publish(publisher, { topic: 't', qos: 1, messageId: id })
      for (let id = 1; id <= 10; id++)
        expect(await publisher.take('puback')).toMatchObject({ reasonCode: 0x97 })
    }
    expect(publisher.closed).toBe(false)
  })
})

describe('message expiry', () => {
  test('what is left of it is sent on [MQTT-3.3.2-6], and what has expired is not [MQTT-3.3.2-5]', async () => {
    const { client } = await join(server.port, 5, { clientId: 's', ...lasting })
    await subscribe(client, [{ topic: 't', qos: 1 }])
    client.destroy()
    await until(() => server.broker.clients().length === 1, 'the subscriber to be gone')
    await publishAndWait(publisher, {
      topic: 't',
      payload: 'short',
      properties: { messageExpiryInterval: 1 },
    })
    await publishAndWait(publisher, {
      topic: 't',
      payload: 'long',
      properties: { messageExpiryInterval: 100 },
    })
    await new Promise((resolve) => setTimeout(resolve, 1100))
    const { client: again } = await join(server.port, 5, { clientId: 's', ...lasting })
    const { payload, properties } = await nextPublish(again)
    expect(String(payload)).toBe('long')
    expect(properties?.messageExpiryInterval).toBeGreaterThan(50)
    expect(properties?.messageExpiryInterval).toBeLessThan(100)
    expect(await dropped('expired')).toBe(1)
    again.destroy()
  })

  test('an expired retained message is gone', async () => {
    await publishAndWait(publisher, { topic: 'r', retain: true, properties: { messageExpiryInterval: 1 } })
    await new Promise((resolve) => setTimeout(resolve, 1100))
    await subscribe(publisher, [{ topic: 'r', qos: 1 }])
    await settle(publisher)
    expect(payloads(publisher)).toEqual([])
  })
})

test('QoS 0 waits for older retained messages', async () => {
  const { client } = await join(server.port, 5, { clientId: 's', properties: { receiveMaximum: 1 } })
  await publishAndWait(publisher, { topic: 'r/a', payload: 'old a', retain: true })
  await publishAndWait(publisher, { topic: 'r/b', payload: 'old b', retain: true })
  await subscribe(client, [{ topic: 'r/#', qos: 1 }])
  publish(publisher, { topic: 'r/b', payload: 'new b' })
  await settle(publisher)
  await settle(client)
  expect(payloads(client)).toEqual(['old a'])
  for (let i = 0; i < 2; i++)
    client.send({ cmd: 'puback', messageId: (await nextPublish(client)).messageId ?? 0 })
  await until(() => payloads(client).length === 3, 'all three')
  expect(payloads(client)).toEqual(['old a', 'old b', 'new b'])
  client.destroy()
})

test('a full queue drops what comes on top and counts it', async () => {
  await server.close()
  server = await startServer({ mqtt: { max_queued_messages: 5 } })
  publisher = (await join(server.port, 5, { clientId: 'publisher' })).client
  const { client } = await join(server.port, 5, { clientId: 's', ...lasting })
  await subscribe(client, [{ topic: 't', qos: 1 }])
  client.destroy()
  await until(() => server.broker.clients().length === 1, 'the subscriber to be gone')
  await send(8)
  expect(await dropped('queue_full')).toBe(3)
  const { client: again } = await join(server.port, 5, { clientId: 's', ...lasting })
  await until(() => payloads(again).length === 5, 'five messages')
  expect(payloads(again)).toEqual(['0', '1', '2', '3', '4'])
  again.destroy()
})
