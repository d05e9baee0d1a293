// Aedes' hook `authorizePublish`: every publish that comes by MQTT becomes a reading here, goes to its subscribers, and is
// then acknowledged. Promises: an acknowledgement leaves only after the reading is durable, and in the order of the readings
// everything stored has reached every session it is for.

import type { Principal } from '../../auth/principal.ts'
import type { Config } from '../../config/schema.ts'
import { AppError } from '../../domain/errors.ts'
import type { NewReading } from '../../domain/reading.ts'
import { printable, reservedTopicFault } from '../../domain/topic.ts'
import type { Capture } from '../../ingest/capture.ts'
import type { Log } from '../../ops/log.ts'
import type { Metrics } from '../../ops/metrics.ts'
import { isForeignBridge, isStateTopic } from '../bridges/state.ts'
import type { BrokerClient, PublishPacket } from '../client.ts'
import { expiryTime } from '../message.ts'
import type { Router } from '../delivery/router.ts'
import type { Journal } from '../sessions/journal.ts'
import { sendAcknowledgement } from '../wire/answers.ts'
import type { Receipts } from './receipts.ts'
import { readingProperties } from './properties.ts'
import { refusePublish } from './refusal.ts'

type Done = (error?: Error | null) => void

export type AuthorizePublish = (client: BrokerClient, packet: PublishPacket, done: Done) => void

export interface PublishDependencies {
  capture: Capture
  receipts: Receipts
  router: Router
  journal: Journal
  limits: Pick<Config['mqtt'], 'acknowledge_refused' | 'max_payload_size'>
  metrics: Metrics
  log: Log
}

export function createAuthorizePublish(dependencies: PublishDependencies): AuthorizePublish {
  const { capture, limits } = dependencies
  const refuse = createRefuse(dependencies)
  return (client, packet, answered) => {
    const { principal, turns, flow, mountPoint } = client.amber
    // Aliases were resolved before: what they stand for has no mount point yet.
    if (mountPoint !== '') packet.topic = mountPoint + packet.topic
    flow.messagesIn++
    flow.bytesIn += packet.payload.length
    const place = turns.begin()
    const done: Done = (error) => {
      turns.end(place)
      answered(error)
    }
    // Delivery and acknowledgement are done here, whatever the outcome: Aedes leaves such a packet alone.
    packet._notAuthorized = true
    if (isStateTopic(packet.topic) && isForeignBridge(client) && packet.qos < 2) {
      showState(dependencies, client, packet)
      done(null)
      return
    }
    const denial = denied(client, principal, packet, limits.max_payload_size)
    if (denial !== null) {
      refuse(client, packet, denial, done)
      return
    }
    const reading = asReading(client, principal, packet)
    if (packet.qos === 2) {
      captureOnce(dependencies, client, packet, reading, done)
      return
    }
    capture(reading, { awaited: packet.qos > 0 }, (error, seq) => {
      if (error) return refusePublish(client, packet, error, done)
      publish(dependencies, client, packet, reading, seq)
      whenKept(dependencies, packet, seq, () => {
        if (packet.qos === 1) {
          client.amber.unacknowledged.delete(packet.messageId ?? 0)
          sendAcknowledgement(client, 'puback', packet.messageId ?? 0)
        }
        done(null)
      })
    })
  }
}

/** What the configuration forbids: counted, and told to the sender or, where that cannot be, to whoever reads the log. */
function createRefuse({ metrics, limits: { acknowledge_refused: acknowledges }, log }: PublishDependencies) {
  const told = new WeakSet<BrokerClient>()
  return (client: BrokerClient, packet: PublishPacket, denial: AppError, done: Done): void => {
    metrics.received.inc({ source: 'mqtt' })
    metrics.rejected.inc({ source: 'mqtt', reason: denial.code })
    if (client.version !== 5 && !told.has(client)) {
      told.add(client)
      const { id, amber } = client
      log.warn(
        { client: id, user: amber.principal?.name ?? null, topic: packet.topic },
        `a publish was refused, and MQTT 3 has no word for it: ${denial.message}. Further ones of this connection are only counted`,
      )
    }
    refusePublish(client, packet, denial, done, { acknowledges })
  }
}

