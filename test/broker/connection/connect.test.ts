// CONNECT and its answer [MQTT-3.1, 3.2]: what is granted, what is refused and why, and what may come before it.

import type { IConnackPacket } from 'mqtt-packet'
import { afterEach, describe, expect, test } from 'vitest'
import { AppError } from '../../../src/domain/errors.ts'
import { join, lasting, publishAndWait, settle, subscribe } from '../peer.ts'
import { connectPacket, openRaw, until } from '../rawClient.ts'
import { startServer, type TestServer } from '../server.ts'

let server: TestServer
afterEach(() => server.close())

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex')

describe('CONNACK', () => {
  test('tells MQTT 5 every limit of the server, and nothing that is the default', async () => {
    server = await startServer({ mqtt: { max_inflight: 20, max_packet_size: 5000, max_topic_alias: 7 } })
    const { client, connack } = await join(server.port, 5)
    expect(connack.reasonCode).toBe(0)
    expect({ ...connack.properties }).toEqual({
      receiveMaximum: 20,
      maximumPacketSize: 5000,
      topicAliasMaximum: 7,
    })
    client.destroy()
  })

  test('assigns a client id to MQTT 5 [MQTT-3.2.2-16], which can be used again', async () => {
    server = await startServer()
    const { client, connack } = await join(server.port, 5, { ...lasting, clientId: '', clean: true })
    const clientId = connack.properties?.assignedClientIdentifier ?? ''
    expect(clientId).not.toBe('')
    client.destroy()
    expect((await join(server.port, 5, { ...lasting, clientId })).connack.sessionPresent).toBe(true)
  })

  test.each([
    [5, 120, 60, undefined],
    [5, 0, 60, undefined],
    [5, 60, undefined, undefined],
    [4, 60, undefined, 0],
    [4, 0, undefined, 0],
    [4, 120, undefined, 2],
  ] as const)(
    'MQTT level %i asking for %i s with a limit of 60: server keep alive %s [MQTT-3.1.2-21]',
    async (version, keepalive, granted, returnCode) => {
      server = await startServer({ mqtt: { max_keepalive_s: 60 } })
      const { connack } = await join(server.port, version, { keepalive })
      expect(connack.properties?.serverKeepAlive).toBe(granted)
      if (version === 4) expect(connack.returnCode).toBe(returnCode)
    },
  )

  test('has response information when it is asked for and configured [MQTT-3.1.2-28]', async () => {
    server = await startServer({ mqtt: { response_information: 'answers' } })
    const properties = { requestResponseInformation: true }
    expect((await join(server.port, 5, { clientId: 'a', properties })).connack.properties).toMatchObject({
      responseInformation: 'answers/a',
    })
    expect((await join(server.port, 5, { clientId: 'b' })).connack.properties).not.toHaveProperty(
      'responseInformation',
    )
  })
})

describe('a refusal', () => {
  test.each([
    [5, { reasonCode: 0x9f }],
    [4, { returnCode: 3 }],
  ] as const)('MQTT level %i: too many logins waiting', async (version, answer) => {
    server = await startServer()
    server.logins.failure = new AppError('rate_limited', 'too many logins are waiting')
    const { client, connack } = await join(server.port, version, { username: 'ann' })
    expect(connack).toMatchObject(answer)
    await client.untilClosed()
  })

  test.each([
    [5, { reasonCode: 0x87 }],
    [4, { returnCode: 5 }],
  ] as const)('MQTT level %i: nobody without a name', async (version, answer) => {
    server = await startServer({ principals: { ann: {} } })
    const { client, connack } = await join(server.port, version)
    expect(connack).toMatchObject(answer)
    await client.untilClosed()
  })

  test('has a reason string, unless the client wants none [MQTT-3.1.2-29]', async () => {
    server = await startServer({ principals: { ann: {} } })
    const told = await join(server.port, 5, { username: 'eve' })
    expect(told.connack.properties?.reasonString).toBe('bad user name or password')
    const untold = await join(server.port, 5, {
      username: 'eve',
      properties: { requestProblemInformation: false },
    })
    expect(untold.connack.properties?.reasonString).toBeUndefined()
  })

  test('of enhanced authentication is 0x8C [MQTT-4.12.0-1]', async () => {
    server = await startServer()
    const { client, connack } = await join(server.port, 5, { properties: { authenticationMethod: 'SCRAM' } })
    expect(connack.reasonCode).toBe(0x8c)
    await client.untilClosed()
  })
})

