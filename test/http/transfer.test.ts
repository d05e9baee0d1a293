// Export and import through the real server: what goes out comes back byte for byte, once, and what is wrong is told by line.

import { Agent, request } from 'node:http'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { afterEach, expect, test } from 'vitest'
import { createCsvParser } from '../../src/http/bodyRows.ts'
import { createTimeText } from '../../src/domain/time.ts'
import { encodeCsvRow } from '../../src/http/readingText.ts'
import { startTestServer } from './server.ts'

const running: { close(): unknown }[] = []
afterEach(async () => {
  for (const server of running.splice(0)) await server.close()
})
async function start() {
  const server = await startTestServer({ http: { max_body_size: 100_000 } })
  running.push(server)
  const send = async (
    body: string | Buffer,
    type = 'application/x-ndjson',
    more: Record<string, string> = {},
  ) => {
    const headers = { 'content-type': type, ...more }
    const response = await server.ask('/api/v1/import', { method: 'POST', headers, body })
    const text = await response.text()
    const answer = JSON.parse(text) as { failed: { line: number; reason: string }[] }
    return { status: response.status, ...answer }
  }
  const take = async (query = ''): Promise<string> => (await server.ask(`/api/v1/export?${query}`)).text()
  return { ...server, send, take }
}
const withoutSeq = (text: string): string =>
  text.replaceAll(/"seq":\d+/g, '"seq":0').replaceAll(/Z,\d+,/g, 'Z,0,')

test.each([
  ['ndjson', 'application/x-ndjson'],
  ['csv', 'text/csv'],
])(
  'an export as %s is imported elsewhere byte for byte, and again as nothing but duplicates',
  async (format, type) => {
    const from = await start()
    const payloads = [
      '21.5',
      '"warm"',
      'warm',
      '',
      '{"a":\r\n1, "b":12345678901234567890}',
      'a,"b"\n',
      '\ufeffx',
      ' 7 ',
      'a\0b',
      'null',
    ]
    for (const [at, payload] of payloads.entries())
      await from.put('open/ä "x",y', payload, at % 2 === 0 ? at : undefined)
    await from.put('open/b', Buffer.from([0xff, 0, 10]), -5)
    for (let n = 0; n < 3; n++) await from.put('open/same', 'equal', 1000)
    const text = await from.take(`format=${format}`)
    const to = await start()
    expect(await to.send(text, type)).toMatchObject({
      status: 200,
      imported: 14,
      duplicates: 0,
      failed_total: 0,
    })
    expect(withoutSeq(await to.take(`format=${format}`))).toBe(withoutSeq(text))
    expect(await to.send(text, type)).toMatchObject({ imported: 0, duplicates: 14 })
    expect(await from.send(gzipSync(text), type, { 'content-encoding': 'gzip' })).toMatchObject({
      duplicates: 14,
    })
  },
)

test('rows of people: value as it is written, times in every form, ids that make a row one', async () => {
  const { send, take } = await start()
  const rows = [
    '{"topic":"open/v","time":"2026-01-01T00:00:00Z","value":{"big":12345678901234567890, "t":1.50}}',
    '{"topic":"open/v","time":1767225601000,"value":"text","id":"a"}',
    '{"topic":"open/v","time":1767225602000,"value":7,"id":"a"}',
    '{"topic":"open/v","time":1767225603000,"value":null,"qos":1,"retain":true,"client_id":"c"}',
  ]
  expect(await send(rows.join('\n'))).toMatchObject({ imported: 3, duplicates: 1, failed: [] })
  const text = await take()
  expect(text).toContain('"payload":"{\\"big\\":12345678901234567890, \\"t\\":1.50}"')
  expect(text).toContain('"time":"2026-01-01T00:00:01.000Z"')
  expect(text).toContain('"client_id":"c","qos":1,"retain":true,"payload":""')
  expect(await send(rows[1] ?? '')).toMatchObject({ imported: 0, duplicates: 1 })
  const csv = 'time,topic,value\r\n2026-02-01,open/csv,21.5\r\n,open/csv,\r\n'
  expect(await send(csv, 'text/csv')).toMatchObject({ imported: 2, failed: [] })
})

