// The broker as a whole: who gets in, who is served, how it starts and how it ends.

import type { IConnackPacket, IPublishPacket } from 'mqtt-packet'
import { afterEach, describe, expect, test } from 'vitest'
import { connectPacket, connectRaw, openRaw, until } from './rawClient.ts'
import { startServer, type TestServer } from './server.ts'

let server: TestServer
afterEach(() => server.close())

const publish = (topic: string, qos: 0 | 1 | 2, messageId: number, payload = 'x') =>
  ({ cmd: 'publish', topic, payload, qos, messageId, dup: false, retain: false }) as const

describe('access', () => {
  const ann = {
    mayWrite: (topic: string) => topic.startsWith('ann/'),
    mayRead: (topic: string) => topic !== 'ann/secret',
  }

  test.each([
    [4, { returnCode: 5 }],
    [5, { reasonCode: 0x86 }],
  ] as const)('MQTT level %i: a wrong password is refused with its code', async (version, answer) => {
    server = await startServer({ principals: { ann } })
    const client = await openRaw(server.port, version)
    client.send(connectPacket(version, { username: 'eve', password: Buffer.from('x') }))
    expect(await client.take<IConnackPacket>('connack')).toMatchObject(answer)
    await client.untilClosed()
  })

  test('a publish that is not allowed closes MQTT 3 without an acknowledgement and is counted', async () => {
    server = await startServer({ principals: { ann } })
    const client = await connectRaw(server.port, 4, { username: 'ann' })
    client.send(publish('bob/x', 1, 1))
    await client.untilClosed()
    expect(client.received.map((p) => p.cmd)).toEqual(['connack'])
    expect(await server.ledger()).toEqual({ received: 1, stored: 0, rejected: 1, deduplicated: 0 })
  })

  test('a publish that is not allowed is answered 0x87 to MQTT 5', async () => {
    server = await startServer({ principals: { ann } })
    const client = await connectRaw(server.port, 5, { username: 'ann' })
    client.send(publish('bob/x', 1, 1))
    expect(await client.take('puback')).toMatchObject({ reasonCode: 0x87 })
    client.send(publish('ann/x', 1, 2))
    expect(await client.take('puback')).toMatchObject({ reasonCode: 0 })
    expect(server.store.readings).toMatchObject([{ topic: 'ann/x', user: 'ann' }])
    client.destroy()
  })

  test('what a subscriber may not read is left out of a wildcard subscription', async () => {
    server = await startServer({ principals: { ann } })
    const client = await connectRaw(server.port, 4, { username: 'ann' })
    client.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: '#', qos: 1 }] })
    await client.take('suback')
    client.send(publish('ann/secret', 1, 1))
    client.send(publish('ann/open', 1, 2))
    expect((await client.take<IPublishPacket>('publish')).topic).toBe('ann/open')
    client.destroy()
  })

  test('dropStale disconnects those whose credentials no longer hold, and only those', async () => {
    server = await startServer({ principals: { ann, bob: {} } })
    const gone = await connectRaw(server.port, 5, { username: 'ann', clientId: 'a' })
    const kept = await connectRaw(server.port, 5, { username: 'bob', clientId: 'b' })
    server.stale.add('ann')
    server.broker.dropStale()
    expect(await gone.take('disconnect')).toMatchObject({ reasonCode: 0x87 })
    await gone.untilClosed()
    expect(server.broker.clients()).toMatchObject([{ id: 'b', user: 'bob', version: 5 }])
    kept.destroy()
  })
})

test('a port in use is an error that says so', async () => {
  server = await startServer()
  await expect(startServer({ mqtt: { port: server.port } })).rejects.toMatchObject({ code: 'port_in_use' })
})

test('a connection that sends no CONNECT is closed in time', async () => {
  server = await startServer({ mqtt: { connect_timeout_ms: 100 } })
  const client = await openRaw(server.port, 4)
  await client.untilClosed()
})

test('connections above max_connections are closed', async () => {
  server = await startServer({ mqtt: { max_connections: 1 } })
  const first = await connectRaw(server.port, 4)
  const second = await openRaw(server.port, 4)
  await second.untilClosed()
  expect(first.closed).toBe(false)
  first.destroy()
})

test('a client id that connects again takes over; MQTT 5 is told so [MQTT-3.1.4-3]', async () => {
  server = await startServer()
  const first = await connectRaw(server.port, 5, { clientId: 'same' })
  const second = await connectRaw(server.port, 5, { clientId: 'same' })
  expect(await first.take('disconnect')).toMatchObject({ reasonCode: 0x8e })
  await first.untilClosed()
  second.send(publish('t', 1, 1))
  await second.take('puback')
  await until(() => server.broker.clients().length === 1, 'one client to be left')
  second.destroy()
})

describe('close', () => {
  test('acknowledges what is being committed, tells MQTT 5 why, and frees the port', async () => {
    server = await startServer()
    const client = await connectRaw(server.port, 5)
    server.store.held = true
    for (let id = 1; id <= 20; id++) client.send(publish('t', 1, id))
    await until(
      () => server.store.status !== undefined && client.socket.writableLength === 0,
      'the bytes to leave',
    )
    await new Promise((resolve) => setTimeout(resolve, 50))
    const closing = server.broker.close()
    setTimeout(() => server.store.releaseAll(), 50)
    await closing
    await client.untilClosed()
    expect(client.received.filter((p) => p.cmd === 'puback')).toHaveLength(20)
    expect(server.store.readings).toHaveLength(20)
    expect(client.received.at(-1)).toMatchObject({ cmd: 'disconnect', reasonCode: 0x8b })
  })

  test('takes no new connection once it began', async () => {
    server = await startServer()
    server.broker.stopAccepting()
    await expect(
      Promise.race([
        openRaw(server.port, 4),
        new Promise((_, reject) => setTimeout(reject, 300, new Error('refused'))),
      ]),
    ).rejects.toThrow('refused')
  })
})
