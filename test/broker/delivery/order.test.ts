// What one client sends takes effect in the order sent, although a publish is delivered only when it is durable.

import { generate, type Packet } from 'mqtt-packet'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { join, payloads, settle } from '../peer.ts'
import type { RawClient } from '../rawClient.ts'
import { startServer, type TestServer } from '../server.ts'

let server: TestServer
let client: RawClient
beforeEach(async () => {
  server = await startServer()
  client = (await join(server.port, 5, { clientId: 'one' })).client
})
afterEach(async () => {
  client.destroy()
  await server.close()
})

const publish = (topic: string, payload: string, { retain = false } = {}): Packet => ({
  cmd: 'publish',
  topic,
  payload,
  qos: 0,
  retain,
  dup: false,
})
const subscribe = (topic: string, rh = 0): Packet => ({
  cmd: 'subscribe',
  messageId: 9,
  subscriptions: [{ topic, qos: 1, rh }],
})

const bytesOf = (packets: readonly Packet[]): Buffer =>
  Buffer.concat(packets.map((packet) => generate(packet, { protocolVersion: 5 })))

/** In one segment, and nothing is committed before the last packet was read. */
async function sendHeld(...packets: Packet[]): Promise<void> {
  server.store.held = true
  client.write(bytesOf([...packets, { cmd: 'pingreq' }]))
  await client.take('pingresp')
}

async function sendTogether(...packets: Packet[]): Promise<void> {
  await sendHeld(...packets)
  server.store.releaseAll()
}

test('a SUBSCRIBE behind a retained publish gets it as a retained message, once', async () => {
  await sendTogether(publish('t', 'kept', { retain: true }), subscribe('t'))
  expect(await client.take('publish')).toMatchObject({ topic: 't', retain: true })
  await settle(client)
  expect(payloads(client)).toEqual(['kept'])
})

test('a SUBSCRIBE without retained messages gets nothing that was published before it', async () => {
  await sendTogether(publish('t', 'before', { retain: true }), publish('t', 'before'), subscribe('t', 2))
  await client.take('suback')
  await settle(client)
  expect(payloads(client)).toEqual([])
})

test('a publish between two subscriptions reaches the first, one behind both reaches both', async () => {
  await sendTogether(
    publish('a', 'too early'),
    subscribe('a'),
    publish('a', 'a'),
    publish('b', 'too early'),
    subscribe('b'),
    publish('a', 'a'),
    publish('b', 'b'),
  )
  await client.take('suback')
  await client.take('suback')
  await settle(client)
  expect(payloads(client)).toEqual(['a', 'a', 'b'])
})

test('an UNSUBSCRIBE comes after the publishes sent before it', async () => {
  await sendTogether(subscribe('t'))
  await client.take('suback')
  await sendTogether(
    publish('t', 'before'),
    { cmd: 'unsubscribe', messageId: 10, unsubscriptions: ['t'] },
    publish('t', 'after'),
  )
  await client.take('unsuback')
  await settle(client)
  expect(payloads(client)).toEqual(['before'])
})

test('a client that leaves while its SUBSCRIBE waits leaves no subscription', async () => {
  await sendHeld(publish('t', '2'), subscribe('t'))
  client.destroy()
  const { client: other } = await join(server.port, 5, { clientId: 'one' })
  server.store.releaseAll()
  await settle(other)
  expect(server.sessions.registry.get('one')?.subscriptions.size).toBe(0)
  other.destroy()
})
