// `amber token` on real files.

import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, expect, onTestFinished, test } from 'vitest'
import pino from 'pino'
import { openTokens } from '../../src/auth/tokens.ts'
import { amber } from './io.ts'

let cwd: string
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'amber-token-'))
  onTestFinished(() => rmSync(cwd, { recursive: true, force: true }))
})
const token = (...args: string[]) => amber(['token', ...args], { cwd })
const check = async (text: string) => {
  const tokens = await openTokens(join(cwd, 'tokens'), { log: pino({ level: 'silent' }) })
  tokens.close()
  return tokens.check(text.trim())
}

test('create prints a token that may read its topics, and keeps only its hash', async () => {
  const { code, out, err } = await token('create', '--name', 'grafana', '--topic', 'a/#', '--topic', 'b')
  expect([code, err.startsWith('This is the only time')]).toEqual([0, true])
  expect(out).toMatch(/^amber_[\w-]{43}\n$/)
  expect(readFileSync(join(cwd, 'tokens'), 'utf8')).not.toContain(out.trim())
  expect(statSync(join(cwd, 'tokens')).mode & 0o777).toBe(0o600)
  const principal = await check(out)
  expect(principal).toMatchObject({ kind: 'token', name: 'grafana', admin: false })
  expect(['a/b', 'b', 'c'].map((topic) => principal?.mayRead(topic))).toEqual([true, true, false])
  expect(principal?.mayWrite('a/b')).toBe(false)
  expect(await check(`${out.trim()}x`)).toBe(null)
})

test('--write alone may only publish, --read --write both, and an expired one nothing', async () => {
  const { out: writer } = await token('create', '--name', 'w', '--topic', 'a', '--write')
  const { out: both } = await token('create', '--name', 'rw', '--topic', 'a', '--write', '--read', '--admin')
  const may = async (text: string) => {
    const principal = await check(text)
    return [principal?.mayRead('a'), principal?.mayWrite('a'), principal?.admin]
  }
  expect(await may(writer)).toEqual([false, true, false])
  expect(await may(both)).toEqual([true, true, true])
  const { out: short } = await token('create', '--name', 's', '--topic', 'a', '--expires', '1ms')
  expect(await check(short)).toBe(null)
})

test('list shows everything but the hash, and revoke takes away', async () => {
  const { out } = await token('create', '--name', 'one', '--topic', 'a', '--expires', 'never')
  await token('create', '--name', 'two', '--topic', 'a')
  const listed = (await token('list')).out
  expect(listed).toContain('{"name":"one","read":["a"],"write":[],"admin":false')
  expect(listed).not.toContain('sha256')
  expect((await amber(['token', 'list'], { cwd, terminal: true })).out).toMatch(/NAME +EXPIRES/)
  expect((await token('revoke', 'one')).code).toBe(0)
  expect(await check(out)).toBe(null)
  expect(await token('revoke', 'one')).toMatchObject({
    code: 1,
    err: 'amber: there is no token one in tokens\n',
  })
})

test.each([
  [['--name', 'x'], 2, '--topic'],
  [['--name', 'x', '--topic', 'a#'], 2, 'not a topic filter'],
  [['--name', ' x', '--topic', 'a'], 2, '--name'],
  [['--topic', 'a'], 2, '--name'],
  [['--name', 'x', '--topic', 'a', '--expires', 'soon'], 2, '90d'],
  [['--name', 'x', '--topic', 'a', '--expires', '5'], 2, '90d'],
  [['--name', 'x', '--topic', 'a', '--file', 'no/where'], 1, 'directory'],
])('create %j ends with %d and says why', async (args, code, word) => {
  const outcome = await token('create', ...args)
  expect(outcome.code).toBe(code)
  expect(outcome.err).toContain(word)
})

test.each([
  ['not json', 'this is no token'],
  ['{"name":"x"}', 'this is no token'],
  [
    `{"name":"x","sha256":"${'0'.repeat(64)}","read":["a#"],"write":[],"admin":false,"created":"","expires":null}`,
    'filter',
  ],
  [
    `{"name":"x","sha256":"${'0'.repeat(64)}","read":[],"write":[],"admin":false,"created":"","expires":"x"}`,
    'expires',
  ],
])('the line %s of a token file is refused by its number', async (line, word) => {
  writeFileSync(join(cwd, 'tokens'), `\n${line}\n`)
  const { code, err } = await token('list')
  expect(code).toBe(1)
  expect(err).toContain('tokens:2: ')
  expect(err).toContain(word)
})
