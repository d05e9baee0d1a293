// The protocol, clause by clause, against raw bytes: what breaks it is refused with the right words, and nobody else is touched.

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { connectPacket, connectRaw, openRaw, type RawClient } from './rawClient.ts'
import { startServer, type TestServer } from './server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer({ mqtt: { max_packet_size: 5000 } })
})
afterAll(() => server.close())

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex')

/** Sent on an open MQTT 5 connection: name, bytes, reason code of the DISCONNECT. */
const faults5: [string, string, number][] = [
  ['U+0000 in a topic [MQTT-1.5.4-2]', '30 06 0003 61 00 62 00', 0x81],
  ['an overlong form of U+0000 in a topic [MQTT-1.5.4-1]', '30 06 0003 61 c0 80 00', 0x81],
  ['a surrogate in a topic [MQTT-1.5.4-1]', '30 06 0003 ed a0 80 00', 0x81],
  ['packet identifier 0 in PUBLISH [MQTT-2.2.1-3]', '32 06 0001 61 0000 00', 0x82],
  ['QoS 3 [MQTT-3.3.1-4]', '36 06 0001 61 0001 00', 0x81],
  ['DUP on QoS 0 [MQTT-3.3.1-2]', '38 04 0001 61 00', 0x81],
  ['a topic longer than its packet', '30 04 00ff 61 00', 0x81],
  ['a property that has no place in PUBLISH', '30 09 0001 61 05 11 00000001', 0x81],
  ['a property twice', '30 08 0001 61 04 01 00 01 01', 0x82],
  ['a payload format that is neither 0 nor 1', '30 06 0001 61 02 01 02', 0x82],
  ['SUBSCRIBE with wrong flags [MQTT-3.8.1-1]', '80 07 0001 00 0001 61 00', 0x81],
  ['SUBSCRIBE without a filter [MQTT-3.8.3-2]', '82 03 0001 00', 0x82],
  ['SUBSCRIBE with identifier 0 [MQTT-2.2.1-3]', '82 07 0000 00 0001 61 00', 0x82],
  ['SUBSCRIBE with QoS 3 [MQTT-3.8.3-4]', '82 07 0001 00 0001 61 03', 0x81],
  ['SUBSCRIBE with reserved options [MQTT-3.8.3-5]', '82 07 0001 00 0001 61 c0', 0x81],
  ['SUBSCRIBE with retain handling 3', '82 07 0001 00 0001 61 30', 0x82],
  ['a subscription identifier of 0', '82 09 0001 02 0b00 0001 61 00', 0x82],
  ['a filter with # in the middle [MQTT-4.7.1-1]', '82 09 0001 00 0003 612362 00', 0x8f],
  ['a filter with + beside text [MQTT-4.7.1-2]', '82 08 0001 00 0002 612b 00', 0x8f],
  ['UNSUBSCRIBE without a filter [MQTT-3.10.3-2]', 'a2 03 0001 00', 0x82],
  ['PUBACK with identifier 0', '40 02 0000', 0x82],
  ['PUBACK with a reason code of PUBREL [MQTT-3.4.2.1]', '40 03 0001 92', 0x82],
  ['PUBREC with a reason code nobody knows [MQTT-3.5.2.1]', '50 03 0001 01', 0x82],
  ['PUBREL with a reason code of PUBACK [MQTT-3.6.2.1]', '62 03 0001 97', 0x82],
  ['PUBCOMP with a reason code nobody knows [MQTT-3.7.2.1]', '70 04 0001 ff 00', 0x82],
  ['DISCONNECT with a reason code nobody knows [MQTT-3.14.2.1]', 'e0 01 01', 0x82],
  ['DISCONNECT with a reason code nobody knows and properties', 'e0 02 42 00', 0x82],
  ['PUBACK with bytes behind its properties', '40 05 0001 00 00 00', 0x81],
  ['DISCONNECT with bytes behind its properties', 'e0 03 00 00 00', 0x81],
  ['DISCONNECT that lets a session last that was to end [MQTT-3.14.2.2.2]', 'e0 07 00 05 11 00000001', 0x82],
  ['PUBREL with wrong flags [MQTT-3.6.1-1]', '60 02 0001', 0x81],
  ['PINGREQ with a body', 'c0 01 00', 0x81],
  ['a second CONNECT [MQTT-3.1.0-2]', '10 0e 0004 4d515454 05 02 0000 00 0001 61', 0x82],
  ['a packet only servers send', '20 03 00 00 00', 0x81],
  ['packet type 0', '00 00', 0x81],
  ['AUTH nobody asked for', 'f0 00', 0x82],
  ['a remaining length of five bytes', '30 ff ff ff ff 01', 0x81],
  ['a packet above the maximum, refused from its header alone', '30 90 4e', 0x95],
]

test.each(faults5)('MQTT 5: %s ends the connection with 0x%#', async (_name, bytes, reasonCode) => {
  const client = await connectRaw(server.port, 5)
  client.write(hex(bytes))
  await client.untilClosed()
  expect(client.received.find((p) => p.cmd === 'disconnect')).toMatchObject({ reasonCode })
})

const faults4: [string, string][] = [
  ['U+0000 in a topic [MQTT-1.5.3-2]', '30 05 0003 610062'],
  ['ill-formed UTF-8 in a filter [MQTT-1.5.3-1]', '82 06 0001 0001 ff 00'],
  ['packet identifier 0 [MQTT-2.3.1-1]', '32 05 0001 61 0000'],
  ['a second CONNECT [MQTT-3.1.0-2]', '10 0d 0004 4d515454 04 02 0000 0001 61'],
  ['SUBSCRIBE with options of MQTT 5 [MQTT-3.8.3-4]', '82 06 0001 0001 61 04'],
  ['DISCONNECT with a body', 'e0 01 00'],
]

