// Subscriptions and what they bring: codes, overlaps, identifiers, options, retained messages.

import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { join, nextPublish, payloads, publish, publishAndWait, settle, subscribe } from '../peer.ts'
import type { RawClient } from '../rawClient.ts'
import { startServer, type TestServer } from '../server.ts'

let server: TestServer
let client: RawClient
beforeEach(async () => {
  server = await startServer({
    principals: { '': {}, ann: { mayRead: (topic) => topic !== 'secret' } },
    mqtt: { max_subscriptions: 5, max_topic_levels: 10 },
  })
  client = (await join(server.port, 5, { clientId: 'one' })).client
})
afterEach(async () => {
  client.destroy()
  await server.close()
})

describe('SUBACK', () => {
  test('has one code a filter, in the order sent, also when a filter comes twice [MQTT-3.9.3-1]', async () => {
    const codes = await subscribe(client, [
      { topic: 'a', qos: 0 },
      { topic: 'b', qos: 1 },
      { topic: 'a', qos: 2 },
    ])
    expect(codes).toEqual([0, 1, 2])
    publish(client, { topic: 'a', qos: 2, messageId: 5 })
    expect((await nextPublish(client)).qos).toBe(2)
  })

  test.each([
    [5, [0x87, 1]],
    [4, [0x80, 1]],
  ] as const)('MQTT level %i: one topic that may not be read is refused', async (version, codes) => {
    const { client: ann } = await join(server.port, version, { clientId: 'ann', username: 'ann' })
    expect(
      await subscribe(ann, [
        { topic: 'secret', qos: 1 },
        { topic: 'sec/#', qos: 1 },
      ]),
    ).toEqual(codes)
    ann.destroy()
  })

  test.each([4, 5] as const)(
    'MQTT level %i: with refuse_unreadable_subscriptions off, one topic that may not be read is granted, and nothing comes until it may',
    async (version) => {
      const rights = { mayRead: (topic: string) => topic !== 'secret' }
      const other = await startServer({
        principals: { '': {}, ann: { mayRead: (topic) => rights.mayRead(topic) } },
        mqtt: { refuse_unreadable_subscriptions: false },
      })
      const { client: anyone } = await join(other.port, 4, { clientId: 'anyone' })
      await publishAndWait(anyone, { topic: 'secret', payload: 'kept', retain: true })
      const { client: ann } = await join(other.port, version, { clientId: 'ann', username: 'ann' })
      expect(await subscribe(ann, [{ topic: 'secret', qos: 1 }])).toEqual([1])
      await publishAndWait(anyone, { topic: 'secret', payload: 'hidden' })
      rights.mayRead = () => true
      await publishAndWait(anyone, { topic: 'secret', payload: 'shown' })
      expect(String((await nextPublish(ann)).payload)).toBe('shown')
      await other.close()
    },
  )

  test('refuses a filter of too many levels, and subscriptions above the limit', async () => {
    expect(await subscribe(client, 'a/'.repeat(10))).toEqual([0x8f])
    const many = Array.from({ length: 7 }, (_, i) => ({ topic: `t${i}`, qos: 0 as const }))
    expect(await subscribe(client, many)).toEqual([0, 0, 0, 0, 0, 0x97, 0x97])
  })
})

test('UNSUBACK says which subscriptions there were [MQTT-3.11.3]', async () => {
  await subscribe(client, 'a')
  client.send({ cmd: 'unsubscribe', messageId: 3, unsubscriptions: ['a', 'b'] })
  expect(await client.take('unsuback')).toMatchObject({ messageId: 3, granted: [0, 0x11] })
  publish(client, { topic: 'a' })
  await settle(client)
  expect(payloads(client)).toEqual([])
})

test('several matching subscriptions bring one message with every identifier [MQTT-3.3.4-3, 3.3.4-4]', async () => {
  await subscribe(client, [{ topic: 't/#', qos: 0 }], { subscriptionIdentifier: 1 })
  await subscribe(client, [{ topic: 't/+', qos: 2 }], { subscriptionIdentifier: 268_435_455 })
  await subscribe(client, [{ topic: '+/a', qos: 1 }])
  await publishAndWait(client, { topic: 't/a' })
  const { qos, properties } = await nextPublish(client)
  expect(qos).toBe(1)
  expect(properties?.subscriptionIdentifier).toEqual([1, 268_435_455])
  await settle(client)
  expect(payloads(client)).toHaveLength(1)
})

