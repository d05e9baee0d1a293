// The promise under kill -9: whatever was acknowledged is there by HTTP after the restart, byte for byte,
// and QoS 2 is there once. A control that captures in Aedes' `published` must fail the same check.

import net from 'node:net'
import mqttPacket from 'mqtt-packet'
import { afterEach, expect, test } from 'vitest'
import { account, type Home, makeHome, type TestServer } from './server.ts'

/** A publisher that keeps a window open, remembers what was acknowledged, and resends after a reconnect as MQTT asks. */
class Publisher {
  readonly acknowledged = new Set<number>()
  #next = 0
  #packetId = 0
  #inflight = new Map<number, number>()
  #released = new Set<number>()
  #socket: net.Socket | null = null
  #stopped = false
  readonly id: string
  readonly qos: 1 | 2
  readonly version: 4 | 5
  readonly window: number

  constructor(id: string, qos: 1 | 2, version: 4 | 5, window: number) {
    this.id = id
    this.qos = qos
    this.version = version
    this.window = window
  }

  get topic(): string {
    return `kill/${this.id}`
  }

  get open(): number {
    return this.#inflight.size + this.#released.size
  }

  stop(): void {
    this.#stopped = true
  }

  async connect(port: number): Promise<void> {
    const socket = net.connect(port, '127.0.0.1')
    this.#socket = socket
    socket.on('error', () => {})
    const parser = mqttPacket.parser({ protocolVersion: this.version })
    const connected = new Promise<void>((resolve, reject) => {
      socket.on('close', () => reject(new Error(`${this.id}: closed before CONNACK`)))
      parser.on('packet', (packet) => this.#on(packet, resolve))
    })
    socket.on('data', (chunk) => parser.parse(chunk))
    this.#send({
      cmd: 'connect',
      protocolId: 'MQTT',
      protocolVersion: this.version,
      clean: false,
      clientId: this.id,
      keepalive: 0,
      username: account.username,
      password: Buffer.from(account.password),
      ...(this.version === 5 ? { properties: { sessionExpiryInterval: 3600 } } : {}),
    })
    await connected
  }

  #on(packet: mqttPacket.Packet, connected: () => void): void {
    if (packet.cmd === 'connack') {
      for (const [messageId, n] of this.#inflight) this.#publish(messageId, n, true)
      for (const messageId of this.#released) this.#send({ cmd: 'pubrel', messageId })
      connected()
    } else if (packet.cmd === 'puback' || packet.cmd === 'pubrec') {
      const messageId = packet.messageId ?? 0
      const n = this.#inflight.get(messageId)
      if (n === undefined || (packet.reasonCode ?? 0) >= 0x80) return
      this.acknowledged.add(n)
      this.#inflight.delete(messageId)
      if (packet.cmd === 'pubrec') {
        this.#released.add(messageId)
        this.#send({ cmd: 'pubrel', messageId })
      }
    } else if (packet.cmd === 'pubcomp') this.#released.delete(packet.messageId ?? 0)
    this.#fill()
  }

  #fill(): void {
    if (this.#stopped) return
    while (this.open < this.window) {
      do this.#packetId = (this.#packetId % 65_535) + 1
      while (this.#inflight.has(this.#packetId) || this.#released.has(this.#packetId))
      this.#inflight.set(this.#packetId, this.#next)
      this.#publish(this.#packetId, this.#next++, false)
    }
  }

  #publish(messageId: number, n: number, dup: boolean): void {
    this.#send({
      cmd: 'publish',
      topic: this.topic,
      payload: `${this.id}:${n}`,
      qos: this.qos,
      messageId,
      dup,
      retain: false,
    })
  }

  #send(packet: mqttPacket.Packet): void {
    if (this.#socket?.destroyed === false) {
      this.#socket.write(mqttPacket.generate(packet, { protocolVersion: this.version }))
    }
  }
}

async function stored(server: TestServer, publisher: Publisher): Promise<Map<string, number>> {
  const seen = new Map<string, number>()
  let url: string | undefined = `/api/v1/readings?topic=${publisher.topic}&from=0&order=asc&limit=10000&raw=1`
  while (url !== undefined) {
    const response = await server.request(url)
    expect(response.status).toBe(200)
    const answer = (await response.json()) as { data: { payload: string }[]; page: { next?: string } }
    for (const { payload } of answer.data) seen.set(payload, (seen.get(payload) ?? 0) + 1)
    const cursor = answer.page.next
    url = cursor
      ? `/api/v1/readings?topic=${publisher.topic}&from=0&order=asc&limit=10000&raw=1&cursor=${encodeURIComponent(cursor)}`
      : undefined
  }
  return seen
}

interface Outcome {
  acknowledged: number
  /** Acknowledged and not stored. */
  missing: string[]
  /** QoS 2 and stored more than once. */
  twice: string[]
}

/** Kills the server `kills` times while four publishers keep their windows full, then looks for every reading. */
async function killAndCount(start: () => Promise<TestServer>, kills: number): Promise<Outcome> {
  const publishers = ([4, 5] as const).flatMap((version) => [
    new Publisher(`q1-v${version}`, 1, version, 200),
    new Publisher(`q2-v${version}`, 2, version, 100),
  ])
  const total = (): number => publishers.reduce((sum, { acknowledged }) => sum + acknowledged.size, 0)
  for (let round = 0; round < kills; round++) {
    const server = await start()
    const before = total()
    await Promise.all(publishers.map((publisher) => publisher.connect(server.mqttPort)))
    await until(() => total() > before + 500 + round * 137)
    await server.kill()
  }
  for (const publisher of publishers) publisher.stop()
  const acknowledged = publishers.map((publisher) => ({ publisher, before: new Set(publisher.acknowledged) }))
  const server = await start()
  const outcome: Outcome = { acknowledged: total(), missing: [], twice: [] }
  for (const { publisher, before } of acknowledged) {
    const seen = await stored(server, publisher)
    for (const n of before)
      if (!seen.has(`${publisher.id}:${n}`)) outcome.missing.push(`${publisher.id}:${n}`)
  }
  // What was sent and not acknowledged is finished, so that a second copy has its chance.
  await Promise.all(publishers.map((publisher) => publisher.connect(server.mqttPort)))
  await until(() => publishers.every(({ open }) => open === 0))
  for (const publisher of publishers.filter(({ qos }) => qos === 2)) {
    for (const [payload, count] of await stored(server, publisher)) if (count > 1) outcome.twice.push(payload)
  }
  return outcome
}

let home: Home | null = null
afterEach(() => home?.remove())

test('after ten kills -9 every acknowledged reading is there, and no QoS 2 reading twice', {
  timeout: 180_000,
}, async () => {
  home = makeHome()
  const { start } = home
  const outcome = await killAndCount(() => start(), 10)
  expect(outcome.missing).toEqual([])
  expect(outcome.twice).toEqual([])
  expect(outcome.acknowledged).toBeGreaterThan(5000)
})

test('a control that captures in `published`, after the acknowledgement, fails the same check', {
  timeout: 180_000,
}, async () => {
  home = makeHome()
  const { startControl } = home
  const outcome = await killAndCount(() => startControl(), 10)
  expect(outcome.missing.length).toBeGreaterThan(0)
})

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 10))
}
