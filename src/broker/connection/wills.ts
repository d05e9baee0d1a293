// Wills [MQTT-3.1.2.5]: kept with the connection and in the journal, published when the connection ends without DISCONNECT,
// after their delay, when the session ends, or after a restart when the process ended with the connection.

import type { Capture } from '../../ingest/capture.ts'
import type { AppError } from '../../domain/errors.ts'
import type { NewReading } from '../../domain/reading.ts'
import { reservedTopicFault, topicFault } from '../../domain/topic.ts'
import type { Log } from '../../ops/log.ts'
import type { Metrics } from '../../ops/metrics.ts'
import { readingProperties } from '../capture/properties.ts'
import { isForeignBridge, isStateTopic } from '../bridges/state.ts'
import type { BrokerClient } from '../client.ts'
import { expiryTime } from '../message.ts'
import type { Router } from '../delivery/router.ts'
import type { Journal } from '../sessions/journal.ts'
import type { WillRecord } from '../sessions/records.ts'
import type { SessionRegistry } from '../sessions/registry.ts'
import type { Session } from '../sessions/session.ts'

export interface WillDependencies {
  registry: SessionRegistry
  router: Router
  journal: Journal
  capture: Capture
  metrics: Metrics
  log: Log
}

interface Delayed {
  will: WillRecord
  dueAt: number
}

export class Wills {
  readonly #deps: WillDependencies
  /** By client id: one session has at most one will. */
  readonly #delayed = new Map<string, Delayed>()
  #pending = 0

  constructor(dependencies: WillDependencies) {
    this.#deps = dependencies
  }

  /** Wills handed to the store and not yet answered. */
  get pending(): number {
    return this.#pending
  }

  /** The will a client brings, if it brings one. */
  keep(client: BrokerClient): void {
    const { _will: packet, amber, id } = client
    if (packet === null || packet === undefined) return
    const { payload, qos, retain, properties = {}, userProperties } = packet
    const topic = amber.mountPoint + packet.topic
    const will: WillRecord = {
      cmd: 'publish',
      topic,
      payload: Buffer.from(payload ?? ''),
      qos,
      retain,
      clientId: id,
      properties: readingProperties(properties, userProperties),
      user: amber.principal?.name ?? null,
      listener: amber.listener,
      allowed: isAllowed(client, topic),
      delaySeconds: Math.min(properties.willDelayInterval ?? 0, client.sessionExpiryInterval),
    }
    amber.will = will
    this.#deps.registry.putWill(id, will)
  }

  /** The client said goodbye [MQTT-3.1.2-10]. */
  forget({ id, amber }: BrokerClient): void {
    if (amber.will !== null) this.#deps.registry.forgetWill(id, amber.will)
    amber.will = null
  }

  /** The connection ended: now, or after the delay. */
  connectionEnded(client: BrokerClient, delaySeconds: number): void {
    const { amber, id } = client
    const { will, session } = amber
    if (will === null) return
    amber.will = null
    const isResumed =
      session !== null && !session.ended && session.link !== null && session.link.client !== client
    if (delaySeconds > 0 && isResumed) this.#deps.registry.forgetWill(id, will)
    else if (delaySeconds > 0 && session !== null && !session.ended) this.#delay(id, will, delaySeconds)
    else this.#publish(id, will)
  }

  /** The client is back within the delay: nothing is sent [MQTT-3.1.3-9]. */
  sessionResumed({ id }: Session): void {
    const delayed = this.#delayed.get(id)
    if (delayed === undefined) return
    this.#delayed.delete(id)
    this.#deps.registry.forgetWill(id, delayed.will)
  }

  /** The delay is over at the latest with the session. */
  sessionEnded({ id }: Session): void {
    const delayed = this.#delayed.get(id)
    if (delayed === undefined) return
    this.#delayed.delete(id)
    this.#publish(id, delayed.will)
  }

  /** Wills of clients that were connected, or were within a delay, when the process ended. */
  startOrphans(): void {
    for (const [id, will] of this.#deps.registry.wills()) {
      if (will.delaySeconds > 0 && this.#deps.registry.get(id) !== null)
        this.#delay(id, will, will.delaySeconds)
      else this.#publish(id, will)
    }
  }

  /** Publishes what is due. */
  sweep(now: number): void {
    for (const [id, { will, dueAt }] of this.#delayed) {
      if (dueAt > now) continue
      this.#delayed.delete(id)
      this.#publish(id, will)
    }
  }

  #delay(id: string, will: WillRecord, delaySeconds: number): void {
    this.#delayed.set(id, { will, dueAt: Date.now() + delaySeconds * 1000 })
  }

  #publish(id: string, will: WillRecord): void {
    const { registry, router, journal, capture, metrics, log } = this.#deps
    if (!will.allowed) {
      registry.forgetWill(id, will)
      metrics.received.inc({ source: 'will' })
      metrics.rejected.inc({ source: 'will', reason: 'forbidden' satisfies AppError['code'] })
      return
    }
    if (isStateTopic(will.topic)) {
      registry.forgetWill(id, will)
      const { topic, retain } = will
      const payload = Buffer.from(will.payload)
      router.route({ topic, payload, qos: 0, retain, properties: null, clientId: id, expiresAt: null })
      return
    }
    this.#pending++
    capture(readingOf(will), { awaited: true }, (error, seq) => {
      this.#pending--
      if (error) {
        log.warn({ client: id, err: error }, 'a will could not be stored; it is kept for the next start')
        return
      }
      registry.forgetWill(id, will)
      const { topic, qos, retain, properties, clientId, user, listener = null } = will
      const payload = Buffer.from(will.payload)
      router.route({
        topic,
        payload,
        qos,
        retain,
        properties,
        clientId,
        expiresAt: expiryTime(properties, Date.now()),
        publisher: { user, listener },
      })
      journal.follow(seq)
    })
  }
}

function isAllowed(client: BrokerClient, topic: string): boolean {
  const { amber, id } = client
  if (isStateTopic(topic)) return isForeignBridge(client)
  if (topicFault(topic) !== null || reservedTopicFault(topic) !== null) return false
  return amber.principal?.mayWrite(topic, id) ?? false
}

function readingOf({ topic, payload, qos, retain, properties, clientId, user }: WillRecord): NewReading {
  const now = Date.now()
  return {
    topic,
    time: now,
    receivedAt: now,
    source: 'will',
    clientId,
    user,
    qos,
    retain,
    dup: false,
    properties,
    payload,
    fields: null,
  }
}
