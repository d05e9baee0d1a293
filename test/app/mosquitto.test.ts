// A real mosquitto.conf on a real server: TLS with client certificates, ACL, WebSocket, and bridges between Amber and
// Mosquitto, begun by either side. A machine without Mosquitto runs a test that says so, loudly.

import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { connectAsync } from 'mqtt'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { account, type Home, makeHome, type TestServer } from './server.ts'

const run = promisify(execFile)
const fixture = (name: string): string => join(import.meta.dirname, '../fixtures/tls', name)
const missing = ['mosquitto', 'mosquitto_pub', 'mosquitto_sub'].filter(
  (tool) => spawnSync(tool, ['--help']).error !== undefined,
)
const waiting = { timeout: 25_000, interval: 100 }

let home: Home
const processes: ChildProcess[] = []

beforeEach(() => {
  home = makeHome()
})
afterEach(async () => {
  for (const child of processes.splice(0)) {
    child.kill('SIGKILL')
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  }
  await home.remove()
})

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}

async function startAmber(conf: string): Promise<TestServer> {
  writeFileSync(join(home.path, 'mosquitto.conf'), conf)
  return home.start(['--mosquitto-conf=mosquitto.conf'])
}

async function startMosquitto(conf: string): Promise<void> {
  const file = join(home.path, `real-${processes.length}.conf`)
  writeFileSync(file, conf)
  const child = spawn('mosquitto', ['-c', file], { stdio: ['ignore', 'ignore', 'pipe'] })
  processes.push(child)
  let output = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    output += String(chunk)
  })
  await expect.poll(() => output, waiting).toContain('running')
}

interface Stored {
  topic: string
  payload: string
  source: string
}

async function stored(server: TestServer): Promise<Stored[]> {
  const response = await server.request('/api/v1/readings?prefix=&from=0&order=asc&raw=1')
  expect(response.status).toBe(200)
  return ((await response.json()) as { data: Stored[] }).data
}

const login = ['-u', account.username, '-P', account.password]