describe('packets ahead of CONNACK', () => {
  test('wait until the client is let in, and are answered in order', async () => {
    server = await startServer()
    const client = await openRaw(server.port, 4)
    client.send(connectPacket(4))
    client.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 't', qos: 1 }] })
    client.send({ cmd: 'publish', topic: 't', payload: 'x', qos: 1, messageId: 2, dup: false, retain: false })
    client.send({ cmd: 'pubrel', messageId: 3 })
    await client.take('pubcomp')
    await client.take('puback')
    expect(client.received.slice(0, 2).map(({ cmd }) => cmd)).toEqual(['connack', 'suback'])
    client.destroy()
  })

  test('have no effect when it is not', async () => {
    server = await startServer({ principals: { ann: {} } })
    const client = await openRaw(server.port, 4)
    client.send(connectPacket(4, { clientId: 'eve' }))
    client.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: '#', qos: 1 }] })
    client.send({ cmd: 'publish', topic: 't', payload: 'x', qos: 1, messageId: 2, dup: false, retain: false })
    client.send({ cmd: 'pubrel', messageId: 3 })
    await client.untilClosed()
    expect(client.received.map(({ cmd }) => cmd)).toEqual(['connack'])
    expect(server.store.readings).toEqual([])
    expect(server.sessions.registry.count).toBe(0)
  })

  test('wait in the sockets when there are many', async () => {
    server = await startServer({ mqtt: { max_packet_size: 2000 } })
    const client = await openRaw(server.port, 4)
    const pings = Buffer.concat(Array.from({ length: 50_000 }, () => hex('c000')))
    client.write(Buffer.concat([hex('10 0d 0004 4d515454 04 02 0000 0001 61'), pings]))
    await until(() => client.received.length === 50_001, 'every ping to be answered')
    expect(client.received[0]?.cmd).toBe('connack')
    client.destroy()
  })

  test.each(['DISCONNECT', 'nothing'])(
    'are served when the client has hung up behind them with %s',
    async (last) => {
      server = await startServer()
      const client = await openRaw(server.port, 4)
      const connect = hex('10 0d 0004 4d515454 04 02 0000 0001 61')
      const publishes = Array.from({ length: 100 }, () => hex('30 04 0001 74 78'))
      client.socket.end(Buffer.concat([connect, ...publishes, hex(last === 'nothing' ? '' : 'e000')]))
      await until(() => server.store.readings.length === 100, 'what it sent to be stored')
      await until(() => server.broker.clients().length === 0, 'the client to be gone')
    },
  )
})

test('an earlier connection of the same id hears 0x8E, and its subscriptions serve the new one [MQTT-3.1.4-3]', async () => {
  server = await startServer()
  const { client: first } = await join(server.port, 5, { clientId: 's', ...lasting })
  await subscribe(first, 't')
  const second = await join(server.port, 5, { clientId: 's', ...lasting })
  expect(await first.take('disconnect')).toMatchObject({ reasonCode: 0x8e })
  expect(second.connack.sessionPresent).toBe(true)
  await first.untilClosed()
  await publishAndWait(second.client, { topic: 't' })
  await second.client.take('publish')
  expect(server.broker.clients()).toHaveLength(1)
  second.client.destroy()
})

test('of many that take over the same id at once one is left, and it works', async () => {
  server = await startServer()
  const all = await Promise.all(Array.from({ length: 20 }, () => openRaw(server.port, 5)))
  for (const client of all) client.send(connectPacket(5, { clientId: 'same' }))
  await Promise.all(all.map((client) => client.take<IConnackPacket>('connack').catch(() => null)))
  for (const client of all.slice(0, -1)) if (!client.closed) await settle(client).catch(() => undefined)
  expect(server.broker.clients()).toHaveLength(1)
  const open = all.filter((client) => !client.closed)
  expect(open).toHaveLength(1)
  for (const client of open) await settle(client)
})
