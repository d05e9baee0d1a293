// The MQTT face: Aedes behind its guard, capture in its publish hook, listeners in front.
// Promises: PUBACK and PUBREC leave only after the reading is durable; nothing a client sends ends the process.

import type { Authenticator } from '../auth/principal.ts'
import type { ListenerConfig } from '../config/listener.ts'
import type { Config } from '../config/schema.ts'
import type { Capture, Publish } from '../ingest/capture.ts'
import type { Log } from '../ops/log.ts'
import type { Metrics } from '../ops/metrics.ts'
import type { ReadingStore } from '../store/store.ts'
import { createMeter } from './accept.ts'
import { type Bans, createBans } from './bans.ts'
import { createBridges } from './bridges/bridges.ts'
import { createReceipts } from './capture/receipts.ts'
import { createServerPublish } from './capture/server.ts'
import type { BrokerClient } from './client.ts'
import { openEngine } from './engine.ts'
import { type ListenerInfo, listenersOf, startListeners } from './listeners/listeners.ts'
import { watchPresence } from './presence.ts'
import { openPresence } from './presenceFile.ts'
import { createRetainCheck, listenerKey } from './retainSource.ts'
import type { Sessions } from './sessions/sessions.ts'
import { stopGracefully } from './stop.ts'
import { startBrokerSys } from './sys/brokerSys.ts'
import { dismiss } from './wire/answers.ts'
import { type BrokerView, createView } from './view.ts'

export interface BrokerDependencies {
  /** The address to bind for a configured one. */
  hostOf: (host: string) => string
  auth: Authenticator
  /** Who lets clients of a listener in; without it, `auth`. */
  authOf?: (listener: ListenerConfig) => Authenticator
  capture: Capture
  store: ReadingStore
  /** Sessions and retained messages, and the way of messages to them. */
  sessions: Sessions
  /** Where it is kept who came and went; without it that ends with the process. */
  presenceFile?: string
  /** Connections for which the system has room; without it, any number. */
  socketsMax?: number
  metrics: Metrics
  log: Log
}

/** One connected client, as others may see it. */
export interface ClientInfo {
  id: string
  user: string | null
  version: number
  address: string
  /** Milliseconds since 1970. */
  connectedAt: number
}

export interface Broker {
  /** Of the first listener. */
  port: number
  address: string
  listeners: readonly ListenerInfo[]
  /** Captures a message, delivers it, and resolves with its `seq` once it is durable. */
  publish: Publish
  clients(): ClientInfo[]
  /** For those who keep the server. */
  view: BrokerView
  /** Failed logins from an address, on whichever face of the server. */
  bans: Bans
  /** Disconnects clients whose credentials no longer hold. */
  dropStale(): void
  /** Reads certificates again; a broken one keeps the old one in force, and throws. */
  reload(): void
  /** Puts limits on connections and bans of another configuration in force. */
  relimit(config: Config['mqtt']): void
  stopAccepting(): void
  /** Lets captured publishes finish and be acknowledged, tells MQTT 5 clients, closes within seconds. */
  close(): Promise<void>
}

export async function startBroker(config: Config['mqtt'], dependencies: BrokerDependencies): Promise<Broker> {
  const { auth, authOf = () => auth, capture, store, sessions, metrics, log, hostOf } = dependencies
  const { router, journal, traffic } = sessions
  const receipts = createReceipts(store)
  const inFlight = { count: 0 }
  const counted: Capture = (reading, options, done) => {
    inFlight.count++
    if (reading.source === 'mqtt') traffic.publishBytesReceived += reading.payload.length
    capture(reading, options, (error, seq) => {
      inFlight.count--
      done(error, seq)
    })
  }
  const limits = { ...config }
  const bans = createBans(limits, { log })
  const publish = createServerPublish({ capture: counted, router, journal })
  const bridges = createBridges(config.bridges, {
    accept: (stream, door) => engine.accept(stream, door),
    registry: sessions.registry,
    router,
    publish,
    queuedBytesMax: config.max_queued_bytes,
    metrics,
    log,
  })
  const mayStay = createRetainCheck(config, listenersOf(config), authOf)
  const around = { receipts, sessions, bans, mayStay, metrics, log }
  const engine = await openEngine(config, { capture: counted, ...around })
  const { aedes } = engine
  const presence = watchPresence(aedes, await openPresence(config, dependencies))
  const meter = createMeter(config, traffic)
  const listeners = await startListeners(limits, {
    bans,
    metrics,
    socketsMax: dependencies.socketsMax ?? Number.POSITIVE_INFINITY,
    log,
    hostOf,
    onStream: (stream, caller, listener) => {
      meter(stream)
      engine.accept(stream, { ...caller, auth: authOf(listener), ...termsOf(listener) })
    },
  }).catch(async (error: unknown) => {
    await engine.close()
    throw error
  })
  bridges.start()
  const sys = startBrokerSys(config, { aedes, traffic, metrics, log })
  const connected = (): BrokerClient[] => Object.values(aedes.clients)
  return {
    port: listeners.all[0]?.port ?? 0,
    address: listeners.all[0]?.address ?? '',
    listeners: listeners.all,
    publish,
    clients: () => connected().map(describe),
    view: createView({ connected, registry: sessions.registry, presence }),
    bans,
    dropStale: () => dropStale(connected()),
    reload: () => listeners.reload(),
    relimit: (changed) => void Object.assign(limits, changed),
    stopAccepting: () => listeners.stopAccepting(),
    close: async () => {
      listeners.stopAccepting()
      sys.stop()
      await bridges.stop()
      await stopGracefully({ clients: connected, pending: () => inFlight.count, log })
      await engine.close()
      await Promise.all([listeners.close(), presence.close()])
    },
  }
}

/** What is different for the clients of a listener. */
function termsOf(listener: ListenerConfig) {
  return {
    listener: listenerKey(listener),
    versions: listener.accept_protocol_versions,
    mountPoint: listener.mount_point,
    autoIdPrefix: listener.auto_id_prefix,
    mayComeWithoutId: listener.allow_zero_length_clientid,
  }
}

function dropStale(clients: readonly BrokerClient[]): void {
  for (const client of clients) {
    const { principal, auth } = client.amber
    if (principal === null || !auth.stillHolds(principal)) dismiss(client, 0x87)
  }
}

function describe(client: BrokerClient): ClientInfo {
  const { principal, remoteAddress, connectedAt } = client.amber
  return {
    id: client.id,
    user: principal?.name ?? null,
    version: client.version,
    address: remoteAddress,
    connectedAt,
  }
}