test('the MQTT 5 properties of a publish come back from readings and from an export that is imported', async () => {
  const { send, take, ask } = await start()
  const properties = {
    payload_format_indicator: true,
    message_expiry_interval: 3600,
    content_type: 'text/plain',
    response_topic: 'open/answer',
    correlation_data_base64: '/wA=',
    user_properties: [
      ['a', '1'],
      ['b', 'ü"'],
      ['a', '2'],
    ],
  }
  const row = JSON.stringify({ topic: 'open/p', time: 1767225600000, value: 1, properties })
  expect(await send(row)).toMatchObject({ imported: 1 })
  const answer = (await (await ask('/api/v1/latest?topic=open/p')).json()) as { data: unknown[] }
  expect(answer.data).toMatchObject([{ properties }])
  const text = await take()
  const other = await start()
  expect(await other.send(text)).toMatchObject({ imported: 1 })
  expect(withoutSeq(await other.take())).toBe(withoutSeq(text))
  const third = await start()
  expect(await third.send(await take('format=csv'), 'text/csv')).toMatchObject({ imported: 1 })
  expect(withoutSeq(await third.take())).toBe(withoutSeq(text))
  for (const wrong of [
    [],
    1,
    { content_type: 1 },
    { user_properties: [['a']] },
    { foo: 1 },
    { message_expiry_interval: -1 },
  ]) {
    const refused = await send(JSON.stringify({ topic: 'open/p', value: 1, properties: wrong }))
    expect(refused.failed[0]?.reason).toContain('properties')
  }
})

test('equal rows are one reading each time they follow one another, over batches and in any order', async () => {
  const { send, store } = await start()
  const row = (time: number): string => `{"topic":"open/a","time":${time},"received_at":1,"value":1}\n`
  expect(await send(row(5).repeat(1200))).toMatchObject({ imported: 1200, duplicates: 0 })
  expect(await send(row(5).repeat(1201))).toMatchObject({ imported: 1, duplicates: 1200 })
  // A time that comes back is no new run of readings.
  expect(await send(row(6) + row(7) + row(6))).toMatchObject({ imported: 2, duplicates: 1 })
  // Far apart in a dense store.
  const dense = Array.from({ length: 11_000 }, (_one, at) => row(1000 + at)).join('')
  expect(await send(dense)).toMatchObject({ imported: 11_000 })
  expect(await send(row(0) + row(1000) + row(20_000))).toMatchObject({ imported: 2, duplicates: 1 })
  expect(store.status.readings).toBe(1201 + 2 + 11_000 + 2)
})

test('what is wrong is told by its line, and the other rows are stored', async () => {
  const { send, store } = await start()
  const rows = [
    '{"topic":"open/a","value":1}',
    '{"topic":"open/a","value":',
    '',
    '[]',
    '{"topic":"a/#","value":1}',
    '{"topic":"$SYS/x","value":1}',
    '{"topic":"open/a"}',
    '{"topic":"open/a","value":1,"time":"soon"}',
    '{"topic":"open/a","value":1,"qos":3}',
    '{"topic":"open/a","payload_base64":"?"}',
    '{"topic":"open/a","payload":5}',
    '{"topic":"open/a","payload":"","fields":{"x":[]}}',
    '{"topic":5}',
    '{"topic":"open/a","value":1,"id":{}}',
    '{"topic":"open/a","value":1,"retain":"x"}',
    '{"topic":"open/a","value":2,"time":99999999999999999}',
    '{"topic":"open/a","value":2,"__proto__":{"topic":1}}',
  ]
  const answer = await send(rows.join('\n'))
  expect(answer).toMatchObject({ status: 200, imported: 2, failed_total: 14 })
  expect(answer.failed.map(({ line }) => line)).toEqual([2, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16])
  expect(answer.failed[0]?.reason).toContain('not JSON')
  expect(store.status.readings).toBe(2)
})

