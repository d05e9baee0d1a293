import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { NewReading } from '../../../src/domain/reading.ts'
import { createCapture } from '../../../src/ingest/capture.ts'
import { createAutoClean } from '../../../src/ingest/clean/clean.ts'
import { decodeFields } from '../../../src/ingest/decode/decode.ts'
import { createAliases } from '../../../src/ingest/decode/sparkplugAliases.ts'
import { createMetrics } from '../../../src/ops/metrics.ts'
import { createMemoryStore } from '../../../src/store/memory.ts'
import { collect, collectSamples, reading } from '../../store/reading.ts'
import { readMessages } from '../score.ts'

const receivedAt = Date.parse('2026-01-01T00:00:00Z')
const clean = () => createAutoClean({ aliases: createAliases({ sourcesMax: 10 }) })
const parts = (payload: string, topic = 't') =>
  clean()(reading({ topic, payload: Buffer.from(payload), time: receivedAt, receivedAt }))
const plain = ({ time, fields, cleaned, payload }: NewReading) => ({
  time,
  payload: String(payload),
  fields: fields && { ...fields },
  ...(cleaned ? { cleaned } : {}),
})

test('a message with one record and no time is stored as it came', () => {
  for (const payload of ['{"a":1}', '{\n  "a": 1\n}', '[1,2]', '21.5', 'on', '', 'a=b']) {
    expect(parts(payload)).toEqual([expect.objectContaining({ fields: null, time: receivedAt })])
    expect(parts(payload)[0]?.cleaned).toBeUndefined()
  }
})

test.each([
  ['weather,site=north t=3,h=4i', { t: 3, h: 4 }],
  ['21.5 C', { value: 21.5 }],
  ['{"t":9,"h":1', { t: 9 }],
  ['[{"bn":"d","n":"t","v":7}]', { dt: 7 }],
])('the numbers of %s are stored as fields: aggregates read no other format than JSON', (payload, fields) => {
  const [made, ...others] = parts(payload)
  expect(others).toEqual([])
  expect({ ...made?.fields }).toEqual(fields)
  expect(String(made?.payload)).toBe(payload)
})

test('samples of real messages are the numbers that their fields show', async () => {
  const store = createMemoryStore()
  const capture = createCapture({ store, metrics: createMetrics(), clean: clean() })
  const messages = readMessages()
  for (const [at, { payload }] of messages.entries()) {
    const given = reading({ topic: `m/${at}`, payload, time: at, receivedAt: at })
    await new Promise<void>((resolve) => capture(given, { awaited: true }, () => resolve()))
  }
  const shown = new Map<string, number>()
  for (const one of await collect(store)) {
    if (one.cleaned?.record === 0) continue
    for (const [field, value] of Object.entries(one.fields ?? decodeFields(one.topic, one.payload) ?? {})) {
      const number = typeof value === 'bigint' ? Number(value) : value
      if (typeof number === 'number' && Number.isFinite(number)) shown.set(`${one.topic} ${field}`, number)
    }
  }
  const counted = new Map<string, number>()
  for (const { topic, field, values } of await collectSamples(store, { to: 1e15 })) {
    counted.set(`${topic} ${field}`, values.at(-1) ?? Number.NaN)
  }
  expect(counted).toEqual(shown)
  expect(counted.size).toBeGreaterThan(messages.length)
})

test('a SenML pack with times is one reading for each record, and last the message with the payload', () => {
  const payload = '[{"bn":"d:","bt":1700000000,"n":"a","u":"V","v":1},{"n":"a","t":-5,"v":2}]'
  expect(parts(payload).map(plain)).toEqual([
    {
      time: 1_700_000_000_000,
      payload: '',
      fields: { 'd:a': 1 },
      cleaned: { units: { 'd:a': 'V' }, record: 2 },
    },
    { time: 1_699_999_995_000, payload: '', fields: { 'd:a': 2 }, cleaned: { record: 1 } },
    { time: receivedAt, payload, fields: {}, cleaned: { record: 0 } },
  ])
})

test('records without times stay one reading, with their units', () => {
  const [made, ...others] = parts('[{"n":"a","u":"Cel","v":1},{"n":"b","u":"%RH","v":2}]')
  expect(others).toEqual([])
  // Its leaves as JSON have other names: aggregates would count these.
  expect({ ...made?.fields }).toEqual({ a: 1, b: 2 })
  expect({ ...made?.cleaned?.units }).toEqual({ a: '°C', b: '%' })
})

test('line protocol with times is one reading for each line, with tags', () => {
  expect(
    parts('m,host=a x=1 1700000000000000000\nm,host=a x=2 1700000001000000000').map(plain),
  ).toMatchObject([
    {
      time: 1_700_000_000_000,
      fields: { x: 1 },
      cleaned: { tags: { measurement: 'm', host: 'a' }, record: 2 },
    },
    { time: 1_700_000_001_000, fields: { x: 2 }, cleaned: { record: 1 } },
    { time: receivedAt, cleaned: { record: 0 } },
  ])
})

test.each([
  ['of 1970', 5],
  ['of a clock that was never set', 946_684_860],
  ['of the future', 1_900_000_000],
])('a time %s is refused as a time', (_name, seconds) => {
  expect(parts(`m x=1 ${seconds}\nm x=2 1700000000`).map(({ time }) => time)).toEqual([
    receivedAt,
    1_700_000_000_000,
    receivedAt,
  ])
})

test('broken JSON over several lines is marked', () => {
  expect(parts('{"a":1}\n{"b":')[0]?.cleaned).toEqual({ marks: ['truncated'] })
})

test('the records of a message are stored in a row, and are durable together', async () => {
  const store = createMemoryStore()
  const metrics = createMetrics()
  const capture = createCapture({ store, metrics, clean: clean() })
  const publish = (payload: string): Promise<number> =>
    new Promise((resolve, reject) => {
      const one = reading({ topic: 't', payload: Buffer.from(payload), time: receivedAt, receivedAt })
      capture(one, { awaited: true }, (error, seq) => (error ? reject(error) : resolve(seq)))
    })
  const first = await publish('1')
  expect(await publish('m x=1 1700000000\nm x=2 1700000001')).toBe(first + 3)
  expect(await publish('2')).toBe(first + 4)
  const stored = await collect(store)
  expect(stored.map(({ seq, cleaned }) => seq + (cleaned?.record ?? 0))).toEqual(
    [3, 3, 0, 3, 4].map((n) => first + n),
  )
  expect((await metrics.stored.get()).values[0]?.value).toBe(3)
})

test('the payload of every real message is stored byte for byte, once', () => {
  const auto = clean()
  for (const { topic, payload } of readMessages()) {
    const made = auto(reading({ topic, payload, time: receivedAt, receivedAt }))
    expect(made.at(-1)?.payload).toBe(payload)
    expect(made.at(-1)?.time).toBe(receivedAt)
    expect(made.slice(0, -1).every((part) => part.payload.length === 0)).toBe(true)
  }
})

test('no payload makes it throw, and each becomes at least one reading', () => {
  const auto = clean()
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 100 }),
      fc.constantFrom('t', 'spBv1.0/G/NDATA/E'),
      (payload, topic) => {
        expect(auto(reading({ topic, payload: Buffer.from(payload) })).length).toBeGreaterThan(0)
      },
    ),
  )
})
