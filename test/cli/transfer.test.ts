// `amber export` and `amber import` against the real server in this process.

import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { parquetReadObjects } from 'hyparquet'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { amber, type Setting } from './io.ts'
import { useServer } from './server.ts'

const served = useServer()
let cwd: string
beforeAll(() => {
  cwd = mkdtempSync(join(tmpdir(), 'amber-transfer-'))
})
afterAll(() => rmSync(cwd, { recursive: true, force: true }))
const run = (args: readonly string[], more: Setting = {}) =>
  amber([...args, '--url', served.url, '-u', 'ann:S3cret'], { cwd, ...more })

const rows = [1, 2, 3].map(
  (n) => `{"topic":"t/${n}","time":${n * 1000},"received_at":${n * 1000},"value":{"a":${n}}}\n`,
)

test('a file is imported, its faults are told by line, and again it is nothing new', async () => {
  writeFileSync(join(cwd, 'rows.ndjson'), `${rows.join('')}{"topic":"#","value":1}\n`)
  const first = await run(['import', 'rows.ndjson'])
  expect(first).toMatchObject({ code: 1, out: '{"imported":3,"duplicates":0,"failed":1}\n' })
  expect(first.err).toMatch(/^rows\.ndjson:4: topic: .*wildcards/)
  expect((await run(['import', 'rows.ndjson'])).out).toBe('{"imported":0,"duplicates":3,"failed":1}\n')
  writeFileSync(join(cwd, 'rows.ndjson.gz'), gzipSync(rows.join('')))
  expect(await run(['import', 'rows.ndjson.gz'])).toMatchObject({
    code: 0,
    out: '{"imported":0,"duplicates":3,"failed":0}\n',
  })
  const piped = await run(['import', '-', '--format', 'ndjson'], { input: rows.join('') })
  expect(piped.out).toContain('"duplicates":3')
})

test('what is exported to a file is what goes to a pipe, and is imported again as nothing new', async () => {
  const { out } = await run(['export', 't/+', '--from', '0', '--to', '3000'])
  expect(out.split('\n')).toHaveLength(3)
  expect(await run(['export', 't/+', '--from', '0', '--to', '3000', '-o', 'out.ndjson'])).toMatchObject({
    code: 0,
    out: '',
  })
  expect(readFileSync(join(cwd, 'out.ndjson'), 'utf8')).toBe(out)
  await run(['export', '--prefix', 't', '--fields', 'a', '-o', 'out.csv'])
  expect(readFileSync(join(cwd, 'out.csv'), 'utf8')).toMatch(/^topic,.*,a\r\n(t\/\d,.*,\d\r\n){3}$/)
  expect((await run(['import', 'out.csv'])).out).toBe('{"imported":0,"duplicates":3,"failed":0}\n')
})

test('a file named .parquet is Parquet, with a column for each field', async () => {
  expect(await run(['export', '--prefix', 't', '--fields', '*', '-o', 'all.parquet'])).toMatchObject({
    code: 0,
  })
  const bytes = readFileSync(join(cwd, 'all.parquet'))
  const rows = await parquetReadObjects({ file: new Uint8Array(bytes).buffer })
  expect(rows.map(({ topic, a }) => ({ topic, a }))).toEqual([1, 2, 3].map((a) => ({ topic: `t/${a}`, a })))
})

test('on a terminal both say how far they are', async () => {
  const shown = await run(['export', '-o', 'all.ndjson'], { terminal: true })
  expect(shown.err).toMatch(/exported 0\.0 MB, \d+\.\d MB\/s\n$/)
  const imported = await run(['import', 'all.ndjson'], { terminal: true })
  expect(imported.out).toBe('imported 0, stored already 3, failed 0\n')
})

test.each([
  [['import', 'rows.txt'], 2, '--format'],
  [['import', 'missing.csv'], 1, 'no such file'],
  [['export', 'a#'], 1, 'not a topic filter'],
  [['export', '-o', 'no/where.csv'], 1, 'was not written'],
])('%j ends with %d and says why', async (args, code, word) => {
  const outcome = await run(args)
  expect(outcome.code).toBe(code)
  expect(outcome.err).toContain(word)
  expect(existsSync(join(cwd, 'no'))).toBe(false)
})

test('who does not say who he is is told how, and a wrong address is told', async () => {
  expect((await amber(['export', '--url', served.url], { cwd })).err).toContain('AMBER_TOKEN')
  const env = { AMBER_TOKEN: 'amber_wrong' }
  expect((await amber(['export', '--url', served.url], { cwd, env })).err).toContain('no such token')
  expect((await amber(['export', '--url', 'http://127.0.0.1:1'], { cwd })).err).toContain('nothing listens')
})
