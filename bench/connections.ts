// Many connections that say nothing, and many retained topics: how fast clients with hashed passwords get in, what memory a
// connection takes, and how long a SUBSCRIBE to one topic of a hundred thousand waits. `npm run build` comes first.

import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import net from 'node:net'
import mqttPacket, { type Packet } from 'mqtt-packet'
import { account, type Broker, median, withBrokers } from './brokers.ts'

const connections = Number(process.argv[2] ?? 10_000)
const retainedTopics = Number(process.argv[3] ?? 100_000)
/** Handshakes under way at one time. */
const together = 200

await withBrokers(async (brokers) => {
  for (const broker of brokers) {
    const before = residentBytes(broker)
    const started = performance.now()
    const sockets = await connectMany(broker)
    const seconds = (performance.now() - started) / 1000
    await delay(2000)
    const bytes = (residentBytes(broker) - before) / connections
    console.log(
      `${broker.name}: ${connections} connections at ${(connections / seconds).toFixed(0)}/s, ${(bytes / 1024).toFixed(1)} KiB each`,
    )
    for (const socket of sockets) socket.destroy()
    await delay(1000)
    const waits = await subscribeToOne(broker)
    console.log(
      `${broker.name}: SUBSCRIBE to one of ${retainedTopics} retained topics: ${median(waits).toFixed(2)} ms, at most ${Math.max(...waits).toFixed(2)} ms`,
    )
  }
})

async function connectMany(broker: Broker): Promise<net.Socket[]> {
  const sockets: net.Socket[] = []
  let next = 0
  const worker = async (): Promise<void> => {
    for (let n = next++; n < connections; n = next++) sockets.push(await connect(broker, `idle-${n}`))
  }
  await Promise.all(Array.from({ length: together }, worker))
  return sockets
}

async function connect({ port }: Broker, clientId: string): Promise<net.Socket> {
  const socket = net.connect({ port, host: '127.0.0.1', noDelay: true })
  send(socket, {
    cmd: 'connect',
    protocolId: 'MQTT',
    protocolVersion: 4,
    clean: true,
    clientId,
    keepalive: 0,
    username: account.username,
    password: Buffer.from(account.password),
  })
  const [connack] = (await once(socket, 'data')) as [Buffer]
  if (connack[3] !== 0) throw new Error(`CONNACK ${connack.toString('hex')}`)
  return socket
}

/** Milliseconds from SUBSCRIBE to the retained message, many times over. */
async function subscribeToOne(broker: Broker): Promise<number[]> {
  const publisher = await connect(broker, 'publisher')
  let acknowledged = 0
  publisher.on('data', (chunk: Buffer) => {
    acknowledged += chunk.length / 4
  })
  for (let n = 0; n < retainedTopics; n++) {
    send(publisher, {
      cmd: 'publish',
      topic: `retained/house-${n % 1000}/room-${n}`,
      payload: '21.5',
      qos: 1,
      messageId: (n % 65_535) + 1,
      retain: true,
      dup: false,
    })
    while (n - acknowledged > 500) await delay(1)
  }
  while (acknowledged < retainedTopics) await delay(5)
  publisher.destroy()
  const waits: number[] = []
  for (let i = 0; i < 50; i++) {
    const n = (i * 7919) % retainedTopics
    const socket = await connect(broker, `reader-${i}`)
    const started = performance.now()
    send(socket, {
      cmd: 'subscribe',
      messageId: 1,
      subscriptions: [{ topic: `retained/house-${n % 1000}/room-${n}`, qos: 0 }],
    })
    for (let bytes = Buffer.alloc(0); !bytes.includes('21.5'); ) {
      bytes = Buffer.concat([bytes, ((await once(socket, 'data')) as [Buffer])[0]])
    }
    waits.push(performance.now() - started)
    socket.destroy()
  }
  return waits
}

function send(socket: net.Socket, packet: Packet): void {
  socket.write(mqttPacket.generate(packet))
}

/** Resident memory, see proc(5). */
function residentBytes({ process: { pid } }: Broker): number {
  return Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]) * 4096
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
