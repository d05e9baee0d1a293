// What a bridge sends again after a loss is the same message to the other broker: by its packet identifier and DUP [MQTT-4.4.0-1].

import { type AddressInfo, createServer, type Socket } from 'node:net'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generate, type IPublishPacket, type Packet, parser } from 'mqtt-packet'
import { afterEach, expect, test } from 'vitest'
import { loadConfig } from '../../../src/config/load.ts'
import type { Config } from '../../../src/config/schema.ts'
import { publish, settle } from '../peer.ts'
import { connectRaw, until } from '../rawClient.ts'
import { createTestStore, startServer } from '../server.ts'

type Version = 4 | 5
type Answer = (
  packet: Packet,
  connection: { number: number; send: (packet: Packet) => void; socket: Socket },
) => void

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

/** The other broker, packet by packet; what it hears is `heard`, with the number of the connection in front. */
async function far(
  version: Version,
  answer: Answer,
): Promise<{ port: number; heard: [number, Packet][]; hasConnected: () => boolean }> {
  const heard: [number, Packet][] = []
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    const number = sockets.size
    const reader = parser({ protocolVersion: version })
    const send = (packet: Packet): void => void socket.write(generate(packet, { protocolVersion: version }))
    socket.on('error', () => undefined)
    socket.on('data', (bytes) => reader.parse(bytes))
    reader.on('packet', (packet) => {
      if (packet.cmd === 'connect') {
        const sessionPresent = number > 1
        const answered =
          version === 5 ? { reasonCode: 0, properties: { receiveMaximum: 3 } } : { returnCode: 0 }
        send({ cmd: 'connack', sessionPresent, ...answered })
        return
      }
      heard.push([number, packet])
      answer(packet, { number, send, socket })
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  ends.push(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return {
    port: (server.address() as AddressInfo).port,
    heard,
    hasConnected: () => sockets.size > 0,
  }
}

function bridgeTo(port: number, version: Version, direction = 'out'): Config['mqtt']['bridges'] {
  const bridge = {
    name: 'up',
    addresses: [`127.0.0.1:${port}`],
    protocol_version: version === 5 ? '5' : '3.1.1',
    topics: [{ filter: '#', direction, qos: 2 }],
    notifications: false,
    reconnect_max_s: 1,
  }
  return loadConfig({ flags: { 'mqtt.bridges': JSON.stringify([bridge]) }, env: {}, cwd: '/' }).mqtt.bridges
}

const publishes = (heard: [number, Packet][]) =>
  heard.flatMap(([number, packet]) =>
    packet.cmd === 'publish'
      ? [{ number, id: packet.messageId, dup: packet.dup, text: String((packet as IPublishPacket).payload) }]
      : [],
  )

test.each([
  [4, 1],
  [5, 1],
  [4, 2],
  [5, 2],
] as const)('MQTT %i: QoS %i that was not answered comes again with DUP and its id', async (version, qos) => {
  const { port, heard, hasConnected } = await far(version, (packet, { number, send, socket }) => {
    const { messageId = 0 } = packet
    if (packet.cmd === 'publish') {
      if (number === 1) socket.destroy()
      else send({ cmd: qos === 1 ? 'puback' : 'pubrec', messageId })
    }
    if (packet.cmd === 'pubrel') send({ cmd: 'pubcomp', messageId })
  })
  const here = await startServer({ mqtt: { bridges: bridgeTo(port, version) } })
  ends.push(() => here.close())
  const isUp = () =>
    hasConnected() && here.sessions.registry.get('$bridge/up')?.link?.client.connackSent === true
  await until(isUp, 'the bridge to be up', 20_000)
  const client = await connectRaw(here.port, 4)
  publish(client, { topic: 'a', payload: 'one', qos, messageId: 9 })
  await until(() => publishes(heard).some(({ number }) => number > 1), 'the message again', 20_000)
  const [first, second] = publishes(heard)
  expect(first).toMatchObject({ number: 1, dup: false, text: 'one' })
  expect(second).toMatchObject({ number: 2, dup: true, text: 'one', id: first?.id })
  const registry = here.sessions.registry
  await until(() => registry.get('$bridge/up')?.outbox.count === 0, 'the end of the queue', 20_000)
  client.destroy()
})

test.each([4, 5] as const)(
  'MQTT %i: after PUBREC only PUBREL comes again, with the same id, also over a restart here',
  async (version) => {
    const { port, heard } = await far(version, (packet, { number, send }) => {
      const { messageId = 0 } = packet
      if (packet.cmd === 'publish') send({ cmd: 'pubrec', messageId })
      // The first connection never answers it.
      if (packet.cmd === 'pubrel' && number > 1) send({ cmd: 'pubcomp', messageId })
    })
    const sessionsPath = mkdtempSync(join(tmpdir(), 'amber-resend-'))
    ends.push(() => rmSync(sessionsPath, { recursive: true }))
    const options = { store: createTestStore(), sessionsPath, mqtt: { bridges: bridgeTo(port, version) } }
    const first = await startServer(options)
    const client = await connectRaw(first.port, 4)
    publish(client, { topic: 'a', qos: 2, messageId: 9 })
    await until(() => heard.some(([, { cmd }]) => cmd === 'pubrel'), 'a PUBREL', 20_000)
    const isReleased = () =>
      first.sessions.registry.get('$bridge/up')?.outbox.entries()[0]?.state === 'released'
    await until(isReleased, 'the session to know', 20_000)
    await first.close()

    const second = await startServer(options)
    ends.push(() => second.close())
    const { registry } = second.sessions
    await until(() => registry.get('$bridge/up')?.outbox.count === 0, 'the end of the message', 20_000)
    expect(publishes(heard)).toHaveLength(1)
    const ids = heard
      .filter(([, { cmd }]) => cmd === 'pubrel')
      .map(([number, { messageId }]) => [number, messageId])
    const [{ id } = { id: 0 }] = publishes(heard)
    expect(ids).toEqual([
      [1, id],
      [2, id],
    ])
  },
)

test.each([4, 5] as const)(
  'MQTT %i: a QoS 2 message that comes again over another connection is stored once, and the next of its id again',
  async (version) => {
    const message = { cmd: 'publish', topic: 'a', qos: 2, messageId: 7, retain: false } as const
    const { port } = await far(version, (packet, { number, send, socket }) => {
      const { messageId = 0 } = packet
      if (packet.cmd === 'subscribe') {
        send({ cmd: 'suback', messageId, granted: [2] })
        send({ ...message, payload: 'one', dup: number > 1 })
      }
      if (packet.cmd === 'pubrec') {
        if (number === 1) socket.destroy()
        else send({ cmd: 'pubrel', messageId })
      }
      if (packet.cmd === 'pubcomp' && number === 2) {
        send({ ...message, payload: 'two', dup: false })
      }
    })
    const here = await startServer({ mqtt: { bridges: bridgeTo(port, version, 'in') } })
    ends.push(() => here.close())
    const texts = () => here.store.readings.map(({ payload }) => String(payload))
    await until(() => texts().includes('two'), 'the second message', 20_000)
    expect(texts().slice(0, 2)).toEqual(['one', 'two'])
  },
)

test.each([4, 5] as const)(
  'MQTT %i: a bridge that is stopped in the middle of QoS 2 messages carries each of them once',
  async (version) => {
    const there = await startServer()
    ends.push(() => there.close())
    const sessionsPath = mkdtempSync(join(tmpdir(), 'amber-resend-'))
    ends.push(() => rmSync(sessionsPath, { recursive: true }))
    const options = {
      store: createTestStore(),
      sessionsPath,
      mqtt: { bridges: bridgeTo(there.port, version) },
    }
    const first = await startServer(options)
    const client = await connectRaw(first.port, 4)
    for (let n = 1; n <= 400; n++) publish(client, { topic: 'a', payload: String(n), qos: 2, messageId: n })
    await until(() => first.store.readings.length === 400, 'all to be stored', 20_000)
    await until(() => there.store.readings.length > 20, 'some to be carried', 20_000)
    await first.close()
    const second = await startServer(options)
    ends.push(() => second.close())
    const { registry } = second.sessions
    await until(() => registry.get('$bridge/up')?.outbox.count === 0, 'the end of the queue', 20_000)
    const texts = there.store.readings.map(({ payload }) => String(payload))
    expect(texts).toEqual(Array.from({ length: 400 }, (_, n) => String(n + 1)))
  },
)

test.each([
  [5, 3],
  [4, 20],
] as const)(
  'MQTT %i: no more than %i QoS 2 messages are on their way to the other side',
  async (version, most) => {
    const { port, heard } = await far(version, () => undefined)
    const here = await startServer({ mqtt: { bridges: bridgeTo(port, version) } })
    ends.push(() => here.close())
    const client = await connectRaw(here.port, 4)
    for (let n = 1; n <= 50; n++) publish(client, { topic: 'a', payload: String(n), qos: 2, messageId: n })
    await until(() => publishes(heard).length >= most, 'the window to be full', 20_000)
    await until(() => here.store.readings.length === 50, 'all to be stored', 20_000)
    await settle(client)
    expect(publishes(heard)).toHaveLength(most)
  },
)
