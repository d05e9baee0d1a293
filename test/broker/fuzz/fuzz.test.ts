// A hundred thousand packets in valid and faulty conversations: the broker lives, forgets what is over, and answers others.
// FUZZ_CONNECTIONS makes it as many as wanted: 20,000 connections are two million packets.

import { afterEach, expect, test } from 'vitest'
import { topicFault } from '../../../src/domain/topic.ts'
import { until } from '../rawClient.ts'
import { startServer, type TestServer } from '../server.ts'
import { fuzz } from './fuzz.ts'

const connections = Number(process.env.FUZZ_CONNECTIONS ?? 1000)
const seed = Number(process.env.FUZZ_SEED ?? 1)

let server: TestServer
afterEach(() => server.close())

test('packets with one fault each end no process, keep nobody waiting, and leave nothing behind', {
  timeout: 60_000 + connections * 100,
}, async () => {
  server = await startServer({ mqtt: { max_packet_size: 10_000, max_session_expiry_s: 1 } })
  const faults: unknown[] = []
  const onFault = (error: unknown): void => void faults.push(error)
  process.on('uncaughtException', onFault)
  process.on('unhandledRejection', onFault)
  const result = await fuzz({ port: server.port, connections, packetsEach: 100, seed, together: 20 })
  await until(() => server.broker.clients().length === 0, 'every client to be gone', 30_000)
  await until(() => server.sessions.registry.count === 0, 'every session to end', 30_000)
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
