// The walk-through of docs/http.md, copied and run: every curl line and the JavaScript, against the whole server.

import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pino from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type App, startApp } from '../../src/app.ts'
import { loadConfig } from '../../src/config/load.ts'

const page = readFileSync(join(import.meta.dirname, '../../docs/http.md'), 'utf8')
const blocks = (language: string): string[] =>
  [...page.matchAll(/^```(\w*)\n(.*?)^```$/gms)]
    .filter(([, name]) => name === language)
    .map(([, , text = '']) => text)
/** Lines that end in a backslash go on. */
const commands = blocks('')
  .join('')
  .replaceAll(/\\\n\s*/g, '')
  .split('\n')
  .filter((line) => line.startsWith('curl '))

let app: App
let directory: string
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'amber-walk-'))
  writeFileSync(join(directory, 'passwd'), 'ann:S3cret\n')
  const flags = {
    'mqtt.port': '0',
    'http.port': '0',
    'mqtt.host': '127.0.0.1',
    'http.host': '127.0.0.1',
    'store.path': join(directory, 'data'),
    'auth.password_file': join(directory, 'passwd'),
  }
  const config = loadConfig({ flags, env: {}, cwd: directory })
  app = await startApp(config, { log: pino({ level: 'silent' }), program: 'amber' })
})
afterAll(async () => {
  await app.stop()
  rmSync(directory, { recursive: true, force: true })
})

const asTold = (text: string): string =>
  text.replaceAll('USER:PASSWORD', 'ann:S3cret').replaceAll('localhost:8080', `127.0.0.1:${app.http.port}`)
const run = (program: string, args: readonly string[]): Promise<{ code: number; out: string; err: string }> =>
  new Promise((resolve) => {
    execFile(program, args, { cwd: directory }, (error, out, err) => {
      resolve({ code: error ? Number(error.code) : 0, out, err })
    })
  })

test('every curl line works as it is written', async () => {
  expect(commands.length).toBeGreaterThan(8)
  for (const command of commands) {
    // The stream has no end of its own: 28 is curl's word for the end we give it.
    const isStream = command.includes('/stream')
    const line = asTold(command).replace(
      /^curl /,
      `curl -sS --fail-with-body ${isStream ? '--max-time 1 ' : ''}`,
    )
    const { code, out, err } = await run('sh', ['-c', line])
    expect(code, `${command}\n${out}\n${err}`).toBe(isStream ? 28 : 0)
  }
})

test('the JavaScript prints what is newest', async () => {
  const [script = ''] = blocks('js')
  writeFileSync(join(directory, 'latest.mjs'), asTold(script))
  const { code, out, err } = await run(process.execPath, ['latest.mjs'])
  expect(code, err).toBe(0)
  expect(out).toContain('home/kitchen/temperature 21.5')
})
