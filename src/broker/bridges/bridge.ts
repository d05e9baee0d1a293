// One bridge: connects to the other broker, again and again with growing waits, and carries messages both ways. From there a
// message is acknowledged when its reading is durable here; from here it leaves the queue when it is acknowledged there.

import { createRequire } from 'node:module'
import type { Duplex } from 'node:stream'
import type * as mqtt from 'mqtt'
import type { MqttClient } from 'mqtt'
import type { IConnackPacket, IPublishPacket, Packet } from 'mqtt-packet'
import type { BridgeConfig } from '../../config/bridge.ts'
import { AppError } from '../../domain/errors.ts'
import type { Publish } from '../../ingest/capture.ts'
import type { Log } from '../../ops/log.ts'
import type { Metrics } from '../../ops/metrics.ts'
import { createEchoes, type Echoes } from './echoes.ts'
import { attachLocal } from './local.ts'
import { createStreamPair, endLocal } from './pair.ts'
import { createExactlyOnce } from './incoming.ts'
import { createPacketIds, Outgoing, type PacketIds, windowOf } from './outgoing.ts'
import { receivedProperties } from './properties.ts'
import { endRemote, parseAddress, remoteNotification, remoteOptions, stateTopic } from './remote.ts'
import { type BridgeTopics, createBridgeTopics } from './topics.ts'

export interface BridgeDependencies {
  /** Serves the bridge's own session. */
  accept: (stream: Duplex) => void
  publish: Publish
  /** Keeps a retained message below $SYS. */
  publishSystem: (topic: string, payload: string) => void
  /** Filters a session has. */
  filtersOf: (clientId: string) => string[]
  queuedBytesMax: number
  metrics: Metrics
  log: Log
}

/** Loaded with the first bridge: it takes megabytes, and most servers have none. */
const loadClient = (): typeof mqtt => createRequire(import.meta.url)('mqtt') as typeof mqtt

/** The bridge's session here. */
export const localClientId = (name: string): string => `$bridge/${name}`

/** QoS 0 messages on their way into the store; more wait in the connection. */
const unawaitedMax = 1000
const unacceptableVersion = 1

/** The client has no option for the mark of bridges in CONNECT, and its encoder has. */
function markAsBridge(packet: Packet): void {
  if (packet.cmd === 'connect') (packet as { bridgeMode?: boolean }).bridgeMode = true
}

export class Bridge {
  readonly #config: BridgeConfig
  readonly #topics: BridgeTopics
  readonly #deps: BridgeDependencies
  #attempt = 0
  #address = 0
  #isPrivate: boolean
  #stopped = false
  #timer: NodeJS.Timeout | null = null
  #remote: MqttClient | null = null
  #local: Duplex | null = null
  #echoes: Echoes | null = null
  #outgoing: Outgoing | null = null
  readonly #once = createExactlyOnce()
  #unawaited = 0
  /** Its filters are not new any more, and their retained messages are still to be sent. */
  #hasReserved = false

