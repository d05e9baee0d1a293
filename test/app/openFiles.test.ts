// A server that may open few files: however many clients come, its store keeps those it needs.

import { once } from 'node:events'
import net from 'node:net'
import { randomBytes } from 'node:crypto'
import { connectAsync } from 'mqtt'
import { afterEach, expect, test } from 'vitest'
import { openFilesMax, roomOf } from '../../src/ops/openFiles.ts'
import { account, type Home, makeHome } from './server.ts'

const filesMax = 320
const publishes = 40
const payloadBytes = 2 ** 19
const slow = { timeout: 20_000 }

const home: Home = makeHome()
const sockets: net.Socket[] = []
afterEach(async () => {
  for (const socket of sockets) socket.destroy()
  await home.remove()
})

/** Opens so many connections, and waits until each is open or closed again. */
async function crowd(port: number, count: number): Promise<void> {
  const opened = Array.from({ length: count }, () => net.connect(port, '127.0.0.1'))
  sockets.push(...opened)
  await Promise.all(
    opened.map(async (socket) => {
      socket.on('error', () => undefined)
      await once(socket, 'connect').catch(() => undefined)
    }),
  )
}

test('four hundred connections take no file that the store needs', async () => {
  // What LevelDB writes to is a new file every two megabytes.
  const server = await home.start(['--store.memory=small', '--mqtt.connect_timeout_ms=60000'], filesMax)
  expect(server.output()).toContain(
    'the system allows 320 open files: room for 96 MQTT and 32 HTTP connections',
  )
  const device = await connectAsync(`mqtt://127.0.0.1:${server.mqttPort}`, {
    ...account,
    clientId: 'device',
    reconnectPeriod: 0,
  })
  await crowd(server.mqttPort, 300)
  await crowd(server.httpPort, 100)
  const payload = randomBytes(payloadBytes)
  for (let n = 0; n < publishes; n++) await device.publishAsync(`files/${n}`, payload, { qos: 1 })
  expect(device.connected).toBe(true)
  device.end(true)
  for (const socket of sockets.splice(0)) socket.destroy()
  // Those who are gone leave their places.
  await expect
    .poll(async () => {
      const answer = await server.request('/api/v1/latest?topic=files/%23&limit=100&raw=1').catch(() => null)
      return answer === null ? null : ((await answer.json()) as { data: unknown[] }).data.length
    }, slow)
    .toBe(publishes)
  expect(server.output()).not.toMatch(/too many open files/i)
  expect(await server.stop()).toBe(0)
})

test('a part of all files is left: for tables, logs, threads and who waits for a place', () => {
  expect(roomOf(1024)).toEqual({ mqtt: 518, http: 172 })
  expect(roomOf(Number.POSITIVE_INFINITY)).toEqual({ mqtt: Infinity, http: Infinity })
  expect(roomOf(64)).toEqual({ mqtt: 6, http: 2 })
  expect(openFilesMax()).toBeGreaterThan(64)
  expect(openFilesMax('/nowhere')).toBe(Number.POSITIVE_INFINITY)
})
