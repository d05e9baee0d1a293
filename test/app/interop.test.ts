// Clients that others wrote: Debian's mosquitto_pub, mosquitto_sub and mosquitto_passwd, and the article's Python client.
// A machine without them runs a test that says so, loudly.

import { execFile, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { account, type Home, makeHome, type TestServer } from './server.ts'

const run = promisify(execFile)
const python = '/usr/bin/python3'
const missing = ['mosquitto_pub', 'mosquitto_sub', 'mosquitto_passwd'].filter(
  (tool) => spawnSync('which', [tool]).status !== 0,
)
const hasPaho = spawnSync(python, ['-c', 'import paho.mqtt.client']).status === 0

let home: Home
let server: TestServer

beforeEach(async () => {
  home = makeHome()
  server = await home.start()
})
afterEach(() => home.remove())

const login = (user: { username: string; password: string } = account): string[] => {
  return ['-h', '127.0.0.1', '-p', String(server.mqttPort), '-u', user.username, '-P', user.password]
}

async function payloads(topic: string): Promise<{ payload: string; qos: number; retain: boolean }[]> {
  const response = await server.request(`/api/v1/readings?topic=${topic}&from=0&order=asc&raw=1`)
  expect(response.status).toBe(200)
  return ((await response.json()) as { data: { payload: string; qos: number; retain: boolean }[] }).data
}

async function publish(...args: string[]): Promise<void> {
  await run('mosquitto_pub', [...login(), ...args])
}

const versions = ['mqttv311', 'mqttv5'] as const
const cases = versions.flatMap((version) => ['0', '1', '2'].map((qos) => ({ version, qos })))

if (missing.length > 0) {
  console.warn(
    `INTEROP NOT SHOWN: ${missing.join(', ')} missing; apt-get install mosquitto mosquitto-clients`,
  )
  test(`could not run: ${missing.join(', ')} missing`, () => expect(missing.length).toBeGreaterThan(0))
} else {
  describe('Debian’s Mosquitto clients', () => {
    test.each(cases)('publish and subscribe with $version at QoS $qos', async ({ version, qos }) => {
      const args = ['-V', version, '-q', qos, '-t', 'interop/a']
      const child = spawn('stdbuf', ['-oL', 'mosquitto_sub', ...login(), ...args, '-C', '1', '-d'])
      let output = ''
      const subscribed = new Promise<void>((resolve) => {
        child.stdout.on('data', (chunk: Buffer) => {
          output += String(chunk)
          if (output.includes('Subscribed')) resolve()
        })
      })
      const ended = once(child, 'close')
      await subscribed
      await publish(...args, '-m', 'hello äöü')
      await ended
      expect(output).toContain('hello äöü')
      await expect
        .poll(() => payloads('interop/a'))
        .toMatchObject([{ payload: 'hello äöü', qos: Number(qos) }])
    })

    test.each(versions)('a retained message waits for a later subscriber with %s', async (version) => {
      await publish('-V', version, '-q', '1', '-r', '-t', 'interop/r', '-m', 'kept')
      const { stdout } = await run('mosquitto_sub', [
        ...login(),
        '-V',
        version,
        '-t',
        'interop/#',
        '-C',
        '1',
        '-W',
        '10',
      ])
      expect(stdout).toBe('kept\n')
      expect(await payloads('interop/r')).toMatchObject([{ payload: 'kept', retain: true }])
    })

    test.each(versions)('a wrong password is refused with %s and nothing is stored', async (version) => {
      const wrong = login({ ...account, password: 'wrong' })
      const args = [...wrong, '-V', version, '-q', '1', '-t', 'interop/w', '-m', 'x']
      await expect(run('mosquitto_pub', args)).rejects.toThrow(/not authori[sz]ed|bad user name/i)
      expect(await payloads('interop/w')).toEqual([])
    })

    test('a password file made by mosquitto_passwd lets its user in, and nobody else', async () => {
      const file = join(home.path, 'made')
      await run('mosquitto_passwd', ['-c', '-b', file, account.username, account.password])
      await server.stop()
      server = await home.start([`--auth.password_file=${file}`])
      await publish('-q', '1', '-t', 'interop/p', '-m', 'in')
      expect(await payloads('interop/p')).toMatchObject([{ payload: 'in' }])
      const wrong = login({ ...account, password: 'wrong' })
      await expect(run('mosquitto_pub', [...wrong, '-q', '1', '-t', 'x', '-m', 'x'])).rejects.toThrow()
    })
  })
}

if (!hasPaho) {
  console.warn(`ARTICLE NOT SHOWN: ${python} has no paho; apt-get install python3-paho-mqtt`)
  test('could not run: python3-paho-mqtt is missing', () => expect(hasPaho).toBe(false))
} else {
  const article = join(import.meta.dirname, 'article.py')
  const start = (password: string): ReturnType<typeof run> =>
    run(python, [article, String(server.mqttPort), account.username, password, '20'], { timeout: 25_000 })

  test('the article’s Python client subscribes $SYS/#, hears its data, and all is read back by HTTP', async () => {
    const { stdout } = await start(account.password)
    expect(stdout).toMatch(/^subscribed \[0, 1\]/)
    expect(stdout).toContain('$SYS parsed')
    const stored = await payloads('home/article/climate')
    expect(stored.map(({ payload }) => (JSON.parse(payload) as { n: number }).n)).toEqual(
      Array.from({ length: 20 }, (_, n) => n),
    )
    for (const { payload } of stored) expect(stdout).toContain(`home/article/climate ${payload}`)
  })

  test('the article’s Python client is refused with a wrong password', async () => {
    expect((await start('wrong')).stdout).toMatch(/^refused [45]/)
  })
}
