// A hundred thousand packets in valid and faulty conversations: the broker lives, forgets what is over, and answers others.
// FUZZ_CONNECTIONS makes it as many as wanted: 20,000 connections are two million packets.

import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterEach, expect, test } from 'vitest'
import { topicFault } from '../../../src/domain/topic.ts'
import { until } from '../rawClient.ts'
import { startServer, type TestServer } from '../server.ts'
import { type FuzzResult, fuzz } from './fuzz.ts'

const connections = Number(process.env.FUZZ_CONNECTIONS ?? 1000)
const seed = Number(process.env.FUZZ_SEED ?? 1)

let server: TestServer
afterEach(() => server.close())

/** Throws, and waits until all that is over is gone. */
async function throwAt(count: number, from = seed): Promise<FuzzResult> {
  const result = await fuzz({
    port: server.port,
    connections: count,
    packetsEach: 100,
    seed: from,
    together: 20,
  })
  await until(() => server.broker.clients().length === 0, 'every client to be gone', 30_000)
  await until(() => server.sessions.registry.count === 0, 'every session to end', 30_000)
  return result
}

const collect = (() => {
  setFlagsFromString('--expose-gc')
  return runInNewContext('gc') as () => void
})()

/** Bytes in use when the readings, which the test's store keeps, are taken away. */
async function heapBytes(): Promise<number> {
  server.store.readings.length = 0
  server.store.marks.clear()
  // Buffers are given back by a sweep after the collection, and what closed them by the one behind that.
  for (let i = 0; i < 5; i++) {
    await new Promise((resolve) => setTimeout(resolve, 100))
    collect()
  }
  return process.memoryUsage().heapUsed + process.memoryUsage().arrayBuffers
}

test('packets with one fault each end no process, keep nobody waiting, and leave nothing behind', {
  timeout: 60_000 + connections * 100,
}, async () => {
  server = await startServer({ mqtt: { max_packet_size: 10_000, max_session_expiry_s: 1 } })
  const faults: unknown[] = []
  const onFault = (error: unknown): void => void faults.push(error)
  process.on('uncaughtException', onFault)
  process.on('unhandledRejection', onFault)
  const result = await throwAt(connections)
  process.off('uncaughtException', onFault)
  process.off('unhandledRejection', onFault)
  expect(faults).toEqual([])
  expect(result.packets).toBe(connections * 100)
  // A fault ends its connection; enough must have been read before that for the faults to meet every state.
  expect(server.sessions.traffic.messagesReceived).toBeGreaterThan(result.packets / 10)
  expect(result.answered).toBeGreaterThan(10)
  const sent = server.store.readings.filter(({ topic, source }) => source === 'mqtt' && topic === 'healthy')
  expect(sent).toHaveLength(result.answered)
  expect(server.store.readings.filter(({ topic }) => topicFault(topic) !== null)).toEqual([])
  const { received, stored, rejected, deduplicated } = await server.ledger()
  expect(received).toBe(stored + rejected + deduplicated)
})

test('the memory of connections that are over is given back', {
  timeout: 60_000 + connections * 100,
}, async () => {
  server = await startServer({ mqtt: { max_packet_size: 10_000, max_session_expiry_s: 1 } })
  // Caches, compiled code and one retained message a topic come with the first thousand.
  await throwAt(1000, 1_000_000)
  const before = await heapBytes()
  await throwAt(connections, 2_000_000)
  const grown = (await heapBytes()) - before
  console.log(`memory grew by ${(grown / 1e6).toFixed(1)} MB over ${connections} connections`)
  // A socket, a session or an outbox that stays is a kilobyte and more.
  expect(grown).toBeLessThan(5_000_000 + connections * 200)
})
