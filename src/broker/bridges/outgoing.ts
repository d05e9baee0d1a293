// From here to the other broker. A message has there the packet identifier it has in the bridge's own session, which keeps it
// over a loss of the connection: so what is sent again is known there as the same message, and QoS 2 arrives once [MQTT-4.4.0-1].

import type { IClientPublishOptions, MqttClient } from 'mqtt'
import { generate, type IConnackPacket, type IPublishPacket, type Packet } from 'mqtt-packet'
import type { BridgeConfig } from '../../config/bridge.ts'
import type { Metrics } from '../../ops/metrics.ts'
import type { Echoes } from './echoes.ts'
import type { Progress } from './local.ts'
import { sentProperties } from './properties.ts'
import type { BridgeTopics } from './topics.ts'

/** Gives the client its packet identifiers. */
export interface PacketIds {
  /** The next one it is given. */
  use(id: number): void
  allocate(): number
  getLastAllocated(): number
  register(id: number): boolean
  deallocate(id: number): void
  clear(): void
}

/** Its own are for what comes before the first message, and is answered by then: subscriptions. */
export function createPacketIds(): PacketIds {
  let wanted: number | null = null
  let own = 0
  let last = 0
  return {
    use: (id) => {
      wanted = id
    },
    allocate: () => {
      last = wanted ?? (own = (own % 65_535) + 1)
      wanted = null
      return last
    },
    getLastAllocated: () => last,
    register: () => true,
    deallocate: () => undefined,
    clear: () => undefined,
  }
}

export interface OutgoingDependencies {
  config: BridgeConfig
  topics: BridgeTopics
  ids: PacketIds
  /** What went out, where the other side may send it back. */
  echoes: Echoes | null
  queuedBytesMax: number
  metrics: Metrics
}

const windowMax = 100
/**
 * Mosquitto takes as many QoS 2 messages at one time, says so in MQTT 5 alone, and loses what it was sent beyond them when it is
 * stopped (seen with 2.0.11).
 */
const unsaidWindowMax = 20

/** How many messages may be on their way to the other side. */
export function windowOf(topics: BridgeTopics, { properties }: IConnackPacket, version: string): number {
  if (version === '5') return Math.min(properties?.receiveMaximum ?? windowMax, windowMax)
  return topics.local.some(({ qos }) => qos === 2) ? unsaidWindowMax : windowMax
}

export class Outgoing {
  readonly #remote: MqttClient
  readonly #deps: OutgoingDependencies
  #stopped = false
  /** What to call at the PUBREC of a message. */
  readonly #received = new Map<number, () => void>()
  /** What to call at the PUBCOMP of a message of an earlier connection. */
  readonly #released = new Map<number, () => void>()

  constructor(remote: MqttClient, dependencies: OutgoingDependencies) {
    this.#remote = remote
    this.#deps = dependencies
    remote.on('packetreceive', (packet) => this.#onPacket(packet))
  }

  /** Nothing new goes out from now on, and stays in the queue; what is on its way may be acknowledged. */
  stop(): void {
    this.#stopped = true
  }

  send(packet: IPublishPacket, { received, done }: Progress): void {
    if (this.#stopped) return
    const { config, topics, ids, echoes, queuedBytesMax, metrics } = this.#deps
    const { max_packet_size: bytesMax, outgoing_retain: keepRetain, protocol_version: version } = config
    const { qos, messageId = 0 } = packet
    const payload = packet.payload as Buffer
    const topic = topics.toRemote(packet.topic)
    const isTooLarge = bytesMax > 0 && payload.length + packet.topic.length + 20 > bytesMax
    const isBehind = qos === 0 && (this.#remote.stream?.writableLength ?? 0) > queuedBytesMax
    if (topic === null || isTooLarge || isBehind) {
      if (topic !== null) metrics.dropped.inc({ reason: isTooLarge ? 'bridge_packet_size' : 'bridge_behind' })
      done()
      return
    }
    if (echoes !== null && topics.isBoth(topic)) echoes.sent(topic, payload)
    const properties = version === '5' ? sentProperties(packet.properties) : undefined
    const options: IClientPublishOptions = {
      qos,
      retain: keepRetain && packet.retain,
      dup: qos > 0 && packet.dup,
      ...(properties === undefined ? {} : { properties }),
    }
    if (qos > 0) ids.use(messageId)
    if (qos === 2) this.#received.set(messageId, received)
    this.#remote.publish(topic, payload, options, (error) => {
      this.#received.delete(messageId)
      if (error === null || error === undefined) done()
      // MQTT 5 said no, and would say it again: the next one may be wanted.
      else if (this.#remote.connected) {
        metrics.dropped.inc({ reason: 'bridge_refused' })
        done()
      }
    })
  }

  /** The other side has said in an earlier connection that it has the message: PUBREL again [MQTT-4.3.3-5]. */
  release(messageId: number, done: () => void): void {
    const protocolVersion = this.#deps.config.protocol_version === '5' ? 5 : 4
    this.#released.set(messageId, done)
    if (this.#remote.connected && !this.#stopped) {
      this.#remote.stream.write(generate({ cmd: 'pubrel', messageId }, { protocolVersion }))
    }
  }

  #onPacket(packet: Packet): void {
    const { cmd, messageId = 0 } = packet
    if (cmd === 'pubrec' && ((packet as { reasonCode?: number }).reasonCode ?? 0) < 0x80) {
      this.#received.get(messageId)?.()
    } else if (cmd === 'pubcomp') {
      const done = this.#released.get(messageId)
      this.#released.delete(messageId)
      done?.()
    }
  }
}