test('an exact subscription of lower QoS does not lower an overlapping wildcard [MQTT-3.3.4-2]', async () => {
  await subscribe(client, [
    { topic: 't/a', qos: 0 },
    { topic: 't/#', qos: 2 },
  ])
  publish(client, { topic: 't/a', qos: 2, messageId: 5 })
  expect((await nextPublish(client)).qos).toBe(2)
})

test('no local keeps a client’s own messages from it [MQTT-3.8.3-3]', async () => {
  await subscribe(client, [{ topic: 't', qos: 1, nl: true }])
  await publishAndWait(client, { topic: 't', payload: 'own' })
  const { client: other } = await join(server.port, 5, { clientId: 'other' })
  await publishAndWait(other, { topic: 't', payload: 'theirs' })
  await settle(client)
  expect(payloads(client)).toEqual(['theirs'])
  other.destroy()
})

test.each([
  [true, true],
  [false, false],
])('retain as published %s leaves the flag %s [MQTT-3.3.1-12, 3.3.1-13]', async (rap, flag) => {
  await subscribe(client, [{ topic: 't', qos: 1, rap }])
  await publishAndWait(client, { topic: 't', retain: true })
  expect((await nextPublish(client)).retain).toBe(flag)
})

describe('retain handling', () => {
  const retainedFor = async (rh: number, times: number): Promise<number> => {
    await publishAndWait(client, { topic: 'r', retain: true })
    for (let i = 0; i < times; i++) await subscribe(client, [{ topic: 'r', qos: 1, rh }])
    await settle(client)
    return payloads(client).length
  }

  test('0 sends retained messages with each SUBSCRIBE [MQTT-3.3.1-9]', async () => {
    expect(await retainedFor(0, 2)).toBe(2)
  })
  test('1 sends them for a subscription that is new [MQTT-3.3.1-10]', async () => {
    expect(await retainedFor(1, 2)).toBe(1)
  })
  test('2 sends none [MQTT-3.3.1-11]', async () => {
    expect(await retainedFor(2, 1)).toBe(0)
  })
})

test('a retained message has its flag, its properties and the identifier of the subscription', async () => {
  await publishAndWait(client, {
    topic: 'r',
    retain: true,
    properties: { contentType: 'text/plain', userProperties: { a: 'b' } },
  })
  await subscribe(client, [{ topic: 'r', qos: 1 }], { subscriptionIdentifier: 9 })
  const { retain, properties } = await nextPublish(client)
  expect(retain).toBe(true)
  expect(properties).toMatchObject({ contentType: 'text/plain', subscriptionIdentifier: 9 })
  expect({ ...properties?.userProperties }).toEqual({ a: 'b' })
})

test('of many retained messages each is sent once, whatever the window', async () => {
  const { client: narrow } = await join(server.port, 5, {
    clientId: 'narrow',
    properties: { receiveMaximum: 3 },
  })
  for (let i = 0; i < 50; i++)
    await publishAndWait(client, { topic: `many/${i}`, payload: String(i), retain: true })
  narrow.socket.on('data', () => {
    for (const packet of narrow.received) {
      if (packet.cmd !== 'publish' || packet.messageId === undefined || done.has(packet)) continue
      done.add(packet)
      narrow.send({ cmd: 'puback', messageId: packet.messageId })
    }
  })
  const done = new Set<object>()
  await subscribe(narrow, [{ topic: 'many/#', qos: 1 }])
  while (payloads(narrow).length < 50) await settle(narrow)
  expect(payloads(narrow)).toEqual(Array.from({ length: 50 }, (_, i) => String(i)))
  narrow.destroy()
})

test('a wildcard in the first level does not match topics that begin with $ [MQTT-4.7.2-1]', async () => {
  await subscribe(client, [
    { topic: '#', qos: 0 },
    { topic: '+/x', qos: 0 },
  ])
  await publishAndWait(client, { topic: '$mine/x', payload: 'hidden' })
  await publishAndWait(client, { topic: 'open', payload: 'seen' })
  await settle(client)
  expect(payloads(client)).toEqual(['seen'])
})
