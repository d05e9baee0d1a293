// Packets counted in a stream however it is cut, and the moving averages made of counts.

import { Duplex } from 'node:stream'
import fc from 'fast-check'
import { generate, type Packet } from 'mqtt-packet'
import { expect, test } from 'vitest'
import { Load } from '../../../src/broker/sys/loads.ts'
import { countTraffic, createTraffic, FrameCounter } from '../../../src/broker/sys/traffic.ts'

const packet = fc.oneof(
  fc.constant<Packet>({ cmd: 'pingreq' }),
  fc.nat({ max: 70_000 }).map(
    (size): Packet => ({
      cmd: 'publish',
      topic: 't',
      payload: Buffer.alloc(size, 0xff),
      qos: 0,
      retain: false,
      dup: false,
    }),
  ),
  fc.integer({ min: 1, max: 65_535 }).map((messageId): Packet => ({ cmd: 'puback', messageId })),
)

test('every packet is counted once, wherever the stream is cut', () => {
  fc.assert(
    fc.property(
      fc.array(packet, { maxLength: 12 }),
      fc.array(fc.integer({ min: 1, max: 5000 }), { minLength: 1 }),
      (packets, sizes) => {
        const bytes = Buffer.concat(packets.map((one) => generate(one)))
        const counter = new FrameCounter()
        let counted = 0
        let publishes = 0
        for (let at = 0, n = 0; at < bytes.length; n++) {
          const size = sizes[n % sizes.length] as number
          counted += counter.push(bytes.subarray(at, at + size))
          publishes += counter.publishes
          at += size
        }
        expect(counted).toBe(packets.length)
        expect(publishes).toBe(packets.filter(({ cmd }) => cmd === 'publish').length)
      },
    ),
  )
})

test('a length that never ends is not counted beyond its four bytes', () => {
  const counter = new FrameCounter()
  expect(counter.push(Buffer.alloc(5, 0xff))).toBe(1)
  expect(counter.push(Buffer.alloc(1_000_000, 0xff))).toBe(0)
})

test('both directions of a stream are counted', () => {
  const traffic = createTraffic()
  const stream = new Duplex({ read: () => undefined, write: (_chunk, _encoding, done) => done() })
  countTraffic(stream, traffic)
  const publish = generate({ cmd: 'publish', topic: 'ä', payload: 'x', qos: 0, retain: false, dup: false })
  stream.push(publish)
  stream.write(publish.subarray(0, 4))
  stream.write('ä')
  stream.write('x', 'latin1')
  stream.write(generate({ cmd: 'pingresp' }))
  expect(traffic).toMatchObject({
    bytesReceived: 7,
    messagesReceived: 1,
    publishReceived: 1,
    bytesSent: 9,
    messagesSent: 2,
    publishSent: 1,
  })
})

test('a load follows a steady rate and fades by half-lives of its own', () => {
  const load = new Load()
  for (let n = 1; n <= 600; n++) load.update(n * 20, 10)
  expect(load.texts()).toEqual([
    ['1min', '120.00'],
    ['5min', '120.00'],
    ['15min', expect.stringMatching(/^119\.8\d$/) as string],
  ])
  for (let n = 0; n < 6; n++) load.update(12_000, 10)
  expect(Number(load.texts()[0]?.[1])).toBeCloseTo(120 / Math.E, 1)
})
