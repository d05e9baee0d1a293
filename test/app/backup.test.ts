// A backup of a server under load, restored and compared reading by reading; with the queue of an absent session and what is
// retained. And the commands that look through a store and mend it.

import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import mqtt from 'mqtt'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { amber } from '../cli/io.ts'
import { account, type Home, makeHome, type TestServer } from './server.ts'

let home: Home
beforeEach(() => {
  home = makeHome()
})
afterEach(() => home.remove())

const user = `${account.username}:${account.password}`
const admins = `--auth.admins=${account.username}`
const connect = (server: TestServer, options: mqtt.IClientOptions = {}): Promise<mqtt.MqttClient> =>
  mqtt.connectAsync(`mqtt://127.0.0.1:${server.mqttPort}`, { ...account, reconnectPeriod: 0, ...options })
const exportOf = async (server: TestServer): Promise<string[]> =>
  (await (await server.request('/api/v1/export?fields=*')).text()).trimEnd().split('\n')

interface Load {
  stop(): Promise<void>
  /** Number of the last reading that was acknowledged. */
  readonly acknowledged: number
}

/** Publishes until it is stopped. */
async function load(server: TestServer): Promise<Load> {
  const device = await connect(server)
  let isOver = false
  let acknowledged = 0
  let n = 0
  const work = async (): Promise<void> => {
    while (!isOver) {
      await device.publishAsync(`load/${n % 50}`, JSON.stringify({ n: n++, t: 20 + (n % 90) / 10 }), {
        qos: 1,
      })
      acknowledged++
    }
  }
  const all = Promise.all(Array.from({ length: 20 }, work))
  return {
    get acknowledged() {
      return acknowledged
    },
    async stop() {
      isOver = true
      await all
      await device.endAsync()
    },
  }
}

test('a backup taken under load is restored with every reading there was, the queues and what is retained', async () => {
  const server = await home.start([admins, '--store.memory=small'])
  const absent = await connect(server, { clientId: 'absent', clean: false })
  await absent.subscribeAsync('owed/#', { qos: 1 })
  await absent.endAsync()
  const device = await connect(server)
  for (let n = 0; n < 10; n++) await device.publishAsync('owed/now', `${n}`, { qos: 1, retain: true })
  await device.endAsync()
  const running = await load(server)
  await expect.poll(() => running.acknowledged, { timeout: 60_000 }).toBeGreaterThan(20_000)

  const file = join(home.path, 'amber.backup')
  const before = (await exportOf(server)).length
  const url = `http://127.0.0.1:${server.httpPort}`
  expect(await amber(['backup', '--url', url, '-u', user, file])).toEqual({ code: 0, out: '', err: '' })
  await running.stop()
  const whole = await exportOf(server)

  const data = join(home.path, 'restored')
  const restored = await amber(['restore', file, '--store.path', data])
  expect(restored.err).toBe('')
  expect(JSON.parse(restored.out)).toMatchObject({ faults: 0, topics: 51, path: data })
  const again = await amber(['restore', file, '--store.path', data])
  expect([again.code, again.err]).toEqual([1, expect.stringContaining('is not empty')])

  await server.stop()
  const other = await home.start([admins, `--store.path=${data}`])
  const found = await exportOf(other)
  expect(found.length).toBeGreaterThanOrEqual(before)
  // What was stored after the backup is all that is not there.
  const last = seqOf(found.at(-1))
  expect(last).toBe(Math.max(...found.map(seqOf)))
  expect(found).toEqual(whole.filter((line) => seqOf(line) <= last))
  const received: string[] = []
  const back = mqtt.connect(`mqtt://127.0.0.1:${other.mqttPort}`, {
    ...account,
    clientId: 'absent',
    clean: false,
    reconnectPeriod: 0,
  })
  back.on('message', (_topic, payload) => void received.push(String(payload)))
  await expect.poll(() => received).toEqual(['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'])
  await back.endAsync()
  const retained = (await (await other.request('/api/v1/retained?topic=owed/now')).json()) as {
    data: unknown[]
  }
  expect(retained.data).toMatchObject([{ topic: 'owed/now', value: 9 }])
  // Longer than most: what must be under way before a backup means anything takes a slow machine a while.
}, 120_000)

const seqOf = (line: string | undefined): number => Number(/"seq":(\d+)/.exec(line ?? '')?.[1])

test('a backup is for those who manage the server, and one that is not whole is not restored', async () => {
  const server = await home.start()
  expect((await server.request('/api/v1/backup')).status).toBe(403)
  await server.stop()
  const keeper = await home.start([admins])
  const device = await connect(keeper)
  await device.publishAsync('a', '1', { qos: 1 })
  await device.endAsync()
  const bytes = Buffer.from(await (await keeper.request('/api/v1/backup')).arrayBuffer())
  const file = join(home.path, 'cut.backup')
  writeFileSync(file, bytes.subarray(0, bytes.length - 10))
  const data = join(home.path, 'cut')
  const { code, err } = await amber(['restore', file, '--store.path', data])
  expect([code, err]).toEqual([1, expect.stringContaining('it was cut off; make it again')])
  expect(readdirSync(data)).toEqual([])
})

test('check-store and repair say what is wrong with a store that does not run, and mend it when told to', async () => {
  const server = await home.start()
  const locked = await amber(['check-store', '--store.path', join(home.path, 'data')])
  expect([locked.code, locked.err]).toEqual([1, expect.stringContaining('in use by another process')])
  const device = await connect(server)
  for (let n = 0; n < 500; n++) await device.publishAsync(`t/${n % 5}`, `{"n":${n}}`, { qos: 1 })
  await device.endAsync()
  await server.stop()
  const path = ['--store.path', join(home.path, 'data')]
  const clean = await amber(['check-store', ...path])
  expect(clean).toMatchObject({ code: 0, err: '' })
  expect(JSON.parse(clean.out)).toMatchObject({ readings: 500, topics: 5, faults: 0 })

  const readings = join(home.path, 'data', 'readings')
  const manifest = readdirSync(readings).find((name) => name.startsWith('MANIFEST')) ?? ''
  writeFileSync(join(readings, manifest), readFileSync(join(readings, manifest)).fill(0, 10, 60))
  const asked = await amber(['repair', ...path])
  expect([asked.code, asked.err]).toEqual([1, expect.stringContaining('--yes mends')])
  expect((await amber(['check-store', ...path])).code).toBe(1)
  const mended = await amber(['repair', '--yes', ...path])
  expect(mended.code).toBe(0)
  expect(JSON.parse(mended.out)).toMatchObject({ readings: 500, faults: 0 })
  const again = await home.start()
  expect(await exportOf(again)).toHaveLength(500)
})
