import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestServer } from '../http/server.ts'
import { amber } from './io.ts'

let cwd: string
let server: Awaited<ReturnType<typeof startTestServer>>

beforeAll(async () => {
  cwd = mkdtempSync(join(tmpdir(), 'amber-cli-rules-'))
  writeFileSync(
    join(cwd, 'good.yaml'),
    'rules:\n  - name: attic\n    topic: attic/#\n    fields: { t: { unit: "°F -> °C", round: 1 } }\n',
  )
  writeFileSync(join(cwd, 'bad.yaml'), 'rules:\n  - name: a\n    topic: t\n    feilds: {}\n  - nme: b\n')
  server = await startTestServer()
})

afterAll(async () => {
  await server.close()
  rmSync(cwd, { recursive: true, force: true })
})

test('check says that a file is valid, and how many rules it has', async () => {
  const { code, out } = await amber(['rules', 'check', 'good.yaml'], { cwd })
  expect([code, out]).toEqual([
    0,
    expect.stringMatching(/^good\.yaml is valid: 1 rules, version [0-9a-f]{12}\n$/),
  ])
})

test('check names every fault by its line and fails', async () => {
  const { code, err } = await amber(['rules', 'check', 'bad.yaml'], { cwd })
  expect(code).toBe(1)
  expect(err).toContain('bad.yaml:4: there is no key "feilds" here; did you mean "fields"?')
  expect(err).toContain('bad.yaml:5: there is no key "nme" here; did you mean "name"?')
})

test('a file that is not there is one clear line', async () => {
  const { code, err } = await amber(['rules', 'check', 'none.yaml'], { cwd })
  expect([code, err]).toEqual([1, expect.stringContaining('cannot read none.yaml')])
})

test('preview shows the fields before and after of the newest messages', async () => {
  await server.put('attic/t', '{"t":70}')
  await server.put('cellar/t', '{"t":70}')
  const url = `http://127.0.0.1:${server.port}`
  const args = ['rules', 'preview', 'good.yaml', '--url', url, '-u', 'admin:secret']
  const { code, out, err } = await amber(args, { cwd })
  expect([code, err]).toEqual([0, ''])
  expect(out).toMatch(
    /attic\/t\n {2}- \{"t":70\}\n {2}\+ \{"t":21\.1\} units \{"t":"°C"\}\n2 messages: 1 would change, 0 would be refused\n$/,
  )
})
