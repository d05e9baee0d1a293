// The account everybody knows: it works on this machine only, and cannot come back behind the server's back.

import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { type Home, makeHome, type TestServer } from './server.ts'

const main = join(import.meta.dirname, '../../dist/main.js')
const login = (name: string, password: string) => ({
  headers: { authorization: `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}` },
})
const status = async (server: TestServer, name: string, password: string): Promise<number> =>
  (await server.request('/api/v1/latest', login(name, password))).status

let home: Home
afterEach(() => home.remove())

test('while the demo account works, both listeners stay on loopback whatever was asked for, and one warning says how to end it', async () => {
  home = makeHome()
  writeFileSync(join(home.path, 'passwd'), 'admin:12345678\n')
  execFileSync(process.execPath, [main, 'passwd', '-U', 'passwd'], { cwd: home.path })
  const server = await home.start(['--mqtt.host=0.0.0.0', '--http.host=0.0.0.0'])
  expect(server.output()).toMatch(/mqtt:\/\/127\.0\.0\.1:\d+/)
  expect(server.output()).toMatch(/http:\/\/127\.0\.0\.1:\d+/)
  while (!server.output().includes('passwd passwd admin'))
    await new Promise((resolve) => setTimeout(resolve, 20))
  expect(server.output().match(/passwd passwd admin/g)).toHaveLength(1)
  expect(await status(server, 'admin', '12345678')).toBe(200)
})

test('a demo account that comes back while the server listens to everybody is refused', async () => {
  home = makeHome()
  const server = await home.start()
  writeFileSync(join(home.path, 'passwd'), 'tester:let-me-in\nadmin:12345678\nother:secret\n')
  server.process.kill('SIGHUP')
  while ((await status(server, 'other', 'secret')) !== 200)
    await new Promise((resolve) => setTimeout(resolve, 20))
  expect(await status(server, 'admin', '12345678')).toBe(401)
  expect(await status(server, 'tester', 'let-me-in')).toBe(200)
})
