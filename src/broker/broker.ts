// The MQTT face: Aedes behind its guard, capture in its publish hook, listeners in front.
// Promises: PUBACK and PUBREC leave only after the reading is durable; nothing a client sends ends the process.

import { Aedes } from 'aedes'
import type { Authenticator } from '../auth/principal.ts'
import type { ListenerConfig } from '../config/listener.ts'
import type { Config } from '../config/schema.ts'
import type { Capture, Publish } from '../ingest/capture.ts'
import type { Log } from '../ops/log.ts'
import type { Metrics } from '../ops/metrics.ts'
import type { ReadingStore } from '../store/store.ts'
import { accept, createMeter } from './accept.ts'
import { type Access, createAccess } from './access.ts'
import { createAuthorizePublish } from './capture/publishes.ts'
import { createReceipts, type Receipts } from './capture/receipts.ts'
import { createRelease } from './capture/release.ts'
import { createServerPublish } from './capture/server.ts'
import { createBans } from './bans.ts'
import type { AedesBroker, BrokerClient, Persistence } from './client.ts'
import { guardFilter, guardHook } from './guard/hooks.ts'
import { guardIncoming } from './guard/incoming.ts'
import { guardBrokerNames } from './guard/names.ts'
import { guardOutgoing } from './guard/outgoing.ts'
import { guardTakeover } from './guard/takeover.ts'
import { guardWills } from './guard/wills.ts'
import { type ListenerInfo, startListeners } from './listeners/listeners.ts'
import { stopGracefully } from './stop.ts'
import { startBrokerSys } from './sys/brokerSys.ts'
import { createTraffic } from './sys/traffic.ts'
import type { GateDependencies } from './wire/gate.ts'

export interface BrokerDependencies {
  /** The address to bind for a configured one. */
  hostOf: (host: string) => string
  auth: Authenticator
  /** Who lets clients of a listener in; without it, `auth`. */
  authOf?: (listener: ListenerConfig) => Authenticator
  capture: Capture
  store: ReadingStore
  /** Sessions and retained messages: an Aedes persistence that answers at once. */
  sessions: object
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
  /** Disconnects clients whose credentials no longer hold. */
  dropStale(): void
  /** Reads certificates again; a broken one keeps the old one in force, and throws. */
  reload(): void
  stopAccepting(): void
  /** Lets captured publishes finish and be acknowledged, tells MQTT 5 clients, closes within seconds. */
  close(): Promise<void>
}

export async function startBroker(config: Config['mqtt'], dependencies: BrokerDependencies): Promise<Broker> {
  const { auth, authOf = () => auth, capture, store, metrics, log, hostOf } = dependencies
  const persistence = dependencies.sessions as Persistence
  const receipts = createReceipts(store)
  const inFlight = { count: 0 }
  const traffic = createTraffic()
  guardIncoming(persistence)
  guardOutgoing(persistence)
  const counted: Capture = (reading, options, done) => {
    inFlight.count++
    if (reading.source === 'mqtt') traffic.publishBytesReceived += reading.payload.length
    capture(reading, options, (error, seq) => {
      inFlight.count--
      done(error, seq)
    })
  }
  const bans = createBans(config, { log })
  const access = createAccess({
    onLogin: ({ amber }, isIn) => bans.onLogin(amber.remoteAddress, isIn),
    metrics,
    log,
    traffic,
    queuedBytesMax: config.max_queued_bytes,
    onCleanStart: (client, done) => receipts.clear(client.id, done),
    onResume: (client) => {
      for (const id of receipts.openIds(client.id)) client.amber.halfOpen.add(id)
    },
  })
  const aedes = await openAedes(config, { ...dependencies, access, receipts, persistence, capture: counted })
  const gate = createGate(config, { log, receipts })
  const meter = createMeter(config, traffic)
  const listeners = await startListeners(config, {
    bans,
    metrics,
    log,
    hostOf,
    onStream: (stream, caller, listener) => {
      meter(stream)
      accept(aedes, stream, { ...caller, auth: authOf(listener) }, gate)
    },
  }).catch(async (error: unknown) => {
    await closeAedes(aedes)
    throw error
  })
  const sys = startBrokerSys(config, { aedes, traffic, metrics, log })
  const connected = (): BrokerClient[] => Object.values(aedes.clients)
  return {
    port: listeners.all[0]?.port ?? 0,
    address: listeners.all[0]?.address ?? '',
    listeners: listeners.all,
    publish: createServerPublish({ capture: counted, aedes }),
    clients: () => connected().map(describe),
    dropStale: () => dropStale(connected()),
    reload: () => listeners.reload(),
    stopAccepting: () => listeners.stopAccepting(),
    close: async () => {
      listeners.stopAccepting()
      sys.stop()
      await stopGracefully({ clients: connected, pending: () => inFlight.count, log })
      await closeAedes(aedes)
      await listeners.close()
    },
  }
}

