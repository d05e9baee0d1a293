// A client that speaks packet by packet, so that a test can also say what no library would.

import { connect, type Socket } from 'node:net'
import { generate, type IConnectPacket, type Packet, parser } from 'mqtt-packet'

export type Version = 3 | 4 | 5

export interface RawClient {
  socket: Socket
  received: Packet[]
  readonly closed: boolean
  send(packet: Packet): void
  write(bytes: Buffer): void
  /** The next packet of this kind that was not taken yet. */
  take<T extends Packet = Packet>(cmd: string): Promise<T>
  untilClosed(): Promise<void>
  destroy(): void
}

export async function openRaw(port: number, version: Version): Promise<RawClient> {
  const socket = connect(port, '127.0.0.1')
  const received: Packet[] = []
  const taken = new Set<Packet>()
  const reader = parser({ protocolVersion: version })
  let closed = false
  reader.on('packet', (packet) => received.push({ ...packet } as Packet))
  reader.on('error', () => undefined)
  socket.on('data', (chunk) => reader.parse(chunk))
  socket.on('error', () => undefined)
  socket.on('close', () => {
    closed = true
  })
  await new Promise((resolve) => socket.once('connect', resolve))
  return {
    socket,
    received,
    get closed() {
      return closed
    },
    send: (packet) => void socket.write(generate(packet, { protocolVersion: version })),
    write: (bytes) => void socket.write(bytes),
    take: async <T extends Packet>(cmd: string) => {
      const found = (): Packet | undefined => received.find((p) => p.cmd === cmd && !taken.has(p))
      await until(() => found() !== undefined || closed, `a ${cmd}`)
      const packet = found()
      if (packet === undefined)
        throw new Error(`closed before a ${cmd}; got ${received.map((p) => p.cmd).join(', ')}`)
      taken.add(packet)
      return packet as T
    },
    untilClosed: () => until(() => closed, 'the connection to close'),
    destroy: () => socket.destroy(),
  }
}

export function connectPacket(version: Version, extra: Partial<IConnectPacket> = {}): IConnectPacket {
  return {
    cmd: 'connect',
    protocolId: version === 3 ? 'MQIsdp' : 'MQTT',
    protocolVersion: version,
    clean: true,
    clientId: 'raw',
    keepalive: 0,
    ...extra,
  }
}

/** Connected, CONNACK taken. */
export async function connectRaw(
  port: number,
  version: Version,
  extra: Partial<IConnectPacket> = {},
): Promise<RawClient> {
  const client = await openRaw(port, version)
  client.send(connectPacket(version, extra))
  await client.take('connack')
  return client
}

/** Waits for a condition, not for a time. */
export async function until(condition: () => boolean, what: string, waitMs = 8000): Promise<void> {
  const deadline = Date.now() + waitMs
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`waited ${waitMs} ms for ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 4))
  }
}
