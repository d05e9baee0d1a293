// Throws connections full of good and faulty packets at a broker, some of them at a time, while a healthy client keeps
// publishing and must be answered. Says how much was thrown and how long the healthy client waited at most.

import { connect } from 'node:net'
import { generate, type Packet } from 'mqtt-packet'
import { connectRaw } from '../rawClient.ts'
import { createRandom, makeConnect, makePacket, pickVersion, spoil } from './packets.ts'

export interface FuzzOptions {
  port: number
  connections: number
  packetsEach: number
  seed: number
  /** Connections at one time. */
  together: number
}

export interface FuzzResult {
  packets: number
  /** Publishes of the healthy client that were acknowledged. */
  answered: number
  slowestMs: number
}

export async function fuzz({
  port,
  connections,
  packetsEach,
  seed,
  together,
}: FuzzOptions): Promise<FuzzResult> {
  const healthy = await connectRaw(port, 4, { clientId: 'healthy' })
  const result: FuzzResult = { packets: 0, answered: 0, slowestMs: 0 }
  let isRunning = true
  const beat = async (): Promise<void> => {
    for (let id = 1; isRunning; id = (id % 65_535) + 1) {
      const started = performance.now()
      healthy.send({
        cmd: 'publish',
        topic: 'healthy',
        payload: String(id),
        qos: 1,
        messageId: id,
        dup: false,
        retain: false,
      })
      await healthy.take('puback')
      healthy.received.length = 0
      result.answered++
      result.slowestMs = Math.max(result.slowestMs, performance.now() - started)
    }
  }
  const beating = beat()
  let next = 0
  const worker = async (): Promise<void> => {
    for (let n = next++; n < connections; n = next++) {
      const thrown = await throwOne(port, seed + n, packetsEach)
      result.packets += thrown
    }
  }
  await Promise.all(Array.from({ length: together }, worker))
  isRunning = false
  await beating
  healthy.destroy()
  return result
}

/** One connection: mostly a good CONNECT, then packets of which few are faulty, so that faults meet every state. */
function throwOne(port: number, seed: number, packetsEach: number): Promise<number> {
  const random = createRandom(seed * 2_654_435_761)
  const version = pickVersion(random)
  const parts: Buffer[] = []
  const hello = generate(makeConnect(random, version) as Packet, { protocolVersion: version })
  parts.push(random.below(10) === 0 ? spoil(random, hello) : hello)
  const faultEvery = random.pick([3, 20, 100, 1000])
  for (let i = 1; i < packetsEach; i++) {
    const packet = makePacket(random, version)
    parts.push(random.below(faultEvery) === 0 ? spoil(random, packet) : packet)
  }
  const bytes = Buffer.concat(parts)
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    const pieces = random.pick([1, 1, 1, 7])
    socket.on('error', () => undefined)
    socket.on('data', () => undefined)
    socket.on('close', () => resolve(parts.length))
    socket.on('connect', () => {
      for (let i = 0; i < pieces; i++) {
        socket.write(bytes.subarray((bytes.length * i) / pieces, (bytes.length * (i + 1)) / pieces))
      }
      // Some leave without a word, some wait to be closed.
      if (random.below(3) === 0) setImmediate(() => socket.destroy())
      else socket.end()
    })
  })
}
