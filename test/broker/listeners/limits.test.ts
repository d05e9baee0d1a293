// Limits on addresses, on listeners and on how fast a connection is read.

import { Duplex } from 'node:stream'
import { generate } from 'mqtt-packet'
import { afterEach, expect, test, vi } from 'vitest'
import { createAdmission, type Places } from '../../../src/broker/listeners/admission.ts'
import { limitPace } from '../../../src/broker/listeners/pace.ts'
import { createMetrics } from '../../../src/ops/metrics.ts'
import { connectRaw, openRaw, until } from '../rawClient.ts'
import { startServer, type TestServer } from '../server.ts'

let server: TestServer | null = null
afterEach(async () => {
  await server?.close()
  server = null
})

const nobody = { isBanned: () => false, onLogin: () => undefined }

test('connects of one address are counted by the second, those of another apart', () => {
  const clock = { ms: 5000 }
  const admission = createAdmission(
    { max_connections: 100, max_connections_per_address: 0, max_connects_per_s_per_address: 2 },
    { bans: nobody, metrics: createMetrics(), now: () => clock.ms },
  )
  expect([1, 2, 3].map(() => admission.enterAddress('a'))).toEqual([null, null, 'address_rate'])
  expect(admission.enterAddress('b')).toBeNull()
  clock.ms += 1000
  expect(admission.enterAddress('a')).toBeNull()
})

test('a listener has its own limit besides the one of the server', () => {
  const admission = createAdmission(
    { max_connections: 3, max_connections_per_address: 0, max_connects_per_s_per_address: 0 },
    { bans: nobody, metrics: createMetrics() },
  )
  const small = { count: 0, max: 1 }
  const large = { count: 0, max: 0 }
  expect([admission.enter(small), admission.enter(small)]).toEqual([true, false])
  expect([admission.enter(large), admission.enter(large), admission.enter(large)]).toEqual([
    true,
    true,
    false,
  ])
  admission.leave(small)
  expect(admission.enter(large)).toBe(true)
})

test('who comes when all places are taken waits a moment for one, in turn, and is refused after it', () => {
  vi.useFakeTimers()
  const admission = createAdmission(
    { max_connections: 3, max_connections_per_address: 0, max_connects_per_s_per_address: 0 },
    { bans: nobody, metrics: createMetrics() },
  )
  const small = { count: 0, max: 1 }
  const large = { count: 0, max: 0 }
  admission.enter(small)
  admission.enter(large)
  const answers: string[] = []
  const wait = (name: string, places: Places) =>
    admission.wait(places, (isIn) => answers.push(`${name} ${isIn}`))
  wait('first', small)
  wait('second', small)
  const cancel = wait('gone', small)
  expect(admission.enter(large)).toBe(true)
  wait('third', large)
  cancel()
  admission.leave(large)
  expect(answers).toEqual(['third true'])
  admission.leave(small)
  expect(answers).toEqual(['third true', 'first true'])
  vi.advanceTimersByTime(1000)
  expect(answers).toEqual(['third true', 'first true', 'second false'])
  admission.leave(small)
  expect([small.count, large.count]).toEqual([0, 2])
  vi.useRealTimers()
})

test('of those who wait there are not any number', () => {
  const admission = createAdmission(
    { max_connections: 1, max_connections_per_address: 0, max_connects_per_s_per_address: 0 },
    { bans: nobody, metrics: createMetrics() },
  )
  const places = { count: 0, max: 0 }
  admission.enter(places)
  const answers: boolean[] = []
  const cancels = Array.from({ length: 101 }, () => admission.wait(places, (isIn) => answers.push(isIn)))
  expect(answers).toEqual([false])
  for (const cancel of cancels) cancel()
})

test('at max_connections a connection that takes the place of one just closed gets in', async () => {
  server = await startServer({ mqtt: { max_connections: 1 } })
  const { port, metrics } = server
  for (let n = 0; n < 20; n++) {
    const client = await connectRaw(port, 4, { clientId: `c${n}` })
    client.destroy()
  }
  const last = await connectRaw(port, 4, { clientId: 'last' })
  const above = await openRaw(port, 4)
  await above.untilClosed()
  expect((await metrics.refused.get()).values).toMatchObject([
    { labels: { reason: 'max_connections' }, value: 1 },
  ])
  expect(last.closed).toBe(false)
})

test('connections above the limit of one address are closed, and a place given back is taken', async () => {
  server = await startServer({ mqtt: { max_connections_per_address: 2 } })
  const { port, metrics } = server
  const first = await connectRaw(port, 4)
  await connectRaw(port, 4, { clientId: 'second' })
  const third = await openRaw(port, 4)
  await third.untilClosed()
  expect((await metrics.refused.get()).values).toMatchObject([{ labels: { reason: 'address_connections' } }])
  first.destroy()
  await expect.poll(async () => (await metrics.connections.get()).values[0]?.value).toBe(1)
  const fourth = await connectRaw(port, 4, { clientId: 'fourth' })
  expect(fourth.closed).toBe(false)
})

test('a publisher above max_messages_per_s is slowed down, loses nothing, and others are not', async () => {
  server = await startServer({ mqtt: { max_messages_per_s: 100 } })
  const { port, store } = server
  const fast = await connectRaw(port, 4, { clientId: 'fast' })
  const began = performance.now()
  for (let n = 0; n < 300; n++) {
    const packet = {
      cmd: 'publish',
      topic: 'fast',
      payload: 'x'.repeat(500),
      qos: 0,
      retain: false,
      dup: false,
    } as const
    fast.send(packet)
  }
  const calm = await connectRaw(port, 4, { clientId: 'calm' })
  calm.send({ cmd: 'pingreq' })
  await calm.take('pingresp')
  expect(store.readings.length).toBeLessThan(300)
  await until(() => store.readings.length === 300, 'every publish to be stored')
  // One chunk of the socket holds some 120 of them and passes at once; what follows waits for it.
  expect(performance.now() - began).toBeGreaterThan(1000)
})

test('bytes a second are kept to, whatever the packets', async () => {
  const stream = new Duplex({ read: () => undefined, write: (_chunk, _encoding, done) => done() })
  let asked = 0
  stream._read = () => {
    asked++
    if (asked <= 25) setImmediate(() => stream.push(Buffer.alloc(1000, generate({ cmd: 'pingreq' }))))
  }
  limitPace(stream, { bytesPerS: 10_000, messagesPerS: 0 })
  let got = 0
  const began = performance.now()
  stream.on('data', (chunk: Buffer) => {
    got += chunk.length
  })
  await until(() => got === 25_000, 'all bytes')
  stream.destroy()
  // A second's worth passes at once, the rest at the rate.
  expect(performance.now() - began).toBeGreaterThan(1300)
})