function createGate(
  config: Config['mqtt'],
  { log, receipts }: { log: Log; receipts: Receipts },
): GateDependencies {
  return {
    log,
    packetBytesMax: config.max_packet_size,
    onRelease: createRelease({ receipts }),
    mayOpen: ({ amber: { halfOpen } }, id) => {
      if (!halfOpen.has(id) && halfOpen.size >= config.max_inflight) return false
      halfOpen.add(id)
      return true
    },
  }
}

interface AedesDependencies extends BrokerDependencies {
  access: Access
  receipts: Receipts
  persistence: Persistence
}

async function openAedes(config: Config['mqtt'], dependencies: AedesDependencies): Promise<AedesBroker> {
  const { access, receipts, persistence, capture, metrics, log } = dependencies
  const options = {
    persistence,
    concurrency: 0,
    connectTimeout: config.connect_timeout_ms,
    drainTimeout: 5000,
    keepaliveLimit: config.max_keepalive_s,
    // What a client may send ahead of CONNACK is one chunk of its socket, so it is bounded there.
    queueLimit: 100_000,
    maxClientsIdLength: 65_535,
    maxTopicLevels: config.max_topic_levels,
    topicAliasMaximum: config.max_topic_alias,
    maximumPacketSize: config.max_packet_size,
    receiveMaximum: Math.min(config.max_inflight, 65_535),
    sessionExpiryIntervalLimit: config.max_session_expiry_s,
    pendingSessionsLimit: config.session_limit,
    authenticate: guardHook(access.authenticate, { log, name: 'authenticate' }),
    authorizePublish: guardHook(createAuthorizePublish({ capture, receipts, metrics }), {
      log,
      name: 'authorizePublish',
    }),
    authorizeSubscribe: guardHook(access.authorizeSubscribe, { log, name: 'authorizeSubscribe' }),
    authorizeForward: guardFilter(access.authorizeForward, { log, name: 'authorizeForward' }),
  }
  const aedes = new Aedes(
    options as unknown as ConstructorParameters<typeof Aedes>[0],
  ) as unknown as AedesBroker
  guardBrokerNames(aedes)
  guardWills(aedes)
  guardTakeover(aedes)
  aedes.on('clientError', (client, error) => log.debug({ client: client.id }, `client: ${error.message}`))
  aedes.on('connectionError', (_client, error) => log.debug(`connection: ${error.message}`))
  ;(aedes as unknown as NodeJS.EventEmitter).on('error', (error: Error) =>
    log.error({ err: error }, 'broker'),
  )
  aedes.on('clientDisconnect', (gone) => {
    const client = gone as unknown as BrokerClient
    // The session ended with the connection, and what it left half done with it [MQTT-4.1.0-1].
    if (client.clean && aedes.clients[client.id] === undefined) forgetHalfOpen(receipts, client, log)
  })
  await aedes.listen()
  return aedes
}

function dropStale(clients: readonly BrokerClient[]): void {
  for (const client of clients) {
    const { principal, auth } = client.amber
    if (principal === null || !auth.stillHolds(principal)) client.disconnect({ reasonCode: 0x87 })
  }
}

function forgetHalfOpen(receipts: Receipts, client: BrokerClient, log: Log): void {
  if (client.amber.halfOpen.size === 0) return
  receipts.clear(client.id, (error) => {
    if (error) log.warn({ client: client.id, err: error }, 'QoS 2 marks of an ended session are still stored')
  })
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

function closeAedes(aedes: AedesBroker): Promise<void> {
  return new Promise((resolve) => aedes.close(() => resolve()))
}