  /** Throws `bad_config` for topics, addresses and files that cannot be. */
  constructor(config: BridgeConfig, dependencies: BridgeDependencies) {
    this.#config = config
    this.#deps = dependencies
    this.#topics = createBridgeTopics(config)
    this.#isPrivate = config.try_private && config.protocol_version !== '5'
    for (const address of config.addresses)
      remoteOptions(config, parseAddress(address, config), this.#isPrivate)
  }

  start(): void {
    this.#tell(false)
    this.#reserve(() => this.#connect())
  }

  /** What is to go out is queued from the first start on, also when the other side has never been there. */
  #reserve(then: () => void): void {
    const { accept, filtersOf } = this.#deps
    const clientId = localClientId(this.#config.name)
    const known = new Set(filtersOf(clientId))
    const filters = this.#topics.local.filter(({ filter, qos }) => qos > 0 && !known.has(filter))
    if (filters.length === 0) return then()
    const [near, far] = createStreamPair()
    accept(far)
    attachLocal(near, {
      clientId,
      filters,
      outdated: [],
      windowMax: 1,
      // They follow when there is somebody to carry them to.
      retained: 2,
      onMessage: () => undefined,
      onReleased: () => undefined,
      onReady: () => near.destroy(),
      onClose: () => near.destroy(),
    })
    near.once('close', () => this.#stopped || then())
    this.#hasReserved = true
  }

  async stop(): Promise<void> {
    this.#stopped = true
    if (this.#timer !== null) clearTimeout(this.#timer)
    const remote = this.#remote
    this.#remote = null
    this.#outgoing?.stop()
    if (remote === null) {
      this.#local?.destroy()
      return
    }
    const topic = remoteNotification(this.#config, this.#isPrivate)
    if (remote.connected && topic !== null) remote.publish(topic, '0', { qos: 0, retain: true })
    // What is acknowledged until then is told to the session here, or it would be sent again after the next start.
    await endRemote(remote)
    if (this.#local !== null) await endLocal(this.#local)
  }

  #connect(): void {
    const { addresses } = this.#config
    const address = addresses[this.#address % addresses.length] as string
    const { log } = this.#deps
    const ids = createPacketIds()
    let remote: MqttClient
    try {
      const { connect } = loadClient()
      const options = remoteOptions(this.#config, parseAddress(address, this.#config), this.#isPrivate)
      remote = connect({ ...options, messageIdProvider: ids })
    } catch (error) {
      // A file that was there at the start is not now.
      log.warn({ bridge: this.#config.name, err: error }, 'bridge cannot be connected')
      this.#retry()
      return
    }
    this.#remote = remote
    let reason = 'connection closed'
    if (this.#isPrivate) remote.on('packetsend', markAsBridge)
    remote.options.customHandleAcks = (_topic, _message, packet, done) => {
      void this.#receive(remote, packet, done)
    }
    remote.handleMessage = (packet, done) => void this.#receiveUnawaited(packet, done)
    remote.once('connect', (connack) => this.#onConnect(remote, connack, ids, address))
    remote.on('packetreceive', (packet) => this.#once.hear(packet))
    remote.on('error', (error) => {
      reason = error.message
      if ((error as { code?: unknown }).code === unacceptableVersion && this.#isPrivate) {
        this.#isPrivate = false
        reason = 'the other broker knows no bridges; as a plain client from now on'
      }
    })
    remote.once('close', () => {
      if (this.#remote !== remote) return
      this.#remote = null
      remote.end(true)
      log.info({ bridge: this.#config.name, address, reason }, 'bridge disconnected')
      this.#detach()
      this.#retry()
    })
    // Only now, as CONNECT is written at once.
    remote.connect()
  }

  /** Doubled from attempt to attempt, and never quite the same for two bridges. */
  #retry(): void {
    if (this.#stopped || this.#timer !== null) return
    const { reconnect_min_s: least, reconnect_max_s: most } = this.#config
    const seconds = Math.min(Math.max(most, least), least * 2 ** Math.min(this.#attempt, 20))
    this.#attempt++
    this.#address++
    this.#timer = setTimeout(
      () => {
        this.#timer = null
        this.#connect()
      },
      seconds * 1000 * (0.75 + Math.random() / 4),
    )
    this.#timer.unref()
  }

  #onConnect(remote: MqttClient, connack: IConnackPacket, ids: PacketIds, address: string): void {
    const { name, protocol_version: version } = this.#config
    const { log } = this.#deps
    log.info({ bridge: name, address }, 'bridge connected')
    if (version !== '3.1' && !connack.sessionPresent) this.#once.clear()
    this.#echoes = version !== '5' && !this.#isPrivate ? createEchoes() : null
    const begin = (): void => {
      this.#attempt = 0
      this.#address--
      this.#tell(true)
      const topic = remoteNotification(this.#config, this.#isPrivate)
      // Without a packet identifier, as those are the session's from here on.
      if (topic !== null) remote.publish(topic, '1', { qos: 0, retain: true })
      this.#attach(remote, connack, ids)
    }
    const subscriptions = Object.fromEntries(
      this.#topics.remote.map(({ filter, qos }) => {
        return [filter, version === '5' ? { qos, nl: true, rap: true } : { qos }]
      }),
    )
    if (this.#topics.remote.length === 0) {
      begin()
      return
    }
    remote.subscribe(subscriptions, (error, granted) => {
      const refused = granted?.filter(({ qos }) => qos > 2) ?? []
      if (error !== null && error !== undefined && refused.length === 0) {
        log.warn({ bridge: name, err: error }, 'bridge could not subscribe')
        remote.end(true)
        return
      }
      for (const { topic } of refused)
        log.warn({ bridge: name, topic }, 'the other broker refused a subscription')
      begin()
    })
  }

  #attach(remote: MqttClient, connack: IConnackPacket, ids: PacketIds): void {
    const { accept, filtersOf, queuedBytesMax, metrics, log } = this.#deps
    const { name, protocol_version: version } = this.#config
    const clientId = localClientId(name)
    const filters = this.#topics.local
    const wanted = new Set(filters.map(({ filter }) => filter))
    const outgoing = new Outgoing(remote, {
      config: this.#config,
      topics: this.#topics,
      ids,
      echoes: this.#echoes,
      queuedBytesMax,
      metrics,
    })
    this.#outgoing = outgoing
    const [near, far] = createStreamPair()
    this.#local = near
    accept(far)
    attachLocal(near, {
      clientId,
      filters,
      outdated: filtersOf(clientId).filter((filter) => !wanted.has(filter)),
      windowMax: windowOf(this.#topics, connack, version),
      retained: this.#hasReserved ? 0 : 1,
      onMessage: (packet, progress) => outgoing.send(packet, progress),
      onReleased: (messageId, done) => outgoing.release(messageId, done),
      onReady: () => {
        this.#hasReserved = false
        log.debug({ bridge: name }, 'bridge carries messages')
      },
      onClose: (why) => {
        if (this.#local !== near) return
        this.#local = null
        near.destroy()
        if (this.#stopped) return
        log.warn({ bridge: name }, `bridge lost its session here: ${why}`)
        remote.end(true)
      },
    })
  }

  #detach(): void {
    const local = this.#local
    this.#local = null
    local?.destroy()
    this.#tell(false)
  }

  /** From there to here, QoS 1 and 2: acknowledged when it is stored. */
  async #receive(remote: MqttClient, packet: IPublishPacket, done: (code: number) => void): Promise<void> {
    try {
      await this.#once.take(packet, () => this.#store(packet))
    } catch (error) {
      this.#deps.log.warn(
        { bridge: this.#config.name, err: error },
        'a message from the bridge was not stored',
      )
      // Not acknowledged: the other broker sends it again.
      remote.end(true)
      return
    }
    // The client answers QoS 2 from stores it no longer has after the end of its connection, and throws.
    if (remote.connected) done(0)
  }

  /** QoS 0: nobody waits for it, so many may be on their way into the store. */
  async #receiveUnawaited(packet: IPublishPacket, done: () => void): Promise<void> {
    if (packet.qos > 0) return done()
    this.#unawaited++
    const isRoom = this.#unawaited < unawaitedMax
    if (isRoom) done()
    try {
      await this.#store(packet)
    } catch (error) {
      this.#deps.log.debug({ bridge: this.#config.name, err: error }, 'a QoS 0 message was not stored')
    }
    this.#unawaited--
    if (!isRoom) done()
  }

  async #store(packet: IPublishPacket): Promise<void> {
    const { topic: remoteTopic, qos, retain, properties } = packet
    const payload = packet.payload as Buffer
    const topic = this.#topics.toLocal(remoteTopic)
    if (topic === null) return
    if (this.#echoes?.isEcho(remoteTopic, payload) === true) return
    try {
      await this.#deps.publish({
        topic,
        payload,
        qos,
        retain,
        source: 'bridge',
        user: null,
        clientId: localClientId(this.#config.name),
        properties: receivedProperties(properties),
      })
    } catch (error) {
      // What can never be stored is not asked for again and again.
      if (error instanceof AppError && (error.code === 'forbidden' || error.code === 'bad_topic')) return
      throw error
    }
  }

  /** Says here whether the bridge is connected. */
  #tell(isConnected: boolean): void {
    const { notifications, notification_topic: topic, name } = this.#config
    if (!notifications) return
    const payload = isConnected ? '1' : '0'
    const { publish, publishSystem, log } = this.#deps
    if (topic === '') {
      publishSystem(stateTopic(this.#config), payload)
      return
    }
    const clientId = localClientId(name)
    const message = { topic, payload: Buffer.from(payload), qos: 1, retain: true, source: 'bridge' } as const
    publish({ ...message, user: null, clientId, properties: null }).catch((error: unknown) => {
      log.warn({ bridge: name, err: error }, 'the state of the bridge could not be stored')
    })
  }
}
