import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { startTestServer } from './server.ts'

const wrongUnit = 'rules:\n  - name: attic\n    topic: attic/#\n    fields: { t: { max: 50 } }\n'
const mended =
  'rules:\n  - name: attic\n    topic: attic/#\n    fields: { t: { unit: "°F -> °C", max: 50, round: 1 } }\n'

let home: string
let file: string
let server: Awaited<ReturnType<typeof startTestServer>>

beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), 'amber-http-rules-'))
  file = join(home, 'rules.yaml')
  writeFileSync(file, wrongUnit)
  server = await startTestServer({ rules: { file, profiles: [] } })
})

afterEach(async () => {
  await server.close()
  rmSync(home, { recursive: true, force: true })
})

const json = async (answer: Response) => (await answer.json()) as Record<string, unknown>

test('a reading with a wrong unit is refused with the reason, and a mended draft shows what it would be', async () => {
  await server.put('attic/t', '{"t":70}')
  const rejects = await json(await server.ask('/api/v1/rejects'))
  expect(rejects).toMatchObject({
    data: [
      {
        topic: 'attic/t',
        value: { t: 70 },
        fields: {},
        refused: { rule: 'attic', field: 't', reason: 'is above max 50' },
      },
    ],
    has_more: false,
  })
  const preview = await server.ask('/api/v1/rules/preview?topic=attic/%23', {
    method: 'POST',
    body: mended,
    headers: { 'content-type': 'application/yaml' },
  })
  expect(await json(preview)).toMatchObject({
    messages: 1,
    changed: 1,
    refused: 0,
    data: [{ changed: true, before: { fields: {} }, after: [{ fields: { t: 21.1 }, units: { t: '°C' } }] }],
  })
  expect(readFileSync(file, 'utf8')).toBe(wrongUnit)
})

test('rules put over the API are in the file and in force; faulty ones are refused line by line', async () => {
  const put = (body: string) =>
    server.ask('/api/v1/rules', { method: 'PUT', body, headers: { 'content-type': 'application/yaml' } })
  const faulty = await put('rules:\n  - name: x\n    topic: y\n    feilds: {}\n')
  expect(faulty.status).toBe(422)
  expect(await json(faulty)).toMatchObject({ errors: [expect.objectContaining({ path: 'rules.yaml:4' })] })
  expect((await put(mended)).status).toBe(200)
  expect(readFileSync(file, 'utf8')).toBe(mended)
  await server.put('attic/t', '{"t":70}')
  expect(await json(await server.ask('/api/v1/rejects'))).toMatchObject({ data: [] })
  expect(await json(await server.ask('/api/v1/rules'))).toMatchObject({
    rules: [{ name: 'attic', topic: ['attic/#'] }],
    text: mended,
  })
})

test('rules somebody else has changed in the meantime are not overwritten (If-Match)', async () => {
  const put = (body: string, headers: Record<string, string>) =>
    server.ask('/api/v1/rules', {
      method: 'PUT',
      body,
      headers: { 'content-type': 'application/yaml', ...headers },
    })
  const etag = (await server.ask('/api/v1/rules')).headers.get('etag') ?? ''
  expect(etag).toMatch(/^"\w{16}"$/)
  const first = await put(mended, { 'if-match': etag })
  expect([first.status, first.headers.get('etag') === etag]).toEqual([200, false])
  const late = await put('rules: []\n', { 'if-match': etag })
  expect(late.status).toBe(412)
  expect(await json(late)).toMatchObject({ code: 'precondition_failed' })
  expect(readFileSync(file, 'utf8')).toBe(mended)
  expect((await put('rules: []\n', { 'if-match': first.headers.get('etag') ?? '' })).status).toBe(200)
  expect((await put(mended, { 'if-match': '*' })).status).toBe(200)
})

test('an empty body takes no rules away', async () => {
  const before = readFileSync(file, 'utf8')
  const answer = await server.ask('/api/v1/rules', {
    method: 'PUT',
    body: ' \n',
    headers: { 'content-type': 'application/yaml' },
  })
  expect(answer.status).toBe(422)
  expect(readFileSync(file, 'utf8')).toBe(before)
})

test('rules are for administrators, rejects for those who may read the topic', async () => {
  await server.put('attic/t', '{"t":70}')
  expect((await server.ask('/api/v1/rules', { user: 'guest' })).status).toBe(403)
  expect((await server.ask('/api/v1/rules', { user: 'guest', method: 'PUT', body: mended })).status).toBe(403)
  expect((await server.ask('/api/v1/rules/preview', { user: 'guest', method: 'POST' })).status).toBe(403)
  expect(await json(await server.ask('/api/v1/rejects', { user: 'guest' }))).toMatchObject({ data: [] })
})
