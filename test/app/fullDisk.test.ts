// A full disk, on a small tmpfs: publishes are refused and never acknowledged, reads go on, space given back is enough.

import { spawnSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import mqtt from 'mqtt'
import { afterEach, expect, test } from 'vitest'
import { account, type Home, makeHome, type TestServer } from './server.ts'

const home: Home = makeHome()
const disk = join(home.path, 'disk')
mkdirSync(disk)
const isMounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64m', 'tmpfs', disk]).status === 0

afterEach(async () => {
  for (const server of started) await server.kill()
  if (isMounted) spawnSync('umount', [disk])
  await home.remove()
})
const started: TestServer[] = []

async function start(): Promise<TestServer> {
  const server = await home.start([`--store.path=${join(disk, 'data')}`])
  started.push(server)
  return server
}

function connect(server: TestServer, protocolVersion: 4 | 5): Promise<mqtt.MqttClient> {
  const url = `mqtt://127.0.0.1:${server.mqttPort}`
  return mqtt.connectAsync(url, { ...account, protocolVersion, reconnectPeriod: 0 })
}

function publishOverHttp(server: TestServer): Promise<Response> {
  return server.request('/api/v1/publish', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ topic: 'full/http', payload: 'x', qos: 1 }),
  })
}

async function fill(server: TestServer): Promise<{ acknowledged: string[]; code: unknown }> {
  const client = await connect(server, 5)
  const acknowledged: string[] = []
  for (let n = 0; ; n++) {
    const payload = `${n}:${'x'.repeat(65_536)}`
    try {
      await client.publishAsync(`full/${n}`, payload, { qos: 1 })
      acknowledged.push(`full/${n}`)
    } catch (error) {
      client.end(true)
      return { acknowledged, code: (error as { code?: unknown }).code }
    }
  }
}

if (!isMounted) {
  console.warn('FULL DISK NOT SHOWN: only root may mount a tmpfs')
  test('could not run: a tmpfs cannot be mounted', () => expect(isMounted).toBe(false))
} else {
  test('a full disk refuses publishes, answers reads, and takes publishes again once there is space', async () => {
    writeFileSync(join(disk, 'ballast'), Buffer.alloc(54 * 2 ** 20))
    const server = await start()
    const { acknowledged, code } = await fill(server)
    expect(code).toBeGreaterThanOrEqual(0x80)

    const old = await connect(server, 4)
    const closed = new Promise<void>((resolve) => old.once('close', () => resolve()))
    let isAcknowledged = false
    old.publish('full/old', 'x', { qos: 1 }, (error) => {
      isAcknowledged = !error
    })
    await closed
    expect(isAcknowledged).toBe(false)

    const refused = await publishOverHttp(server)
    expect(refused.status).toBe(503)
    expect(refused.headers.get('content-type')).toContain('application/problem+json')
    expect((await server.request('/api/v1/latest?topic=full/0')).status).toBe(200)

    rmSync(join(disk, 'ballast'))
    await expect.poll(async () => (await publishOverHttp(server)).status, { timeout: 15_000 }).toBe(200)
    expect(await server.stop()).toBe(0)

    const again = await start()
    for (const topic of acknowledged) {
      const text = await (await again.request(`/api/v1/latest?topic=${topic}`)).text()
      expect(text.includes(`"topic":"${topic}"`), topic).toBe(true)
    }
  })
}