test.each([
  ['nothing', Buffer.alloc(0), 'application/x-ndjson', {}, 200],
  ['another type', Buffer.from('{}'), 'application/json', {}, 415],
  ['a line without an end', Buffer.from('x'.repeat(300_000)), 'application/x-ndjson', {}, 413],
  ['a quote without an end', Buffer.from(`topic,value\n"${'x'.repeat(300_000)}`), 'text/csv', {}, 413],
  ['what is not gzip', Buffer.from('hello'), 'application/x-ndjson', { 'content-encoding': 'gzip' }, 400],
  ['an unknown coding', Buffer.from('hello'), 'application/x-ndjson', { 'content-encoding': 'br' }, 415],
  ['bytes', Buffer.from([0xff, 0xfe, 0, 10]), 'application/x-ndjson', {}, 200],
  ['a header without a topic', Buffer.from('time;topic;value\n1;a;2\n'), 'text/csv', {}, 400],
  ['a header with a name twice', Buffer.from('topic,topic,value\na,b,2\n'), 'text/csv', {}, 400],
])('an import of %s is answered with %5$d', async (_name, body, type, headers, status) => {
  const { send } = await start()
  expect((await send(body, type, headers)).status).toBe(status)
})

test.each([
  ['text/csv', 'text/csv; charset=utf-8'],
  ['application/vnd.apache.parquet, text/csv;q=0.5', 'application/vnd.apache.parquet'],
  ['text/html,*/*;q=0.8', 'application/x-ndjson'],
])('an export without a format is what Accept asks for: %s', async (accept, type) => {
  const { ask: get } = await start()
  const response = await get('/api/v1/export', { headers: { accept } })
  expect(response.headers.get('content-type')).toBe(type)
  await response.arrayBuffer()
})

const latin1 = Buffer.from('K\xfcche', 'latin1')
const lines = (...parts: (string | Buffer)[]): Buffer => Buffer.concat(parts.map((one) => Buffer.from(one)))
test.each([
  ['text/csv', lines('topic,value\na,1\n', latin1, ',2\nb,\uFFFDx\n'), [3, 4]],
  ['text/csv', lines('topic,value\na,1\nb,', latin1), [3]],
  ['application/x-ndjson', lines('{"topic":"a","value":1}\n{"topic":"', latin1, '","value":1}\n'), [2]],
  ['text/csv', lines('topic,value\na,1\n"b,2\nc,3\n'), [3]],
])(
  'an import as %s of what is cut off or not UTF-8 stores none of those lines',
  async (type, body, failed) => {
    const { send, store } = await start()
    const answer = await send(body, type)
    expect(answer).toMatchObject({ status: 200, imported: 1 })
    expect(answer.failed.map(({ line }) => line)).toEqual(failed)
    expect(answer.failed[0]?.reason).toMatch(/not UTF-8|inside quotes/)
    expect(store.status.readings).toBe(1)
  },
)

test('a replacement character that was sent is stored as it is', async () => {
  const { send } = await start()
  const row = '{"topic":"a","value":"\uFFFD"}\n'
  expect(await send(row.repeat(9000))).toMatchObject({ status: 200, imported: 9000 })
})

test('an import that is refused half way leaves its connection good for the next request', async () => {
  const { port } = await start()
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const headers = { authorization: `Basic ${btoa('admin:secret')}`, 'content-type': 'application/x-ndjson' }
  const post = (): Promise<number> =>
    new Promise((resolve, reject) => {
      const options = { port, method: 'POST', path: '/api/v1/import', headers, agent }
      const sent = request(options, (response) => {
        response.resume().once('end', () => resolve(response.statusCode ?? 0))
      })
      sent.once('error', reject)
      sent.end('x'.repeat(1_000_000))
    })
  for (let n = 0; n < 4; n++) expect(await post()).toBe(413)
  agent.destroy()
})