/** A bridge of another broker says whether it is connected: not captured, and kept until it says otherwise. */
function showState({ router }: PublishDependencies, client: BrokerClient, packet: PublishPacket): void {
  const { topic, retain, qos, messageId = 0 } = packet
  const payload = Buffer.from(packet.payload)
  router.route({ topic, payload, qos: 0, retain, properties: null, clientId: client.id, expiresAt: null })
  if (qos === 0) return
  client.amber.unacknowledged.delete(messageId)
  sendAcknowledgement(client, 'puback', messageId)
}

/** QoS 2: reading and receipt in one commit; a copy of a stored publish is acknowledged and not stored again. */
function captureOnce(
  dependencies: PublishDependencies,
  client: BrokerClient,
  packet: PublishPacket,
  reading: NewReading,
  done: Done,
): void {
  const { capture, receipts, metrics } = dependencies
  const { messageId = 0 } = packet
  const acknowledge = (): void => {
    sendAcknowledgement(client, 'pubrec', messageId)
    done(null)
  }
  const again = (): void => {
    metrics.received.inc({ source: 'mqtt' })
    metrics.deduplicated.inc({ source: 'mqtt' })
    acknowledge()
  }
  const receipt = receipts.mark(client.id, messageId)
  if (receipts.isStored(receipt)) {
    // Without DUP it is no copy of what a session that is over has left [MQTT-3.3.1-1]: a new publish with an old id.
    if (packet.dup || !client.amber.leftOver.delete(messageId)) return again()
    receipts.release(client.id, messageId, (error) => {
      if (error === null) return captureOnce(dependencies, client, packet, reading, done)
      metrics.received.inc({ source: 'mqtt' })
      metrics.rejected.inc({ source: 'mqtt', reason: error.code })
      refusePublish(client, packet, error, done)
    })
    return
  }
  const isFirst = receipts.begin(client.id, messageId, (error) => {
    if (error === null) return again()
    metrics.received.inc({ source: 'mqtt' })
    metrics.rejected.inc({ source: 'mqtt', reason: error.code })
    refusePublish(client, packet, error, done)
  })
  if (!isFirst) return
  capture(reading, { awaited: true, receipt }, (error, seq) => {
    if (error) refusePublish(client, packet, error, done)
    else {
      publish(dependencies, client, packet, reading, seq)
      whenKept(dependencies, packet, seq, acknowledge)
    }
    receipts.settle(client.id, messageId, error)
  })
}

/** To subscribers and retained messages, in the turn in which the reading became durable: so the order is that of the log. */
function publish(
  { router, journal }: PublishDependencies,
  { id, amber }: BrokerClient,
  { topic, payload, qos, retain }: PublishPacket,
  { properties, receivedAt }: NewReading,
  seq: number,
): void {
  const expiresAt = expiryTime(properties, receivedAt)
  const publisher = amber.publisher ?? undefined
  router.route(
    { topic, payload, qos, retain, properties, clientId: id, expiresAt, publisher },
    { isSlice: true },
  )
  journal.follow(seq)
}

/** What a rule has discarded is in no log to be completed from: it is acknowledged when the queues it is in are written. */
function whenKept(
  { journal }: PublishDependencies,
  { qos }: PublishPacket,
  seq: number,
  acknowledge: () => void,
): void {
  if (qos === 0 || seq > 0) acknowledge()
  else journal.cut().then(acknowledge, acknowledge)
}

function denied(
  client: BrokerClient,
  principal: Principal | null,
  { topic, payload }: PublishPacket,
  payloadBytesMax: number,
): AppError | null {
  if (payloadBytesMax > 0 && payload.length > payloadBytesMax) {
    const most = `${payloadBytesMax} are allowed (mqtt.max_payload_size)`
    return new AppError('payload_too_large', `a payload of ${payload.length} bytes; ${most}`)
  }
  const reserved = reservedTopicFault(topic)
  if (reserved !== null) return new AppError('forbidden', reserved)
  if (principal?.mayWrite(topic, client.id)) return null
  return new AppError('forbidden', `you may not publish to "${printable(topic)}"`)
}

function asReading(client: BrokerClient, principal: Principal | null, packet: PublishPacket): NewReading {
  const now = Date.now()
  const { topic, payload, qos, retain, dup, properties, userProperties } = packet
  return {
    topic,
    time: now,
    receivedAt: now,
    source: 'mqtt',
    clientId: client.id,
    user: principal?.name ?? null,
    qos,
    retain,
    dup: dup === true,
    properties: properties === undefined ? null : readingProperties(properties, userProperties),
    payload,
    fields: null,
  }
}
