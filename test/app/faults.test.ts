// A server that cannot start says so on one line and ends with 1; noise on the port and a signal under load harm nothing.

import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import { join } from 'node:path'
import mqtt from 'mqtt'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { account, type Home, makeHome } from './server.ts'

const main = join(import.meta.dirname, '../../dist/main.js')
let home: Home

beforeEach(() => {
  home = makeHome()
})
afterEach(() => home.remove())

/** Flags that make a start fail, worked out in the home directory, and what the one line must name. */
const broken: { name: string; flags: (path: string) => string[]; says: RegExp }[] = [
  {
    name: 'a data directory that is a file',
    flags: (path) => [`--store.path=${join(path, 'passwd')}`],
    says: /data directory .*passwd.*--store\.path/,
  },
  {
    name: 'a data directory on a read-only path',
    flags: () => ['--store.path=/proc/amber'],
    says: /data directory \/proc\/amber.*--store\.path/,
  },
  {
    name: 'a foreign data directory',
    flags: (path) => {
      mkdirSync(join(path, 'photos'))
      writeFileSync(join(path, 'photos/cat.jpg'), '')
      return [`--store.path=${join(path, 'photos')}`]
    },
    says: /photos is not a data directory.*cat\.jpg.*--store\.path/,
  },
  {
    name: 'broken YAML',
    flags: (path) => {
      writeFileSync(join(path, 'amber.yaml'), 'mqtt: [1, 2\n')
      return [`--config=${join(path, 'amber.yaml')}`]
    },
    says: /amber\.yaml/,
  },
  {
    name: 'an unknown key',
    flags: (path) => {
      writeFileSync(join(path, 'amber.yaml'), 'mqtt:\n  prot: 1883\n')
      return [`--config=${join(path, 'amber.yaml')}`]
    },
    says: /prot.*mqtt\.port/,
  },
  {
    name: 'a broken password file',
    flags: (path) => {
      writeFileSync(join(path, 'passwd'), 'tester:$7$nonsense\n')
      return []
    },
    says: /passwd.*line 1|passwd:1/,
  },
  {
    name: 'a missing password file',
    flags: (path) => [`--auth.password_file=${join(path, 'nowhere')}`],
    says: /nowhere/,
  },
]

function failedStart(flags: readonly string[]): { status: number | null; lines: string[] } {
  const ports = ['--mqtt.port=0', '--http.port=0', '--mqtt.host=127.0.0.1', '--http.host=127.0.0.1']
  const child = spawnSync(process.execPath, [main, 'serve', ...ports, ...flags], {
    cwd: home.path,
    encoding: 'utf8',
    timeout: 10_000,
  })
  const lines = `${child.stdout}${child.stderr}`.split('\n').filter((line) => line !== '')
  // The reminder to hash the plain test password is none of the fault.
  return { status: child.status, lines: lines.filter((line) => !line.includes('passwords in plain text')) }
}

test.each(broken)('$name ends the start with 1 and one line', ({ flags, says }) => {
  const { status, lines } = failedStart(flags(home.path))
  expect(lines.length, lines.join('\n')).toBe(1)
  expect(lines[0]).toMatch(says)
  expect(status).toBe(1)
})

test.each(['mqtt', 'http'])('a %s port in use ends the start with 1 and one line', async (door) => {
  const taken = net.createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  const { port } = taken.address() as net.AddressInfo
  const { status, lines } = failedStart([`--${door}.port=${port}`])
  taken.close()
  expect(lines.length, lines.join('\n')).toBe(1)
  expect(lines[0]).toContain(String(port))
  expect(status).toBe(1)
})

test('a thousand connections of noise leave a healthy client answered', async () => {
  const server = await home.start()
  const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${server.mqttPort}`, account)
  for (let batch = 0; batch < 20; batch++) {
    await Promise.all(Array.from({ length: 50 }, (_, n) => noise(server.mqttPort, batch * 50 + n)))
  }
  await client.publishAsync('noise/after', 'well', { qos: 1 })
  await client.endAsync()
  expect(await (await server.request('/api/v1/latest?topic=noise/after')).text()).toContain('well')
  expect(server.process.exitCode).toBeNull()
})

/** Every third connection begins as a real CONNECT, cut somewhere; the rest is bytes from a fixed recipe. */
async function noise(port: number, seed: number): Promise<void> {
  const connect = Buffer.from('101000044d5154540402003c000461626364', 'hex')
  const bytes = Buffer.from(
    Array.from({ length: 64 }, (_, i) => (seed * 2_654_435_761 + i * 40_503 * seed) % 251),
  )
  const socket = net.connect(port, '127.0.0.1')
  socket.on('error', () => undefined)
  socket.resume()
  const closed = once(socket, 'close')
  socket.end(seed % 3 === 0 ? connect.subarray(0, seed % connect.length) : bytes)
  await closed
}

test('SIGTERM at full speed ends with 0 within ten seconds and loses nothing acknowledged', async () => {
  const server = await home.start()
  const client = mqtt.connect(`mqtt://127.0.0.1:${server.mqttPort}`, { ...account, reconnectPeriod: 0 })
  client.on('error', () => undefined)
  await new Promise<void>((resolve) => client.once('connect', () => resolve()))
  const acknowledged: string[] = []
  const publish = (n: number): void => {
    client.publish('stop/a', String(n), { qos: 1 }, (error) => {
      if (error) return
      acknowledged.push(String(n))
      publish(n + 200)
    })
  }
  for (let n = 0; n < 200; n++) publish(n)
  await expect.poll(() => acknowledged.length, { timeout: 10_000 }).toBeGreaterThan(2000)
  const started = Date.now()
  expect(await server.stop()).toBe(0)
  expect(Date.now() - started).toBeLessThan(10_000)
  client.end(true)
  const again = await home.start()
  const url = '/api/v1/readings?topic=stop/a&from=0&order=asc&limit=10000&raw=1'
  const seen = new Set<string>()
  for (let cursor = ''; ; ) {
    const answer = (await (await again.request(url + cursor)).json()) as {
      data: { payload: string }[]
      page: { next?: string }
    }
    for (const { payload } of answer.data) seen.add(payload)
    if (!answer.page.next) break
    cursor = `&cursor=${encodeURIComponent(answer.page.next)}`
  }
  expect(acknowledged.filter((payload) => !seen.has(payload))).toEqual([])
})