test('a guest exports and imports only what he may', async () => {
  const { ask, put } = await start()
  await put('closed/a', '1')
  await put('open/a', '2')
  const text = await (await ask('/api/v1/export', { user: 'guest' })).text()
  expect(text).toContain('open/a')
  expect(text).not.toContain('closed')
  const headers = { 'content-type': 'application/x-ndjson' }
  const init = { method: 'POST', headers, user: 'guest', body: '{"topic":"closed/x","value":1}' }
  expect(await (await ask('/api/v1/import', init)).json()).toMatchObject({
    imported: 0,
    failed: [{ line: 1 }],
  })
})

test('fields asked for are columns of a CSV and members of an NDJSON line, in a range of time', async () => {
  const { put, take } = await start()
  await put('open/a', 'abc', 1000)
  await put('open/a', 'abcd', 2000)
  expect(await take('format=csv&fields=bytes,none&to=2000')).toBe(
    'topic,time,received_at,seq,client_id,qos,retain,payload,payload_base64,properties,fields,bytes,none\r\n' +
      (await take('format=csv&to=2000')).split('\r\n')[1] +
      ',3,\r\n',
  )
  expect(await take('fields=*&from=2000')).toContain('"payload":"abcd","fields":{"bytes":4}}')
})

test.each([
  ['ndjson', 'application/x-ndjson'],
  ['csv', 'text/csv'],
])('the records of a message, which have fields and no payload, come back from %s', async (format, type) => {
  const from = await start()
  const row = '{"topic":"open/r","time":1000,"payload":"","fields":{"t":1.5,"mode":"a,b","ok":true}}'
  expect(await from.send(row)).toMatchObject({ imported: 1 })
  const text = await from.take(`format=${format}`)
  const to = await start()
  expect(await to.send(text, type)).toMatchObject({ imported: 1, failed: [] })
  expect(withoutSeq(await to.take())).toBe(withoutSeq(await from.take()))
  expect(await to.take()).toContain('"fields":{"t":1.5,"mode":"a,b","ok":true}}')
})

test('one export too many is told to come later, and its place is free when a client goes away', async () => {
  const { put, ask } = await start()
  for (let n = 0; n < 400; n++) await put('open/a', 'x'.repeat(50_000))
  const gone = new AbortController()
  const open = await Promise.all([1, 2].map(() => ask('/api/v1/export', { signal: gone.signal })))
  expect(open.map(({ status }) => status)).toEqual([200, 200])
  expect((await ask('/api/v1/export')).status).toBe(429)
  gone.abort()
  let status = 429
  while (status === 429) status = (await ask('/api/v1/export?to=1&from=0')).status
  expect(status).toBe(200)
})

test('the CSV parser reads back whatever the writer writes, in pieces of any size', () => {
  const cell = fc.string({ unit: fc.constantFrom('a', ',', '"', '\n', '\r', ' ', 'ä') })
  // A single empty cell is an empty line, which is no record.
  const rows = fc.array(fc.array(cell, { minLength: 2, maxLength: 4 }), { maxLength: 5 })
  fc.assert(
    fc.property(rows, fc.integer({ min: 1, max: 7 }), (given, size) => {
      const text = given.map(encodeCsvRow).join('')
      const parser = createCsvParser()
      const found: string[][] = []
      for (let at = 0; at < text.length; at += size) {
        found.push(...parser.add(text.slice(at, at + size)).map(({ row }) => row))
      }
      found.push(...parser.end().map(({ row }) => row))
      expect(found).toEqual(given)
    }),
  )
})

test('times of an export are those of the formatter', () => {
  const text = createTimeText()
  fc.assert(
    fc.property(fc.integer({ min: -62_135_596_800_000, max: 253_402_300_799_999 }), (ms) => {
      expect(text(ms)).toBe(new Date(ms).toISOString())
    }),
  )
})
