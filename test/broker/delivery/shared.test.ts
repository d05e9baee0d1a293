// Shared subscriptions [MQTT-4.8.2]: each message to one member, also across a member's disconnect.

import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { join, lasting, nextPublish, payloads, publish, publishAndWait, settle, subscribe } from '../peer.ts'
import { type RawClient, until } from '../rawClient.ts'
import { startServer, type TestServer } from '../server.ts'

let server: TestServer
let publisher: RawClient
beforeEach(async () => {
  server = await startServer()
  publisher = (await join(server.port, 5, { clientId: 'publisher' })).client
})
afterEach(async () => {
  publisher.destroy()
  await server.close()
})

async function member(clientId: string, filter = '$share/g/t/#', extra: object = {}): Promise<RawClient> {
  const { client } = await join(server.port, 5, { clientId, ...extra })
  expect(await subscribe(client, [{ topic: filter, qos: 1 }])).toEqual([1])
  return client
}

const numbers = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, i) => String(from + i))

test('each message goes to one member of a group, in turn', async () => {
  const members = [await member('a'), await member('b'), await member('c')]
  for (const n of numbers(0, 30)) await publishAndWait(publisher, { topic: 't/x', payload: n })
  for (const client of members) await settle(client)
  expect(members.map((client) => payloads(client).length)).toEqual([10, 10, 10])
  expect(members.flatMap(payloads).sort()).toEqual(numbers(0, 30).sort())
})

test('every group, and every subscriber without one, gets its copy', async () => {
  const clients = [
    await member('a', '$share/g/t/#'),
    await member('b', '$share/h/t/#'),
    await member('c', 't/#'),
  ]
  await publishAndWait(publisher, { topic: 't/x', payload: 'one' })
  for (const client of clients) expect(String((await nextPublish(client)).payload)).toBe('one')
})

test('MQTT 3.1.1 clients may share, too', async () => {
  const { client } = await join(server.port, 4, { clientId: 'old' })
  expect(await subscribe(client, [{ topic: '$share/g/t', qos: 1 }])).toEqual([1])
  await publishAndWait(publisher, { topic: 't', payload: 'one' })
  expect(String((await nextPublish(client)).payload)).toBe('one')
  client.destroy()
})

test('what a member has not acknowledged when it goes is given to another [MQTT-4.8.2-6]', async () => {
  const first = await member('first', '$share/g/t')
  for (const n of numbers(0, 5)) await publishAndWait(publisher, { topic: 't', payload: n })
  await until(() => payloads(first).length === 5, 'five messages')
  const second = await member('second', '$share/g/t')
  first.destroy()
  await until(() => payloads(second).length === 5, 'the same five')
  expect(payloads(second)).toEqual(numbers(0, 5))
  expect(second.received.some((packet) => packet.cmd === 'publish' && packet.dup)).toBe(false)
})

test('a QoS 2 message begun with a member is finished with that one [MQTT-4.8.2-4]', async () => {
  const { client: first } = await join(server.port, 5, { clientId: 'first', ...lasting })
  await subscribe(first, [{ topic: '$share/g/t', qos: 2 }])
  publish(publisher, { topic: 't', payload: 'once', qos: 2, messageId: 9 })
  await publisher.take('pubrec')
  const { messageId } = await nextPublish(first)
  const { client: second } = await join(server.port, 5, { clientId: 'second' })
  await subscribe(second, [{ topic: '$share/g/t', qos: 2 }])
  first.destroy()
  await until(() => server.broker.clients().length === 2, 'the first to be gone')
  const { client: again } = await join(server.port, 5, { clientId: 'first', ...lasting })
  expect(await nextPublish(again)).toMatchObject({ messageId, dup: true })
  await settle(second)
  expect(payloads(second)).toEqual([])
})

test('messages for a group without a connected member wait with one that lasts', async () => {
  const gone = await member('gone', '$share/g/t', lasting)
  gone.send({ cmd: 'disconnect' })
  await until(() => server.broker.clients().length === 1, 'the member to be gone')
  await publishAndWait(publisher, { topic: 't', payload: 'later' })
  const { client } = await join(server.port, 5, { clientId: 'gone', ...lasting })
  expect(String((await nextPublish(client)).payload)).toBe('later')
})

test('a member that stops reading does not keep messages from the others', async () => {
  const stalled = await member('stalled', '$share/g/t')
  stalled.socket.pause()
  const lively = await member('lively', '$share/g/t')
  lively.socket.on('data', () => {
    for (const packet of lively.received.splice(0)) {
      if (packet.cmd === 'publish') {
        seen.push(String(packet.payload.slice(0, 4)))
        lively.send({ cmd: 'puback', messageId: packet.messageId ?? 0 })
      }
    }
  })
  const seen: string[] = []
  const payload = 'x'.repeat(100_000)
  for (let n = 0; n < 100; n++)
    await publishAndWait(publisher, { topic: 't', payload: `${1000 + n}${payload}` })
  await until(() => seen.length >= 50, 'the lively member to get its share')
})

test('no retained message answers a shared subscription [MQTT-4.8.2]', async () => {
  await publishAndWait(publisher, { topic: 't', retain: true })
  const client = await member('a', '$share/g/t')
  await settle(client)
  expect(payloads(client)).toEqual([])
})

describe('refused filters', () => {
  test.each(['$share/g', '$share/g/', '$share//t', '$share/+/t', '$share/#'])('%s', async (topic) => {
    const { client } = await join(server.port, 5)
    expect(await subscribe(client, [{ topic, qos: 1 }])).toEqual([0x8f])
    client.destroy()
  })

  test('no local on a shared subscription is a protocol error [MQTT-3.8.3-4]', async () => {
    const { client } = await join(server.port, 5)
    client.send({
      cmd: 'subscribe',
      messageId: 1,
      subscriptions: [{ topic: '$share/g/t', qos: 1, nl: true }],
    })
    expect(await client.take('disconnect')).toMatchObject({ reasonCode: 0x82 })
  })
})
