// The load of bench/ingest.ts, in a process of its own: raw sockets that publish at QoS 1 with a fixed window, or at a
// fixed pace. Prints one line of JSON; a connection that ends or an acknowledgement that is none fails the run.

import net from 'node:net'
import mqttPacket from 'mqtt-packet'

export interface LoadOptions {
  port: number
  clients: number
  /** Publishes a client has unacknowledged at any time; with a pace, the most it may have. */
  window: number
  warmUpMs: number
  measureMs: number
  /** Messages a second over all clients; 0: as many as the windows let through. */
  pace: number
  username: string
  password: string
  /** What the topics of the clients begin with. */
  topic?: string
}

export interface LoadResult {
  /** Messages acknowledged from first to last, warm-up included. */
  acknowledged: number
  messagesPerSecond: number
  /** Milliseconds from write to acknowledgement; measured only at a pace. */
  p50Ms: number
  p99Ms: number
}

const idsMax = 65_535

/** One connection. Ids go round, so `sentAt` of an id is that of its newest publish. */
class Publisher {
  readonly #socket: net.Socket
  readonly #packet: Buffer
  readonly #idAt: number
  readonly #sentAt = new Float64Array(idsMax + 1)
  readonly #onAck: (ms: number) => void
  #lastId = 0
  #expectedId = 1
  #rest: Buffer = Buffer.alloc(0)
  open = 0

  constructor(socket: net.Socket, topic: string, onAck: (ms: number) => void) {
    this.#socket = socket
    this.#onAck = onAck
    const payload = '{"temperature":21.53,"humidity":48.2,"battery":2987,"linkquality":131}'
    this.#packet = mqttPacket.generate({
      cmd: 'publish',
      topic,
      payload,
      qos: 1,
      messageId: 1,
      dup: false,
      retain: false,
    })
    this.#idAt = this.#packet.length - payload.length - 2
    socket.on('data', (chunk) => this.#read(chunk))
  }

  publish(count: number): void {
    const size = this.#packet.length
    const bytes = Buffer.allocUnsafe(count * size)
    const now = performance.now()
    for (let i = 0; i < count; i++) {
      this.#lastId = (this.#lastId % idsMax) + 1
      this.#sentAt[this.#lastId] = now
      this.#packet.copy(bytes, i * size)
      bytes.writeUInt16BE(this.#lastId, i * size + this.#idAt)
    }
    this.open += count
    this.#socket.write(bytes)
  }

  /** PUBACK of MQTT 3.1.1 is four bytes, and they come in the order of the publishes [MQTT-4.6.0-2]. */
  #read(chunk: Buffer): void {
    const bytes = this.#rest.length > 0 ? Buffer.concat([this.#rest, chunk]) : chunk
    const now = performance.now()
    let at = 0
    for (; at + 4 <= bytes.length; at += 4) {
      const id = bytes.readUInt16BE(at + 2)
      if (bytes[at] !== 0x40 || id !== this.#expectedId)
        throw new Error(`expected PUBACK ${this.#expectedId}, got ${bytes.toString('hex', at, at + 4)}`)
      this.#expectedId = (id % idsMax) + 1
      this.open--
      this.#onAck(now - (this.#sentAt[id] ?? 0))
    }
    this.#rest = bytes.subarray(at)
  }
}

async function connect(options: LoadOptions, n: number, onAck: (ms: number) => void): Promise<Publisher> {
  const socket = net.connect({ port: options.port, host: '127.0.0.1', noDelay: true })
  socket.on('close', () => {
    throw new Error(`the server closed connection ${n}`)
  })
  socket.write(
    mqttPacket.generate({
      cmd: 'connect',
      protocolId: 'MQTT',
      protocolVersion: 4,
      clean: true,
      clientId: `bench-${options.topic ?? ''}${n}`,
      keepalive: 0,
      username: options.username,
      password: Buffer.from(options.password),
    }),
  )
  const connack = await new Promise<Buffer>((resolve) => socket.once('data', resolve))
  if (connack[3] !== 0) throw new Error(`CONNACK ${connack.toString('hex')}`)
  return new Publisher(socket, `${options.topic ?? 'bench/house'}/room-${n}/climate`, onAck)
}

async function load(options: LoadOptions): Promise<LoadResult> {
  let acknowledged = 0
  let isMeasuring = false
  const latencies: number[] = []
  const onAck = (ms: number): void => {
    acknowledged++
    if (isMeasuring && options.pace > 0) latencies.push(ms)
  }
  const publishers: Publisher[] = []
  for (let n = 0; n < options.clients; n++) publishers.push(await connect(options, n, onAck))
  const stop = options.pace > 0 ? keepPace(publishers, options) : fillWindows(publishers, options.window)
  await delay(options.warmUpMs)
  isMeasuring = true
  const [from, started] = [acknowledged, performance.now()]
  await delay(options.measureMs)
  const messagesPerSecond = ((acknowledged - from) / (performance.now() - started)) * 1000
  isMeasuring = false
  stop()
  while (publishers.some(({ open }) => open > 0)) await delay(5)
  latencies.sort((a, b) => a - b)
  const percentile = (p: number): number => latencies[Math.floor((latencies.length - 1) * p)] ?? 0
  return { acknowledged, messagesPerSecond, p50Ms: percentile(0.5), p99Ms: percentile(0.99) }
}

/** What was acknowledged in one turn of the loop is replaced in one write. */
function fillWindows(publishers: readonly Publisher[], window: number): () => void {
  let isRunning = true
  const fill = (): void => {
    if (!isRunning) return
    for (const publisher of publishers)
      if (publisher.open < window) publisher.publish(window - publisher.open)
    setImmediate(fill)
  }
  fill()
  return () => {
    isRunning = false
  }
}

/** One message at a time from client after client, as many as the clock says are due. */
function keepPace(publishers: readonly Publisher[], { pace, window }: LoadOptions): () => void {
  const started = performance.now()
  let sent = 0
  const timer = setInterval(() => {
    const due = Math.floor(((performance.now() - started) * pace) / 1000)
    for (; sent < due; sent++) {
      const publisher = publishers[sent % publishers.length]
      if (publisher && publisher.open < window) publisher.publish(1)
    }
  }, 2)
  return () => clearInterval(timer)
}

const delay = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

process.stdout.write(`${JSON.stringify(await load(JSON.parse(process.argv[2] ?? '{}') as LoadOptions))}\n`)
process.exit(0)
