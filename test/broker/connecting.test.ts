// What a server may say about client ids, QoS and retained messages.

import { generate, type IConnackPacket, type IPublishPacket } from 'mqtt-packet'
import { afterEach, expect, test } from 'vitest'
import { plainListener } from './listeners/plainListener.ts'
import { connectPacket, connectRaw, openRaw } from './rawClient.ts'
import { startServer, type TestServer } from './server.ts'

const publish = (topic: string, qos: 0 | 1 | 2, messageId: number): IPublishPacket => ({
  cmd: 'publish',
  topic,
  payload: 'x',
  qos,
  messageId,
  retain: false,
  dup: false,
})

let server: TestServer
afterEach(() => server.close())

test('a client without an id is given one with the prefix, and MQTT 5 is told [MQTT-3.1.3-6, 3.2.2-16]', async () => {
  server = await startServer({ mqtt: { auto_id_prefix: 'home-' } })
  const told = await openRaw(server.port, 5)
  told.send({ ...connectPacket(5), clientId: '' })
  const { properties } = await told.take<IConnackPacket>('connack')
  expect(properties?.assignedClientIdentifier).toMatch(/^home-[0-9a-f-]{36}$/)
  const untold = await openRaw(server.port, 4)
  untold.send({ ...connectPacket(4), clientId: '', clean: true })
  expect(await untold.take('connack')).toMatchObject({ returnCode: 0 })
  expect(server.broker.clients().every(({ id }) => id.startsWith('home-'))).toBe(true)
  told.destroy()
  untold.destroy()
})

test.each([
  [4, { returnCode: 2 }],
  [5, { reasonCode: 0x85 }],
] as const)(
  'without allow_zero_length_clientid a client of level %d without an id is refused',
  async (version, answer) => {
    server = await startServer({ mqtt: { allow_zero_length_clientid: false } })
    const client = await openRaw(server.port, version)
    client.send({ ...connectPacket(version), clientId: '', clean: true })
    expect(await client.take('connack')).toMatchObject(answer)
    await client.untilClosed()
  },
)

test.each([
  [3, []],
  [4, []],
  [5, [0x20, 3, 0, 0x90, 0]],
] as const)(
  'a will with a wildcard in its topic: MQTT of level %d is answered %j in its own words, and closed',
  async (version, answer) => {
    server = await startServer()
    const client = await openRaw(server.port, version)
    const chunks: Buffer[] = []
    client.socket.on('data', (chunk) => chunks.push(chunk))
    const will = { topic: 'w-#', payload: Buffer.from('x'), qos: 0 as const, retain: false }
    client.send(connectPacket(version, { will }))
    await client.untilClosed()
    expect(Buffer.concat(chunks)).toEqual(Buffer.from(answer))
  },
)

test('a listener has its own word on client ids that are not sent, and leaves the rest to the server', async () => {
  server = await startServer({
    mqtt: {
      default_listener: false,
      auto_id_prefix: 'all-',
      allow_zero_length_clientid: false,
      listeners: [
        plainListener,
        { ...plainListener, allow_zero_length_clientid: true },
        { ...plainListener, allow_zero_length_clientid: true, auto_id_prefix: 'here-' },
      ],
    },
  })
  const answers: (string | number | undefined)[] = []
  for (const { port } of server.broker.listeners) {
    const client = await openRaw(port, 5)
    client.send({ ...connectPacket(5), clientId: '' })
    const { reasonCode, properties } = await client.take<IConnackPacket>('connack')
    answers.push(properties?.assignedClientIdentifier?.replace(/-.*/, '') ?? reasonCode)
    client.destroy()
  }
  expect(answers).toEqual([0x85, 'all', 'here'])
})

test('a session without an id is refused whatever is allowed [MQTT-3.1.3-8]', async () => {
  server = await startServer()
  const client = await openRaw(server.port, 4)
  const packet = generate({ ...connectPacket(4), clientId: '', clean: true })
  packet[9] = (packet[9] as number) & ~2
  client.write(packet)
  await client.untilClosed()
  expect(server.broker.clients()).toEqual([])
})

test.each([
  [{ max_qos: 1 }, { ...publish('t', 2, 1) }, 0x9b],
  [{ max_qos: 0 }, { ...publish('t', 1, 1) }, 0x9b],
  [{ retain_available: false }, { ...publish('t', 0, 0), retain: true }, 0x9a],
] as const)(
  'with %j a publish beyond it ends the connection with its reason',
  async (mqtt, packet, reasonCode) => {
    server = await startServer({ mqtt })
    const client = await connectRaw(server.port, 5)
    client.send({ ...publish('t', 0, 0) })
    client.send(packet)
    expect(await client.take('disconnect')).toMatchObject({ reasonCode })
    await client.untilClosed()
    expect(server.store.readings).toHaveLength(1)
  },
)

test.each([
  [{ max_qos: 1 }, { qos: 2 }, { reasonCode: 0x9b }],
  [{ retain_available: false }, { retain: true }, { reasonCode: 0x9a }],
] as const)('with %j CONNACK says so, and a will beyond it is refused', async (mqtt, will, answer) => {
  server = await startServer({ mqtt })
  const client = await openRaw(server.port, 5)
  client.send(connectPacket(5))
  const { properties } = await client.take<IConnackPacket>('connack')
  expect(properties).toMatchObject('max_qos' in mqtt ? { maximumQoS: 1 } : { retainAvailable: false })
  const refused = await openRaw(server.port, 5)
  refused.send({
    ...connectPacket(5, { clientId: 'other' }),
    will: { topic: 'w', payload: Buffer.from('x'), qos: 0, retain: false, ...will },
  })
  expect(await refused.take('connack')).toMatchObject(answer)
  await refused.untilClosed()
  client.destroy()
})

test.each([
  [4, { returnCode: 5 }],
  [5, { reasonCode: 0x95 }],
] as const)(
  'a will may hold no more than a publish, also with protocol level %i',
  async (version, answer) => {
    server = await startServer({ mqtt: { max_payload_size: 10 } })
    const connectWith = async (bytes: number) => {
      const client = await openRaw(server.port, version)
      const will = { topic: 'w', payload: Buffer.alloc(bytes, 'x'), qos: 1 as const, retain: false }
      client.send({ ...connectPacket(version, { clientId: `of ${bytes}` }), will })
      return client
    }
    const [allowed, refused] = [await connectWith(10), await connectWith(11)]
    expect(await refused.take('connack')).toMatchObject(answer)
    await refused.untilClosed()
    await allowed.take('connack')
    allowed.destroy()
    await expect.poll(() => server.store.readings.map(({ payload }) => payload.length)).toEqual([10])
  },
)
