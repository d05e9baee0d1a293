// Parquet exports read back by another library: columns and their types, fields that fit and fields that do not, exact payloads,
// several row groups, refusals.

import { afterAll, beforeAll, expect, test } from 'vitest'
import { parquetMetadata, parquetReadObjects, parquetSchema } from 'hyparquet'
import { decodeFields } from '../../src/ingest/decode/decode.ts'
import { startTestServer } from './server.ts'

let server: Awaited<ReturnType<typeof startTestServer>>
const start = Date.parse('2026-11-01T00:00:00Z')
/** The numbers of the readings, by time as the rows are. */
const seqs: number[] = []
beforeAll(async () => {
  server = await startTestServer({ fieldsOf: decodeFields })
  const payloads = [
    '{"t":21.5,"ok":true,"mode":"auto","deep":{"x":1}}',
    '{"t":"warm","ok":1,"mode":7}',
    '{"t":12345678901234567890}',
    '',
  ]
  const put = async (...given: Parameters<typeof server.put>): Promise<void> => {
    seqs.push(await server.put(...given))
  }
  for (const [at, payload] of payloads.entries()) await put('open/a', payload, start + at)
  await put('open/b', Buffer.from([0xff, 0, 1]), start + 10)
  await put('open/ä', '{"t":-3,"time":"noon","mode":"off","ok":false}', start + 11)
  await put('open/a', '{"t":1,"ok":true,"mode":"on","deep":{"x":2}}', start + 12)
  await put('closed/c', '{"secret":1}', start + 13)
})
afterAll(() => server.close())

async function take(query: string, user = 'admin') {
  const response = await server.ask(`/api/v1/export?format=parquet&${query}`, { user })
  expect(response.status, response.status === 200 ? '' : await response.clone().text()).toBe(200)
  const file = await response.arrayBuffer()
  const rows = await parquetReadObjects({ file, utf8: false })
  return { file, rows, headers: response.headers }
}
const text = (bytes: unknown): string => Buffer.from(bytes as Uint8Array).toString()

test('every reading is a row with its exact payload, and times are moments in UTC', async () => {
  const { rows, file, headers } = await take('')
  expect(headers.get('content-type')).toBe('application/vnd.apache.parquet')
  expect(headers.get('content-disposition')).toContain('amber.parquet')
  expect(rows).toHaveLength(8)
  expect(rows[0]).toEqual({
    topic: 'open/a',
    time: new Date(start),
    received_at: expect.any(Date),
    seq: expect.any(BigInt),
    client_id: '',
    qos: 0,
    retain: false,
    payload: new Uint8Array(Buffer.from('{"t":21.5,"ok":true,"mode":"auto","deep":{"x":1}}')),
    properties: null,
    fields: null,
  })
  expect(rows.map(({ seq }) => Number(seq))).toEqual(seqs)
  expect(rows[4]?.['payload']).toEqual(new Uint8Array([0xff, 0, 1]))
  expect(text(rows[3]?.['payload'])).toBe('')
  const columns = parquetSchema(parquetMetadata(file)).children.map(({ element }) => element)
  expect(columns.find(({ name }) => name === 'time')).toMatchObject({
    type: 'INT64',
    repetition_type: 'REQUIRED',
    logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'MILLIS' },
  })
  expect(parquetMetadata(file).created_by).toMatch(/^Amber \d/)
})

test('fields asked for are columns of the type they have now, and what does not fit stands in fields', async () => {
  const { rows } = await take('topic=open/a&fields=t,ok,mode&fields=deep')
  expect(rows.map(({ t, ok, mode }) => ({ t, ok, mode }))).toEqual([
    { t: 21.5, ok: true, mode: 'auto' },
    { t: null, ok: null, mode: null },
    { t: 12345678901234567000, ok: null, mode: null },
    { t: null, ok: null, mode: null },
    { t: 1, ok: true, mode: 'on' },
  ])
  expect(rows.map(({ fields }) => fields)).toEqual([
    '{"deep.x":1}',
    '{"t":"warm","ok":1,"mode":7}',
    '{"t":12345678901234567890}',
    null,
    '{"deep.x":2}',
  ])
})

test('fields=* makes a column of every field, and none of these hides a column of every reading', async () => {
  const { rows } = await take('prefix=open&fields=*')
  expect(Object.keys(rows[0] ?? {})).toEqual(
    'topic time received_at seq client_id qos retain payload properties deep.x mode ok t fields.time fields'.split(
      ' ',
    ),
  )
  expect(rows.at(-2)).toMatchObject({ 'fields.time': 'noon', t: -3, mode: 'off', ok: false, fields: null })
  const csv = await (await server.ask('/api/v1/export?format=csv&prefix=open&fields=*')).text()
  expect(csv.split('\r\n')[0]).toMatch(/,payload_base64,properties,fields,deep\.x,mode,ok,t,fields\.time$/)
})

test('a guest gets the rows and the columns of what he may read', async () => {
  const { rows } = await take('fields=*', 'guest')
  expect(rows).toHaveLength(7)
  expect(JSON.stringify(Object.keys(rows[0] ?? {}))).not.toContain('secret')
  expect((await server.ask('/api/v1/export?format=parquet&topic=closed/c', { user: 'guest' })).status).toBe(
    403,
  )
})

test('an empty range is a file without rows, and a range that is none is refused', async () => {
  expect((await take('from=0&to=1&fields=t')).rows).toEqual([])
  expect((await server.ask('/api/v1/export?format=parquet&from=1&to=1')).status).toBe(400)
  const many = Array.from({ length: 1001 }, (_one, at) => `f${at}`).join(',')
  expect((await server.ask(`/api/v1/export?format=parquet&fields=${many}`)).status).toBe(422)
})

test('many readings become several row groups, and each is there once', async () => {
  const many = await startTestServer({ fieldsOf: decodeFields })
  try {
    for (let n = 0; n < 45_000; n++) await many.put(`open/${n % 7}`, `{"n":${n}}`, start + n)
    const response = await many.ask('/api/v1/export?format=parquet&fields=n')
    const file = await response.arrayBuffer()
    expect(parquetMetadata(file).row_groups.length).toBeGreaterThan(2)
    const rows = await parquetReadObjects({ file })
    expect(rows.map(({ n }) => n as number)).toEqual(Array.from({ length: 45_000 }, (_one, at) => at))
  } finally {
    await many.close()
  }
})