test.each(faults4)('MQTT 3.1.1: %s closes the connection', async (_name, bytes) => {
  const client = await connectRaw(server.port, 4)
  client.write(hex(bytes))
  await client.untilClosed()
  expect(client.received.map((p) => p.cmd)).toEqual(['connack'])
})

const faultsBefore: [string, string][] = [
  ['a packet before CONNECT [MQTT-3.1.0-1]', 'c0 00'],
  ['another protocol [MQTT-3.1.2-1]', '10 0d 0004 4d515455 04 02 0000 0001 61'],
  ['the reserved flag [MQTT-3.1.2-3]', '10 0d 0004 4d515454 04 03 0000 0001 61'],
  ['will QoS without a will [MQTT-3.1.2-13]', '10 0d 0004 4d515454 04 0a 0000 0001 61'],
  ['a password without a user name [MQTT-3.1.2-22]', '10 10 0004 4d515454 04 42 0000 0001 61 0001 70'],
  ['U+0000 in the client id [MQTT-1.5.3-2]', '10 0d 0004 4d515454 04 02 0000 0001 00'],
  ['ill-formed UTF-8 in the user name', '10 10 0004 4d515454 04 82 0000 0001 61 0001 ff'],
  ['bytes behind the last field', '10 0e 0004 4d515454 04 02 0000 0001 61 00'],
  ['a field longer than the packet', '10 0d 0004 4d515454 04 02 0000 00ff 61'],
]

test.each(faultsBefore)('%s closes the connection without a CONNACK', async (_name, bytes) => {
  const client = await openRaw(server.port, 4)
  client.write(hex(bytes))
  await client.untilClosed()
  expect(client.received).toEqual([])
})

test.each([
  ['the reserved flag [MQTT-3.1.2-3]', '10 0e 0004 4d515454 05 03 0000 00 0001 61', 0x81],
  ['a will without a topic [MQTT-4.7.3-1]', '10 12 0004 4d515454 05 06 0000 00 0001 61 00 0000 0000', 0x90],
  ['a property that comes twice', '10 14 0004 4d515454 05 02 0000 06 21 0001 21 0001 0001 61', 0x82],
  ['bytes behind the last field', '10 0f 0004 4d515454 05 02 0000 00 0001 61 00', 0x81],
])('MQTT 5: %s in CONNECT is told in a CONNACK [MQTT-3.1.4-1]', async (_name, bytes, reasonCode) => {
  const client = await openRaw(server.port, 5)
  client.write(hex(bytes))
  expect(await client.take('connack')).toMatchObject({ reasonCode })
  await client.untilClosed()
  expect(server.broker.clients()).toEqual([])
})

test.each([
  ['its flag that was reserved later', '10 0f 0006 4d5149736470 03 03 0000 0001 61'],
  ['flags of the fixed header', '14 0f 0006 4d5149736470 03 02 0000 0001 61'],
])('MQTT 3.1 comes in with %s', async (_name, bytes) => {
  const client = await openRaw(server.port, 3)
  client.write(hex(bytes))
  expect(await client.take('connack')).toMatchObject({ returnCode: 0 })
  client.destroy()
})

test('an unknown protocol level is answered with return code 1 [MQTT-3.1.2-2]', async () => {
  const client = await openRaw(server.port, 4)
  client.write(hex('10 0d 0004 4d515454 06 02 0000 0001 61'))
  expect(await client.take('connack')).toMatchObject({ returnCode: 1 })
  await client.untilClosed()
})

test('an empty client id without a clean session is refused with return code 2 [MQTT-3.1.3-8]', async () => {
  const client = await openRaw(server.port, 4)
  client.write(hex('10 0c 0004 4d515454 04 00 0000 0000'))
  expect(await client.take('connack')).toMatchObject({ returnCode: 2 })
  await client.untilClosed()
})

describe('packets cut anywhere', () => {
  test('are put together again, whatever the cut', async () => {
    const client = await connectRaw(server.port, 4)
    client.socket.setNoDelay(true)
    const before = server.store.readings.length
    for (const byte of hex('32 09 0003 612f62 0001 7879 c000')) {
      client.write(Buffer.from([byte]))
      await new Promise((resolve) => setImmediate(resolve))
    }
    await client.take('puback')
    await client.take('pingresp')
    expect(server.store.readings.slice(before).map((r) => `${r.topic} ${String(r.payload)}`)).toEqual([
      'a/b xy',
    ])
    client.destroy()
  })

  test('good packets before a fault in the same chunk are still served', async () => {
    const client = await connectRaw(server.port, 4)
    client.write(hex('32 08 0003 612f62 0009 79 c000 00 00'))
    await client.untilClosed()
    expect(server.store.readings.at(-1)).toMatchObject({ topic: 'a/b' })
  })
})

test('publishes sent together with CONNECT, ahead of CONNACK, are served in order', async () => {
  const client: RawClient = await openRaw(server.port, 4)
  client.send(connectPacket(4, { clientId: 'eager' }))
  for (let id = 1; id <= 100; id++) {
    client.send({
      cmd: 'publish',
      topic: 'eager',
      payload: String(id),
      qos: 1,
      messageId: id,
      dup: false,
      retain: false,
    })
  }
  for (let id = 1; id <= 100; id++) await client.take('puback')
  expect(server.store.readings.filter((r) => r.topic === 'eager').map((r) => Number(r.payload))).toEqual(
    Array.from({ length: 100 }, (_, i) => i + 1),
  )
  client.destroy()
})
