// SIGHUP on a real server with a mosquitto.conf: what can change does, the rest is named, and nothing broken is taken over.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { connectAsync } from 'mqtt'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { account, type Home, makeHome, type TestServer } from './server.ts'

let home: Home
let server: TestServer
const write = (text: string): void => writeFileSync(join(home.path, 'mosquitto.conf'), text)

const base = `listener 0 127.0.0.1
allow_anonymous false
password_file passwd
`

beforeEach(async () => {
  home = makeHome()
  write(`${base}log_type error\nlog_type warning\nlog_type information\nuser nobody\nfuture_thing 1\n`)
  server = await home.start(['--mosquitto-conf=mosquitto.conf'])
})
afterEach(() => home.remove())

const waiting = { timeout: 20_000, interval: 50 }
const connect = (password: string) =>
  connectAsync(`mqtt://127.0.0.1:${server.mqttPort}`, { ...account, password, reconnectPeriod: 0 })

test('serve says of every line what it means, and each warning again in the log', async () => {
  const output = server.output()
  expect(output).toMatch(/mosquitto\.conf:1 +listener +mqtt\.listeners\[0\] on 127\.0\.0\.1:0\n/)
  expect(output).toMatch(/mosquitto\.conf:7 +user +ignored: start the service as that user\n/)
  expect(output).toContain('8 lines: 6 understood, 1 ignored, 1 warning, 0 errors.')
  expect(output).toMatch(/WARN|warn|"level":40/)
  const client = await connect(account.password)
  await client.publishAsync('conf/a', '1', { qos: 1 })
  await client.endAsync()
})

test('after SIGHUP limits, log level and passwords are new, and a broken file changes nothing', async () => {
  const client = await connect(account.password)
  write(`${base}log_type all\nglobal_max_connections 1\nmax_queued_messages 5\n`)
  writeFileSync(join(home.path, 'passwd'), `${account.username}:${account.password}\nnew:secret\n`)
  server.process.kill('SIGHUP')
  await expect.poll(() => server.output(), waiting).toContain('certificates read again')
  expect(server.output()).toMatch(/mqtt\.max_connections.*in force from now on/)
  expect(server.output()).toMatch(/mqtt\.max_queued_messages.*next start only/)
  await expect(
    connectAsync(`mqtt://127.0.0.1:${server.mqttPort}`, { connectTimeout: 300, reconnectPeriod: 0 }, false),
  ).rejects.toThrow()
  expect(client.connected).toBe(true)

  write(`${base}psk_file x\n`)
  server.process.kill('SIGHUP')
  await expect.poll(() => server.output(), waiting).toContain('The configuration in force stays.')
  expect(client.connected).toBe(true)
  await client.endAsync()
  const other = await connectAsync(`mqtt://127.0.0.1:${server.mqttPort}`, {
    username: 'new',
    password: 'secret',
    reconnectPeriod: 200,
  })
  await other.endAsync()
})
