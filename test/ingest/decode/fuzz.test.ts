// Every decoder against bytes that are none of its own: random, and real messages cut, mutated and put together. Nothing makes one
// throw, a value is never a number that is none, and the work of one message is bounded.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decode } from '../../../src/ingest/decode/decode.ts'
import { formats } from '../../../src/ingest/decode/decoded.ts'
import { readMessages } from '../score.ts'

const messages = readMessages().map(({ topic, payload }) => ({ topic, payload }))
const known = fc.constantFrom(...messages)
const topics = fc.oneof(
  known.map(({ topic }) => topic),
  fc.constantFrom(
    'a',
    'spBv1.0/g/DDATA/n/d',
    'spBv1.0/g/NBIRTH/n',
    's/us',
    'v3/a@t/devices/d/up',
    'homie/a/b/c',
  ),
)
const place = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true })

const cut = fc
  .tuple(known, place)
  .map(([{ payload }, end]) => payload.subarray(0, Math.ceil(end * payload.length)))
const mutated = fc
  .tuple(known, fc.array(fc.tuple(place, fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 8 }))
  .map(([{ payload }, changes]) => {
    const bytes = Buffer.from(payload)
    for (const [at, byte] of changes) if (bytes.length > 0) bytes[Math.floor(at * bytes.length)] = byte
    return bytes
  })
const spliced = fc.tuple(cut, cut).map(([a, b]) => Buffer.concat([a, b]))
const random = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes))
/** First bytes that lead into the binary decoders. */
const led = fc
  .tuple(
    fc.constantFrom(0x7e, 0x08, 0x12, 0x80, 0x8f, 0x9f, 0xa1, 0xbf, 0xde, 0xdf, 0x7b, 0x5b, 0x2f, 0x22),
    random,
  )
  .map(([first, rest]) => Buffer.concat([Buffer.of(first), rest]))
const payloads = fc.oneof(random, led, cut, mutated, spliced)

test.each(formats.filter((format) => format !== 'protobuf'))('%s takes any bytes', (format) => {
  fc.assert(
    fc.property(topics, payloads, (topic, payload) => {
      const { records } = decode(payload, { topic, format, receivedAt: 1.7e12 })
      for (const { fields, time } of records) {
        expect(time === null || Number.isFinite(time)).toBe(true)
        for (const value of Object.values(fields)) {
          expect(['number', 'bigint', 'boolean', 'string']).toContain(typeof value)
          expect(typeof value !== 'number' || Number.isFinite(value)).toBe(true)
        }
      }
    }),
    { numRuns: 400 },
  )
})

test.each([
  ['nesting', '['.repeat(500_000)],
  ['nesting of objects', '{"a":'.repeat(150_000)],
  ['a million leaves', `[${'1,'.repeat(500_000)}1]`],
  [
    'long paths',
    `{"${'k'.repeat(100_000)}":{${Array.from({ length: 5000 }, (_, n) => `"${n}":1`).join(',')}}}`,
  ],
  ['a CBOR array of four thousand million', Buffer.from('9affffffff01', 'hex')],
  ['a CBOR map in a map in a map', Buffer.concat([Buffer.alloc(500_000, 0xa1), Buffer.of(0x61, 0x61)])],
  ['a MessagePack map of four thousand million', Buffer.from('dfffffffff', 'hex')],
  ['MessagePack arrays in arrays', Buffer.alloc(900_000, 0x91)],
  ['lines', 'a=1\n'.repeat(200_000)],
  ['columns', `${'1;'.repeat(400_000)}1.5`],
  ['quotes', '"'.repeat(900_000)],
  ['commas', ','.repeat(900_000)],
  ['digits', '9'.repeat(900_000)],
  ['white space', ' '.repeat(900_000)],
])('%s cost no more than is allowed, and give no more leaves', (_name, payload) => {
  const bytes = Buffer.from(payload as string)
  for (const format of formats) {
    if (format === 'protobuf') continue
    const { records } = decode(bytes, { topic: 'a', format, receivedAt: 1.7e12 })
    const leaves = records.reduce((sum, { fields }) => sum + Object.keys(fields).length, 0)
    expect(leaves).toBeLessThanOrEqual(10_000)
  }
})
