// The load of the fan-out benchmark, in a process of its own: publishers keep a window of messages open that every one of
// their subscribers has to get; what is counted is deliveries. Prints one line of JSON.

import net from 'node:net'
import mqttPacket from 'mqtt-packet'

export interface FanoutOptions {
  port: number
  username: string
  password: string
  publishers: number
  /** Of each publisher's topic. */
  subscribers: number
  qos: 0 | 1
  /** Messages of a publisher that not every subscriber has yet. */
  window: number
  warmUpMs: number
  measureMs: number
}

export interface FanoutResult {
  deliveries: number
  deliveriesPerSecond: number
}

const payload = Buffer.from('{"temperature":21.53,"humidity":48.2,"battery":2987,"linkquality":131}')

async function connect({ port, username, password }: FanoutOptions, clientId: string): Promise<net.Socket> {
  const socket = net.connect({ port, host: '127.0.0.1', noDelay: true })
  socket.on('close', () => {
    throw new Error(`the server closed ${clientId}`)
  })
  socket.write(
    mqttPacket.generate({
      cmd: 'connect',
      protocolId: 'MQTT',
      protocolVersion: 4,
      clean: true,
      clientId,
      keepalive: 0,
      username,
      password: Buffer.from(password),
    }),
  )
  await new Promise((resolve) => socket.once('data', resolve))
  return socket
}

/** One topic: a publisher, and subscribers that count what comes. All packets of a topic have one length. */
class Room {
  readonly #topic: string
  readonly #options: FanoutOptions
  readonly #counts: number[] = []
  #publisher!: net.Socket
  #packet!: Buffer
  #sent = 0
  #id = 0
  running = true
  deliveries = 0

  constructor(topic: string, options: FanoutOptions) {
    this.#topic = topic
    this.#options = options
  }

  async open(): Promise<void> {
    const { qos, subscribers } = this.#options
    this.#packet = mqttPacket.generate({
      cmd: 'publish',
      topic: this.#topic,
      payload,
      qos,
      messageId: 1,
      dup: false,
      retain: false,
    })
    for (let n = 0; n < subscribers; n++) {
      const socket = await connect(this.#options, `${this.#topic}-s${n}`)
      socket.write(
        mqttPacket.generate({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: this.#topic, qos }] }),
      )
      await new Promise((resolve) => socket.once('data', resolve))
      this.#counts.push(0)
      this.#receive(socket, n)
    }
    this.#publisher = await connect(this.#options, `${this.#topic}-p`)
    this.#publisher.on('data', () => undefined)
    this.#fill()
  }

  #receive(socket: net.Socket, n: number): void {
    const { qos } = this.#options
    const size = this.#packet.length
    const idAt = 2 + 2 + Buffer.byteLength(this.#topic)
    let rest: Buffer = Buffer.alloc(0)
    socket.on('data', (chunk: Buffer) => {
      const bytes = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk
      const count = Math.floor(bytes.length / size)
      if (count > 0 && bytes[0] !== this.#packet[0])
        throw new Error(`expected PUBLISH, got ${bytes.toString('hex', 0, 8)}`)
      rest = bytes.subarray(count * size)
      if (qos === 1) {
        const acks = Buffer.allocUnsafe(count * 4)
        for (let i = 0; i < count; i++) {
          acks[i * 4] = 0x40
          acks[i * 4 + 1] = 2
          bytes.copy(acks, i * 4 + 2, i * size + idAt, i * size + idAt + 2)
        }
        if (count > 0) socket.write(acks)
      }
      this.deliveries += count
      this.#counts[n] = (this.#counts[n] ?? 0) + count
      this.#fill()
    })
  }

  /** Publishes what the slowest subscriber leaves room for, in one write. */
  #fill(): void {
    if (!this.running) return
    const { window, qos } = this.#options
    const room = window - (this.#sent - Math.min(...this.#counts))
    if (room < window / 4 && room < 250) return
    const packets = Buffer.allocUnsafe(room * this.#packet.length)
    for (let i = 0; i < room; i++) {
      this.#packet.copy(packets, i * this.#packet.length)
      if (qos === 0) continue
      this.#id = (this.#id % 60_000) + 1
      packets.writeUInt16BE(this.#id, i * this.#packet.length + 4 + Buffer.byteLength(this.#topic))
    }
    this.#sent += room
    this.#publisher.write(packets)
  }
}

async function load(options: FanoutOptions): Promise<FanoutResult> {
  const rooms = Array.from(
    { length: options.publishers },
    (_, n) => new Room(`bench/room-${100 + n}`, options),
  )
  for (const room of rooms) await room.open()
  const total = (): number => rooms.reduce((sum, { deliveries }) => sum + deliveries, 0)
  await delay(options.warmUpMs)
  const [from, started] = [total(), performance.now()]
  await delay(options.measureMs)
  const deliveriesPerSecond = ((total() - from) / (performance.now() - started)) * 1000
  for (const room of rooms) room.running = false
  return { deliveries: total(), deliveriesPerSecond }
}

const delay = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

process.stdout.write(`${JSON.stringify(await load(JSON.parse(process.argv[2] ?? '{}') as FanoutOptions))}\n`)
process.exit(0)
