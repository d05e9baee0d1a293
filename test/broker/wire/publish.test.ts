// The PUBLISH encoder against the parser of mqtt-packet: whatever goes in comes out.

import fc from 'fast-check'
import { type IPublishPacket, parser } from 'mqtt-packet'
import { expect, test } from 'vitest'
import { encodePublish, publishHeader } from '../../../src/broker/wire/publish.ts'

const text = fc.string({ unit: 'grapheme', maxLength: 30 })
const message = fc.record({
  topic: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 60 }),
  payload: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
  properties: fc.option(
    fc.record(
      {
        payloadFormatIndicator: fc.boolean(),
        contentType: text,
        responseTopic: text,
        correlationData: fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes)),
        userProperties: fc.array(fc.tuple(text, text), { minLength: 1, maxLength: 5 }),
      },
      { requiredKeys: [] },
    ),
  ),
})
const sending = fc.record({
  version: fc.constantFrom(3, 4, 5),
  qos: fc.constantFrom(0 as const, 1 as const, 2 as const),
  retain: fc.boolean(),
  dup: fc.boolean(),
  messageId: fc.integer({ min: 1, max: 65_535 }),
  subscriptionIds: fc.uniqueArray(fc.integer({ min: 1, max: 268_435_455 }), { maxLength: 4 }),
  expirySeconds: fc.option(fc.integer({ min: 0, max: 0xffff_ffff })),
  alias: fc.integer({ min: 0, max: 65_535 }),
})

test('what is encoded is parsed again, every field of it', () => {
  fc.assert(
    fc.property(message, sending, ({ topic, payload, properties }, options) => {
      const { version, qos, retain, dup, messageId, subscriptionIds, expirySeconds, alias } = options
      const form = encodePublish(
        { topic, payload, qos, retain, properties, clientId: '', expiresAt: null },
        { version, identified: qos > 0, subscriptionIds, expirySeconds, alias },
      )
      form.head[0] = publishHeader(qos, retain, dup)
      if (form.idAt > 0) form.head.writeUInt16BE(messageId, form.idAt)
      const bytes = Buffer.concat([form.head, form.payload])
      expect(form.bytes).toBe(bytes.length)
      const packets: IPublishPacket[] = []
      const reader = parser({ protocolVersion: version })
      reader.on('packet', (packet) => packets.push(packet as IPublishPacket))
      reader.parse(bytes)
      const [packet] = packets
      expect(packet).toMatchObject({ topic, qos, retain, dup })
      expect(packet?.messageId).toBe(qos > 0 ? messageId : undefined)
      expect(Buffer.compare(packet?.payload as Buffer, payload)).toBe(0)
      if (version !== 5) return
      const { userProperties, ...plain } = properties ?? {}
      const read = packet?.properties ?? {}
      expect(read).toMatchObject(plain)
      expect(read.messageExpiryInterval).toBe(expirySeconds ?? undefined)
      expect(read.topicAlias).toBe(alias === 0 ? undefined : alias)
      expect([read.subscriptionIdentifier ?? []].flat()).toEqual(subscriptionIds)
      const values = Object.values(read.userProperties ?? {}).flat()
      // The parser forgets an empty value when its name comes again.
      if (userProperties?.every(([name, value]) => name !== '__proto__' && value !== '')) {
        expect(values.sort()).toEqual(userProperties.map(([, value]) => value).sort())
      }
    }),
    { numRuns: 500 },
  )
})
