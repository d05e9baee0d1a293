// Payloads as values: JSON byte for byte, text as a string, nothing as null, other bytes as base64; in every format.

import fc from 'fast-check'
import { Value } from '@sinclair/typebox/value'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { elementsOf, membersOf } from '../../src/http/jsonSlices.ts'
import { pageOf, readingSchema, topicSchema } from '../../src/http/schemas.ts'
import { startTestServer } from './server.ts'

let server: Awaited<ReturnType<typeof startTestServer>>
beforeAll(async () => {
  server = await startTestServer({ http: { max_body_size: 1_000_000 } })
})
afterAll(() => server.close())

const get = async (path: string): Promise<string> => (await server.ask(path)).text()

test.each([
  ['a 19-digit integer', '1234567890123456789', '"value":1234567890123456789'],
  ['a decimal with zeros', '21.500', '"value":21.500'],
  ['a number beyond a double', '1e999', '"value":1e999'],
  ['duplicate keys and blanks', '{"a": 1 ,"a":2}', '"value":{"a": 1 ,"a":2}'],
  ['line ends in JSON', '{\r\n"a":1}\n', '"value":{\r\n"a":1}\n'],
  ['null', 'null', '"value":null'],
  ['nothing', '', '"value":null,"payload":""'],
  ['text', 'warm', '"value":"warm"'],
  ['NaN', 'NaN', '"value":"NaN"'],
  ['a byte order mark', '\ufeff{"a":1}', '"value":"\ufeff{\\"a\\":1}"'],
  ['half a surrogate pair as an escape', '"\\ud800"', '"value":"\\ud800"'],
  ['cut JSON', '{"a":', '"value":"{\\"a\\":"'],
  ['a null character', 'a\0b', '"value":"a\\u0000b"'],
  ['bytes', Buffer.from([0xff, 0x00]), '"payload_base64":"/wA="'],
  ['UTF-8 cut short', Buffer.from([0xc3]), '"payload_base64":"ww=="'],
])('%s comes out as it should', async (name, payload, expected) => {
  const topic = `open/v/${name.replaceAll(' ', '-')}`
  await server.put(topic, payload)
  const text = await get(`/api/v1/latest?topic=${topic}&raw=1`)
  expect(text).toContain(expected)
  expect(() => void JSON.parse(text)).not.toThrow()
})

test('any bytes come back by raw=1, and as one line of NDJSON', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(
        fc.uint8Array({ maxLength: 40 }),
        fc.json().map((json) => Buffer.from(json)),
        fc.string({ unit: 'binary' }).map((text) => Buffer.from(text)),
      ),
      async (bytes) => {
        await server.put('open/any', bytes)
        for (const format of ['json', 'ndjson']) {
          const text = await get(`/api/v1/latest?topic=open/any&raw=1&format=${format}`)
          const parsed = JSON.parse(text) as Record<string, string> & { data?: Record<string, string>[] }
          const row = format === 'json' ? parsed.data?.[0] : parsed
          if (format === 'ndjson') expect(text.indexOf('\n')).toBe(text.length - 1)
          const back =
            row?.payload_base64 === undefined
              ? Buffer.from(row?.payload ?? 'missing')
              : Buffer.from(row.payload_base64, 'base64')
          expect(back.equals(bytes)).toBe(true)
        }
      },
    ),
    { numRuns: 60 },
  )
})

test('the parts of any JSON text are found as they were written', () => {
  const separator = fc.constantFrom('', ' ', '\n\t')
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.string(), fc.json()), { maxLength: 6 }), separator, (pairs, gap) => {
      const members = new Map(pairs)
      const object = `{${pairs.map(([key, json]) => `${gap}${JSON.stringify(key)}${gap}:${gap}${json}${gap}`).join(',')}}`
      expect(membersOf(object)).toEqual(members)
      const array = `${gap}[${pairs.map(([, json]) => `${gap}${json}${gap}`).join(',')}]`
      expect(elementsOf(array)).toEqual(pairs.map(([, json]) => json))
    }),
  )
})

test('an integer field beyond a double is written with every digit, and fields= keeps what is named or below it', async () => {
  const now = Date.now()
  const fields = { 'a.b': 9007199254740993n, 'a.c': true, ab: 'x', __proto: 1 }
  const rest = { source: 'mqtt', clientId: 'c', user: null, qos: 0, retain: false, dup: false } as const
  const stamps = { time: now, receivedAt: now, properties: null }
  await new Promise<void>((resolve) => {
    const reading = { topic: 'open/f', payload: Buffer.from('x'), fields, ...rest, ...stamps }
    server.store.append(reading, { awaited: true }, () => resolve())
  })
  expect(await get('/api/v1/latest?topic=open/f')).toContain(
    '"fields":{"a.b":9007199254740993,"a.c":true,"ab":"x"',
  )
  const chosen = await get('/api/v1/latest?topic=open/f&fields=a')
  expect(chosen).toContain('"fields":{"a.b":9007199254740993,"a.c":true}')
})

test.each([
  ['ms', /"time":\d{13},/],
  ['s', /"time":\d{10}(\.\d{1,3})?,/],
  ['us', /"time":\d{16},/],
  ['ns', /"time":\d{19},/],
  [undefined, /"time":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z",/],
])('time=%s shapes times', async (unit, expected) => {
  await server.put('open/t', '1')
  expect(await get(`/api/v1/latest?topic=open/t${unit === undefined ? '' : `&time=${unit}`}`)).toMatch(
    expected,
  )
})

test('CSV quotes what RFC 4180 asks for', async () => {
  await server.put('open/csv', 'a,"b"\nc')
  const text = await get('/api/v1/latest?topic=open/csv&format=csv')
  expect(text).toMatch(/^topic,time,received_at,seq,client_id,qos,retain,payload,payload_base64,fields\r\n/)
  expect(text).toContain(',"a,""b""\nc",,')
})

test.each([
  [undefined, 'application/json'],
  ['*/*', 'application/json'],
  ['text/html,application/xhtml+xml,*/*;q=0.8', 'application/json'],
  ['application/x-ndjson', 'application/x-ndjson'],
  ['text/csv;q=0.5, application/json;q=0.1', 'text/csv'],
  ['application/json;q=0, text/csv', 'text/csv'],
  ['__proto__, constructor', 'application/problem+json'],
])('Accept %s is answered with %s', async (accept, type) => {
  const headers: Record<string, string> = accept === undefined ? {} : { accept }
  const response = await server.ask('/api/v1/latest', { headers })
  expect(response.headers.get('content-type')).toContain(type)
  await response.text()
})

test('a page of megabytes arrives whole and ends early at page_bytes', async () => {
  const small = await startTestServer({ limits: { page_bytes: 250_000 } })
  for (let n = 0; n < 5; n++) await small.put('open/big', 'x'.repeat(100_000))
  const response = await small.ask('/api/v1/readings')
  const page = (await response.json()) as { data: { value: string }[]; page: { has_more: boolean } }
  expect(page.data.map(({ value }) => value.length)).toEqual([100_000, 100_000])
  expect(page.page.has_more).toBe(true)
  expect(response.headers.get('link')).toContain('rel="next"')
  await small.close()
})

test('answers are what the OpenAPI document says', async () => {
  await server.put('open/schema', '{"a":1}')
  expect(Value.Check(pageOf(readingSchema), JSON.parse(await get('/api/v1/readings?raw=1')))).toBe(true)
  expect(Value.Check(pageOf(topicSchema), JSON.parse(await get('/api/v1/topics')))).toBe(true)
})
