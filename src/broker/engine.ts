// Aedes behind its guard: the protocol engine for connections and publishes, with what Amber does itself put in the places
// where Aedes would do it. Nothing a client sends ends the process.

import type { Duplex } from 'node:stream'
import { Aedes } from 'aedes'
import type { Config } from '../config/schema.ts'
import type { Capture } from '../ingest/capture.ts'
import type { Log } from '../ops/log.ts'
import type { Metrics } from '../ops/metrics.ts'
import { type AcceptDependencies, accept, type Door } from './accept.ts'
import { createAuthenticate } from './access.ts'
import { createAssignment } from './assignedId.ts'
import type { Bans } from './bans.ts'
import { type AuthorizePublish, createAuthorizePublish } from './capture/publishes.ts'
import type { Receipts } from './capture/receipts.ts'
import type { AedesBroker, BrokerClient } from './client.ts'
import { Closing } from './closing.ts'
import { registerSessions } from './connection/registration.ts'
import { Wills } from './connection/wills.ts'
import { createSilentEmitter } from './guard/emitter.ts'
import { guardHook } from './guard/hooks.ts'
import { guardBrokerNames } from './guard/names.ts'
import { guardPersistence } from './guard/persistence.ts'
import { createAcknowledgements } from './protocol/acknowledgements.ts'
import type { Answer } from './protocol/dispatch.ts'
import { createSubscribe } from './protocol/subscribe.ts'
import { SessionPersistence } from './sessions/persistence.ts'
import type { MayStay } from './retainSource.ts'
import type { Sessions } from './sessions/sessions.ts'
import { stopGracefully } from './stop.ts'

export interface EngineDependencies {
  capture: Capture
  receipts: Receipts
  sessions: Sessions
  bans: Bans
  mayStay: MayStay
  metrics: Metrics
  log: Log
}

export interface Engine {
  aedes: AedesBroker
  /** Serves a connection. */
  accept(stream: Duplex, door: Door): void
  /** Closes all connections. */
  close(): Promise<void>
}

export async function openEngine(config: Config['mqtt'], dependencies: EngineDependencies): Promise<Engine> {
  const { receipts, sessions, capture, mayStay, metrics, log } = dependencies
  const { registry, delivery, router, journal, traffic } = sessions
  const authorizePublish = createAuthorizePublish({
    capture,
    receipts,
    router,
    journal,
    limits: config,
    metrics,
    log,
  })
  const aedes = createAedes(config, authorizePublish, dependencies)
  const wills = new Wills({ registry, router, journal, capture, metrics, log })
  const registration = registerSessions({
    aedes,
    registry,
    delivery,
    router,
    journal,
    wills,
    onExpired: (clientId) => forgetHalfOpen(receipts, clientId, log),
    traffic,
    limits: config,
  })
  aedes.on('clientDisconnect', (gone) => {
    const client = gone as unknown as BrokerClient
    // The session ended with the connection, and what it left half done with it [MQTT-4.1.0-1].
    const isOver = client.amber.session?.ended && aedes.clients[client.id] === undefined
    if (isOver && client.amber.halfOpen.size > 0) forgetHalfOpen(receipts, client.id, log)
  })
  await aedes.listen()
  wills.startOrphans()
  const answers = new Map<string, Answer>([
    ...createAcknowledgements({ delivery, receipts }),
    ...createSubscribe({ registry, delivery, journal, mayStay, limits: config, log }),
  ])
  const around: AcceptDependencies = {
    answers,
    authorizePublish,
    closing: new Closing(),
    limits: config,
    log,
  }
  return {
    aedes,
    accept: (stream, door) => accept(aedes, stream, door, around),
    close: async () => {
      await new Promise<void>((resolve) => aedes.close(() => resolve()))
      registration.stop()
      // A will whose commit is not heard of before the journal closes would be sent again by the next start.
      await stopGracefully({ clients: () => [], pending: () => wills.pending, log })
    },
  }
}

function createAedes(
  config: Config['mqtt'],
  authorizePublish: AuthorizePublish,
  { bans, receipts, sessions, log }: EngineDependencies,
): AedesBroker {
  const { journal, registry } = sessions
  const authenticate = createAuthenticate({
    log,
    limits: config,
    onLogin: ({ amber }, isIn) => bans.onLogin(amber.remoteAddress, isIn),
    onCleanStart: (client, done) => receipts.clear(client.id, done),
    onResume: (client) => {
      for (const id of receipts.openIds(client.id)) client.amber.halfOpen.add(id)
    },
  })
  const options = {
    persistence: guardPersistence(new SessionPersistence({ registry, journal })),
    mq: createSilentEmitter(),
    concurrency: 0,
    connectTimeout: config.connect_timeout_ms,
    drainTimeout: 5000,
    // The limits a client is told and held to are in connection/ and wire/.
    keepaliveLimit: 0,
    queueLimit: 100_000,
    maxClientsIdLength: 65_535,
    maxTopicLevels: config.max_topic_levels,
    topicAliasMaximum: config.max_topic_alias,
    maximumPacketSize: config.max_packet_size,
    receiveMaximum: Math.min(config.max_inflight, 65_535),
    sessionExpiryIntervalLimit: config.max_session_expiry_s,
    pendingSessionsLimit: 0,
    preConnect: guardHook(createAssignment({ prefix: config.auto_id_prefix }), { log, name: 'preConnect' }),
    authenticate: guardHook(authenticate, { log, name: 'authenticate' }),
    authorizePublish: guardHook(authorizePublish, { log, name: 'authorizePublish' }),
  }
  const aedes = new Aedes(
    options as unknown as ConstructorParameters<typeof Aedes>[0],
  ) as unknown as AedesBroker
  guardBrokerNames(aedes)
  aedes.on('clientError', (client, error) => {
    const { amber } = client as unknown as BrokerClient
    amber.endReason ??=
      error.message === 'keep alive timeout'
        ? 'its keep alive ran out'
        : `the connection broke: ${error.message}`
    log.debug({ client: client.id }, `client: ${error.message}`)
  })
  aedes.on('connectionError', (_client, error) => log.debug(`connection: ${error.message}`))
  ;(aedes as unknown as NodeJS.EventEmitter).on('error', (error: Error) =>
    log.error({ err: error }, 'broker'),
  )
  aedes.on('connackSent', (_packet, client) => {
    ;(client as unknown as BrokerClient).amber.outlet.muted = false
  })
  return aedes
}

function forgetHalfOpen(receipts: Receipts, clientId: string, log: Log): void {
  receipts.clear(clientId, (error) => {
    if (error) log.warn({ client: clientId, err: error }, 'QoS 2 marks of an ended session are still stored')
  })
}
