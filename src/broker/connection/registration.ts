// Where connection and session meet: a client that was let in takes over its session or begins one, a client that goes
// leaves it or ends it. Stands in for what aedes@2.0.0-beta.1 does in these places:
// two connections that take over the same id at once both stay (it closes only the one it found); a resume with expiry 0
// loses what is queued; expiry is forgotten at a restart; a will's delay is sent to subscribers.

import type { Config } from '../../config/schema.ts'
import type { AedesBroker, BrokerClient, PublishPacket } from '../client.ts'
import type { Delivery } from '../delivery/delivery.ts'
import type { Link } from '../delivery/link.ts'
import type { Router } from '../delivery/router.ts'
import { endingOf } from '../presence.ts'
import type { Journal } from '../sessions/journal.ts'
import type { SessionRegistry } from '../sessions/registry.ts'
import type { Session } from '../sessions/session.ts'
import type { Traffic } from '../sys/traffic.ts'
import { dismiss } from '../wire/answers.ts'
import { sendConnack } from './connack.ts'
import type { Wills } from './wills.ts'

const takenOver = 0x8e
const sweepEveryMs = 500

export interface RegistrationDependencies {
  aedes: AedesBroker
  registry: SessionRegistry
  delivery: Delivery
  router: Router
  journal: Journal
  wills: Wills
  /** A session is over by its expiry. */
  onExpired: (clientId: string) => void
  traffic: Traffic
  limits: Config['mqtt']
}

/** Takes these steps over from Aedes; `stop` ends the reaper. */
export function registerSessions(dependencies: RegistrationDependencies): { stop(): void } {
  const { aedes, registry, wills, router, traffic, onExpired } = dependencies

  const end = (session: Session): void => {
    const entries = session.outbox.entries()
    registry.end(session)
    wills.sessionEnded(session)
    router.passOn(session, entries, { ended: true })
  }
  const leave = (client: BrokerClient): void => {
    const { amber } = client
    if (!amber.registered) return
    amber.registered = false
    aedes.connectedClients--
    if (client._disconnected) wills.forget(client)
    if (aedes.clients[client.id] === client) delete aedes.clients[client.id]
    const { session } = amber
    // A session that was taken over is another connection's.
    if (session !== null && !session.ended && aedes.clients[client.id] === undefined) {
      session.setExpiry(client.sessionExpiryInterval)
      if (registry.leave(session, Date.now()))
        router.passOn(session, session.outbox.entries(), { ended: false })
      else end(session)
    }
    aedes.emit('clientDisconnect', client)
  }

  aedes.registerClient = (client) => {
    const before = aedes.clients[client.id]
    aedes.clients[client.id] = client
    aedes.connectedClients++
    client.amber.registered = true
    begin(dependencies, client, end)
    // The last to come is kept [MQTT-3.1.4-3].
    if (before !== undefined) {
      before.amber.endReason ??= endingOf(takenOver)
      leave(before)
      dismiss(before, takenOver)
    }
    aedes.emit('client', client)
  }
  aedes.unregisterClient = leave
  aedes.scheduleSessionExpiry = () => undefined
  aedes.publishWill = (client) => wills.connectionEnded(client, 0)
  aedes.scheduleWill = (client, _will, delaySeconds) => wills.connectionEnded(client, delaySeconds)
  aedes.publish = (packet, client, done) => {
    // What Aedes tells about itself names every client; only the server's own topics pass.
    if (packet.topic.startsWith('$SYS/broker/')) routeSystem(router, packet)
    const callback = typeof client === 'function' ? (client as (error: null) => void) : done
    callback?.(null)
  }
  const timer = setInterval(() => {
    const now = Date.now()
    wills.sweep(now)
    for (const session of registry.expired(now)) {
      traffic.expired++
      end(session)
      onExpired(session.id)
    }
  }, sweepEveryMs)
  timer.unref()
  return { stop: () => clearInterval(timer) }
}

function begin(
  { aedes, registry, delivery, journal, wills, limits }: RegistrationDependencies,
  client: BrokerClient,
  end: (session: Session) => void,
): void {
  const { amber, id, sessionExpiryInterval } = client
  let session = registry.get(id)
  // One that was to end with its connection ends with the take-over of it [MQTT-3.1.2-23].
  const isOver = session !== null && (!session.isPersistent || hasEnded(session, Date.now()))
  const wasKept = session?.kept === true
  if (session !== null && (client._cleanStart || isOver)) {
    end(session)
    session = null
  }
  const isPresent = session !== null
  if (session !== null) {
    session.link = null
    registry.resume(session, sessionExpiryInterval)
    wills.sessionResumed(session)
  } else session = registry.create(id, sessionExpiryInterval)
  const begun = session
  amber.session = begun
  begun.principal = amber.principal
  wills.keep(client)
  // Aedes writes a CONNACK of its own now, which nobody is to see.
  amber.outlet.muted = true
  const open = (): void => {
    if (client.closed || begun.ended || aedes.clients[id] !== client) return
    sendConnack(client, isPresent, limits)
    delivery.attach(begun, linkTo(client, limits))
    amber.open()
  }
  if (!isPresent) {
    amber.leftOver = amber.halfOpen
    amber.halfOpen = new Set()
  }
  // A session that was ended must not come back by a kill once its client was told that it is gone [MQTT-3.2.2-2].
  if (!isPresent && wasKept) journal.cut().then(open, open)
  else open()
}

function hasEnded({ endsAt }: Session, now: number): boolean {
  return endsAt !== null && endsAt <= now
}

function linkTo(client: BrokerClient, limits: Config['mqtt']): Link {
  const { version, amber, receiveMaximum, maximumPacketSize } = client
  const ours = Math.min(limits.max_inflight_messages, 65_535)
  const aliasMax = version === 5 ? (amber.connect?.properties?.topicAliasMaximum ?? 0) : 0
  return {
    client,
    outlet: amber.outlet,
    version,
    window: version === 5 ? Math.min(receiveMaximum, ours) : ours,
    packetBytesMax: maximumPacketSize ?? Number.POSITIVE_INFINITY,
    mountPoint: amber.mountPoint,
    aliases: aliasMax > 0 ? { max: aliasMax, numbers: new Map() } : null,
    underWay: 0,
    resend: [],
    waiting: false,
    pumpsLater: false,
  }
}

function routeSystem(router: Router, { topic, payload, retain }: PublishPacket): void {
  router.route({ topic, payload, qos: 0, retain, properties: null, clientId: '', expiresAt: null })
}
