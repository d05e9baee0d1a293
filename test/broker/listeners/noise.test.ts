// Noise on every kind of listener: nothing falls over, nobody healthy goes unanswered, and no connection is left behind.

import { randomBytes } from 'node:crypto'
import { connect } from 'node:net'
import { join } from 'node:path'
import { generate } from 'mqtt-packet'
import { expect, test } from 'vitest'
import { loadConfig } from '../../../src/config/load.ts'
import { connectPacket, connectRaw } from '../rawClient.ts'
import { startServer } from '../server.ts'
import { encodeProxyHeader } from './proxyHeader.ts'

const fixture = (name: string): string => join(import.meta.dirname, '../../fixtures/tls', name)
const tls = { cert_file: fixture('server.pem'), key_file: fixture('server.key') }
const kinds = [
  {},
  tls,
  { protocol: 'websockets' },
  { protocol: 'websockets', ...tls },
  { proxy_protocol: true },
  { proxy_protocol: true, ...tls },
].map((listener) => ({ host: '127.0.0.1', port: 0, ...listener }))

const upgrade =
  'GET /mqtt HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n'
const starts = [
  Buffer.alloc(0),
  generate(connectPacket(5)),
  Buffer.from(upgrade),
  encodeProxyHeader('203.0.113.9'),
  Buffer.concat([encodeProxyHeader('203.0.113.9'), generate(connectPacket(4))]),
  Buffer.from('PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n'),
  Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01]),
  Buffer.from('GET / HTTP/1.1\r\n'),
]

test('two thousand connections of noise', async () => {
  const flags = { 'mqtt.listeners': JSON.stringify(kinds) }
  const { listeners } = loadConfig({ flags, env: {}, cwd: '/' }).mqtt
  const server = await startServer({ mqtt: { listeners, connect_timeout_ms: 500 } })
  const healthy = await connectRaw(server.port, 4, { clientId: 'healthy', keepalive: 0 })
  const ports = server.broker.listeners.slice(1).map(({ port }) => port)
  expect(ports).toHaveLength(kinds.length)
  for (let round = 0; round < 42; round++) {
    await Promise.all(
      ports.flatMap((port) =>
        starts.map(
          (start, kind) =>
            new Promise<void>((resolve) => {
              const socket = connect(port, '127.0.0.1')
              socket.on('error', () => undefined)
              socket.on('close', () => resolve())
              socket.write(Buffer.concat([start, randomBytes((round * 7 + kind * 31) % 600)]))
              if (round % 2 === 0) socket.end()
              else if (round % 3 === 0) socket.on('connect', () => setImmediate(() => socket.destroy()))
              socket.resume()
              // Bytes that are valid so far may be followed by more; such a peer goes away by itself.
              setTimeout(() => socket.destroy(), 700)
            }),
        ),
      ),
    )
  }
  healthy.send({ cmd: 'pingreq' })
  await healthy.take('pingresp')
  const open = async (): Promise<number | undefined> =>
    (await server.metrics.connections.get()).values[0]?.value
  await expect.poll(open, { timeout: 15_000, interval: 50 }).toBe(1)
  expect(server.store.readings).toEqual([])
  healthy.destroy()
  await server.close()
}, 120_000)