if (missing.length > 0) {
  console.warn(
    `MOSQUITTO NOT SHOWN: ${missing.join(', ')} missing; apt-get install mosquitto mosquitto-clients`,
  )
  test(`could not run: ${missing.join(', ')} missing`, () => expect(missing.length).toBeGreaterThan(0))
} else {
  describe('mosquitto.conf', () => {
    test('TLS with certificates as names, an ACL file, WebSocket and a password file', async () => {
      const [plain, tls, web] = [await freePort(), await freePort(), await freePort()]
      writeFileSync(
        join(home.path, 'acl'),
        `user ${account.username}\ntopic readwrite #\n\nuser sensor-1\ntopic write sensors/one\n`,
      )
      const server = await startAmber(`listener ${plain} 127.0.0.1
listener ${tls} 127.0.0.1
cafile ${fixture('ca.pem')}
certfile ${fixture('server.pem')}
keyfile ${fixture('server.key')}
require_certificate true
use_identity_as_username true
listener ${web} 127.0.0.1
protocol websockets
allow_anonymous false
password_file passwd
acl_file acl
`)
      const heard: string[] = []
      const browser = await connectAsync(`ws://127.0.0.1:${web}`, { ...account, reconnectPeriod: 0 })
      browser.on('message', (topic, payload) => heard.push(`${topic} ${String(payload)}`))
      await browser.subscribeAsync('#', { qos: 1 })
      const certificate = [
        '--cafile',
        fixture('ca.pem'),
        '--cert',
        fixture('client.pem'),
        '--key',
        fixture('client.key'),
      ]
      await run('mosquitto_pub', [
        '-h',
        'localhost',
        '-p',
        `${tls}`,
        ...certificate,
        '-q',
        '1',
        '-t',
        'sensors/one',
        '-m',
        'in',
      ])
      await run('mosquitto_pub', [
        '-h',
        '127.0.0.1',
        '-p',
        `${plain}`,
        ...login,
        '-V',
        'mqttv5',
        '-q',
        '2',
        '-t',
        'any',
        '-m',
        'plain',
      ])
      await run('mosquitto_pub', [
        '-h',
        'localhost',
        '-p',
        `${tls}`,
        ...certificate,
        '-q',
        '0',
        '-t',
        'sensors/two',
        '-m',
        'x',
      ])
      await expect.poll(() => heard, waiting).toEqual(['sensors/one in', 'any plain'])
      const anonymous = run('mosquitto_pub', [
        '-h',
        '127.0.0.1',
        '-p',
        `${plain}`,
        '-q',
        '1',
        '-t',
        'any',
        '-m',
        'x',
      ])
      await expect(anonymous).rejects.toThrow()
      const bare = ['-h', 'localhost', '-p', `${tls}`, '--cafile', fixture('ca.pem'), '-t', 'any', '-m', 'x']
      await expect(run('mosquitto_pub', bare)).rejects.toThrow()
      expect((await stored(server)).map(({ topic, payload }) => `${topic} ${payload}`)).toEqual(heard)
      await browser.endAsync(true)
    })

    test('mount points keep the clients of listeners apart, and a listener refuses a version it does not speak', async () => {
      const server = await startAmber(`listener 0 127.0.0.1
accept_protocol_versions 4, 5
listener 0 127.0.0.1
mount_point site/
allow_anonymous true
`)
      const [open = 0, site = 0] = [...server.output().matchAll(/mqtt:\/\/127\.0\.0\.1:(\d+)/g)].map(
        ([, port]) => Number(port),
      )
      const publish = (port: number, topic: string, ...more: string[]) =>
        run('mosquitto_pub', [
          '-h',
          '127.0.0.1',
          '-p',
          `${port}`,
          '-t',
          topic,
          '-m',
          topic,
          '-q',
          '1',
          '-r',
          ...more,
        ])
      const hear = async (port: number): Promise<string> =>
        (
          await run('mosquitto_sub', [
            '-h',
            '127.0.0.1',
            '-p',
            `${port}`,
            '-t',
            '#',
            '-v',
            '-q',
            '1',
            '-C',
            '1',
            '-W',
            '10',
          ])
        ).stdout
      await publish(site, 'a/b', '-V', 'mqttv31')
      expect(await hear(open)).toBe('site/a/b a/b\n')
      expect(await hear(site)).toBe('a/b a/b\n')
      await expect(publish(open, 'c', '-V', 'mqttv31')).rejects.toThrow('unacceptable protocol version')
      expect((await stored(server)).map(({ topic }) => topic)).toEqual(['site/a/b'])
    })
  })

  describe('a bridge', () => {
    const topics = 'topic up/# out 1 "" far/\ntopic down/# in 2 "" far/\ntopic both/# both 1\n'

    test.each(['mqttv31', 'mqttv311', 'mqttv50'])(
      'of Amber to Mosquitto carries both ways with %s',
      async (version) => {
        const port = await freePort()
        await startMosquitto(`listener ${port} 127.0.0.1\nallow_anonymous true\n`)
        const server = await startAmber(`listener 0 127.0.0.1
allow_anonymous false
password_file passwd
connection up
address 127.0.0.1:${port}
bridge_protocol_version ${version}
restart_timeout 1 2
${topics}`)
        await carriesBothWays(server, port)
      },
    )

    test.each(['mqttv311', 'mqttv50'])('of Mosquitto to Amber carries both ways with %s', async (version) => {
      const [near, far] = [await freePort(), await freePort()]
      const server = await startAmber(
        `listener ${far} 127.0.0.1\nallow_anonymous false\npassword_file passwd\n`,
      )
      await startMosquitto(`listener ${near} 127.0.0.1
allow_anonymous true
connection up
address 127.0.0.1:${far}
bridge_protocol_version ${version}
remote_username ${account.username}
remote_password ${account.password}
restart_timeout 1 2
topic far/up/# in 1
topic far/down/# out 1
topic both/# both 1
`)
      await exchange(server, near, {
        up: 'far/up/x',
        upThere: 'far/up/x',
        down: 'far/down/x',
        downHere: 'far/down/x',
      })
    })

    async function carriesBothWays(server: TestServer, port: number): Promise<void> {
      await exchange(server, port, {
        up: 'up/x',
        upThere: 'far/up/x',
        down: 'far/down/x',
        downHere: 'down/x',
      })
    }

    /** Publishes on either side until the bridge stands, then counts what came and how often. */
    async function exchange(
      server: TestServer,
      port: number,
      names: { up: string; upThere: string; down: string; downHere: string },
    ): Promise<void> {
      const here = await connectAsync(`mqtt://127.0.0.1:${server.mqttPort}`, {
        ...account,
        reconnectPeriod: 0,
      })
      const there = await connectAsync(`mqtt://127.0.0.1:${port}`, { reconnectPeriod: 0 })
      const heard: string[] = []
      here.on('message', (topic, payload) => heard.push(`here ${topic} ${String(payload)}`))
      there.on('message', (topic, payload) => heard.push(`there ${topic} ${String(payload)}`))
      await here.subscribeAsync([names.downHere, 'both/#'], { qos: 1 })
      await there.subscribeAsync([names.upThere, 'both/#'], { qos: 1 })
      await expect
        .poll(async () => {
          await here.publishAsync(names.up, 'probe', { qos: 1 })
          await there.publishAsync(names.down, 'probe', { qos: 1 })
          return new Set(heard.filter((text) => text.endsWith('probe'))).size
        }, waiting)
        .toBe(2)
      for (let n = 0; n < 10; n++) {
        await here.publishAsync('both/a', `a${n}`, { qos: 1 })
        await there.publishAsync('both/b', `b${n}`, { qos: 1 })
      }
      const of = (side: string, topic: string): string[] =>
        heard.filter((text) => text.startsWith(`${side} ${topic} `)).map((text) => text.split(' ')[2] ?? '')
      await expect
        .poll(() => [of('there', 'both/a').length, of('here', 'both/b').length], waiting)
        .toEqual([10, 10])
      const numbers = (letter: string): string[] => Array.from({ length: 10 }, (_, n) => `${letter}${n}`)
      expect(of('there', 'both/a')).toEqual(numbers('a'))
      expect(of('here', 'both/b')).toEqual(numbers('b'))
      // One that goes round would be heard again where it began.
      await new Promise((resolve) => setTimeout(resolve, 300))
      expect(of('here', 'both/a')).toEqual(numbers('a'))
      expect(of('there', 'both/b')).toEqual(numbers('b'))
      const readings = await stored(server)
      expect(readings.filter(({ topic }) => topic === 'both/b').map(({ payload }) => payload)).toEqual(
        numbers('b'),
      )
      expect(readings.filter(({ topic }) => topic.startsWith('$SYS'))).toEqual([])
      await here.endAsync(true)
      await there.endAsync(true)
    }

    test('its state is seen on both sides, whoever began it', async () => {
      const [near, far] = [await freePort(), await freePort()]
      const server = await startAmber(
        `listener ${far} 127.0.0.1\nallow_anonymous false\npassword_file passwd\n`,
      )
      await startMosquitto(`listener ${near} 127.0.0.1
allow_anonymous true
connection up
address 127.0.0.1:${far}
remote_clientid site1
remote_username ${account.username}
remote_password ${account.password}
topic a out
`)
      const watcher = await connectAsync(`mqtt://127.0.0.1:${server.mqttPort}`, {
        ...account,
        reconnectPeriod: 0,
      })
      const seen: string[] = []
      watcher.on('message', (topic, payload) => seen.push(`${topic} ${String(payload)}`))
      await watcher.subscribeAsync('$SYS/broker/connection/#')
      await expect.poll(() => seen, waiting).toContain('$SYS/broker/connection/site1/state 1')
      processes[0]?.kill('SIGKILL')
      await expect.poll(() => seen, waiting).toContain('$SYS/broker/connection/site1/state 0')
      await watcher.endAsync(true)
      expect(await stored(server)).toEqual([])
    })
  })
}
