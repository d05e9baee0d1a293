// Hands each session what it is owed: in order, within its windows and limits, again after a reconnect. Nobody waits for
// anybody here: what one subscriber cannot take stays in its own outbox.

import assert from 'node:assert'
import type { Config } from '../../config/schema.ts'
import type { Log } from '../../ops/log.ts'
import type { Metrics } from '../../ops/metrics.ts'
import { isExpired, type Message } from '../message.ts'
import { isMounted } from '../mountPoint.ts'
import type { Journal } from '../sessions/journal.ts'
import { bytesOf, type Cursor, type Entry } from '../sessions/outbox.ts'
import type { SessionRegistry, Terms } from '../sessions/registry.ts'
import type { Session } from '../sessions/session.ts'
import type { Traffic } from '../sys/traffic.ts'
import { dismiss, sendAcknowledgement } from '../wire/answers.ts'
import { type Forms, type Link, sendPublish } from './link.ts'

/** Above this the socket is left to drain before more is encoded for it. */
const socketBytesMax = 262_144
/** Messages that wait together for one write of the journal. */
const togetherMax = 1000
/** Retained messages that are looked at in one turn. */
const retainedOfTurn = 500
/** A full queue is looked through for expired messages this often. */
const sweepEveryMs = 1000

export interface DeliveryDependencies {
  registry: SessionRegistry
  journal: Journal
  limits: Config['mqtt']
  metrics: Metrics
  traffic: Traffic
  log: Log
}

export class Delivery {
  readonly #deps: DeliveryDependencies

  constructor(dependencies: DeliveryDependencies) {
    this.#deps = dependencies
  }

  /** Gives one session one message: now, or when its turn comes. */
  deliver(session: Session, message: Message, terms: Terms, forms: Forms | null, now: number): void {
    const { link, outbox } = session
    const { registry } = this.#deps
    if (terms.qos === 0) {
      if (link === null) return
      if (!outbox.hasRetained) {
        if (!this.#isWithheld(session, message, now)) this.#sendAtOnce(link, message, terms, forms, now)
        return
      }
      if (this.#hasRoom(session, message, now)) outbox.push(registry.entry(session, message, terms))
      return
    }
    if (!this.#hasRoom(session, message, now)) return
    registry.enqueue(registry.entry(session, message, terms))
    if (link !== null) this.pump(session, forms, now)
  }

  /** Retained messages answer a subscription as they are sent, not all at once. */
  deliverRetained(session: Session, cursor: Omit<Cursor, 'gone'>): void {
    const first = cursor.messages.next()
    if (first.done === true) return
    const messages = beginningWith(first.value, cursor.messages)
    session.outbox.pushRetained({ ...cursor, messages, gone: false })
  }

  /** A client is there: what an earlier connection left under way goes first. */
  attach(session: Session, link: Link): void {
    session.link = link
    link.resend = session.outbox.numbered().reverse()
    for (const entry of link.resend) entry.underWay = false
    link.client.conn.on('drain', () => {
      if (session.link === link) this.pump(session, null, Date.now())
    })
    this.pump(session, null, Date.now())
  }

  /** Sends as much as the windows allow. */
  pump(session: Session, forms: Forms | null, now: number): void {
    const { link, outbox } = session
    if (link === null) return
    const { retainedTaken: before } = outbox
    while (!link.waiting && session.link === link && link.outlet.queued <= socketBytesMax) {
      if (outbox.retainedTaken - before >= retainedOfTurn) return this.#pumpLater(session, link)
      const again = link.resend.at(-1)
      if (again !== undefined) {
        if (!again.gone && link.underWay >= link.window) return
        link.resend.pop()
        if (!again.gone) this.#sendAgain(link, again, now)
        continue
      }
      const next = outbox.peek()
      if (next === null || (next.qos > 0 && link.underWay >= link.window)) return
      const entry = this.#take(session, next, now)
      if (entry === null) continue
      if (entry.qos === 0) this.#sendAtOnce(link, entry.message, entry, forms, now)
      else this.#sendFirst(link, session, entry, forms, now)
    }
  }

  /** Many retained messages answer one SUBSCRIBE: others come in between. */
  #pumpLater(session: Session, link: Link): void {
    if (link.pumpsLater) return
    link.pumpsLater = true
    setImmediate(() => {
      link.pumpsLater = false
      if (session.link === link) this.pump(session, null, Date.now())
    })
  }

  /** PUBACK: one message less under way. */
  onPuback(session: Session, messageId: number): void {
    const entry = session.outbox.byId(messageId)
    if (entry?.qos === 1) this.#finish(session, entry)
  }

  /** PUBREC: PUBREL leaves once it is certain that no restart sends the message again [MQTT-4.3.3-5]. */
  onPubrec(session: Session, messageId: number, reasonCode: number): void {
    const { registry, journal, log } = this.#deps
    const { link } = session
    const entry = session.outbox.byId(messageId)
    if (link === null) return
    if (entry?.qos !== 2) {
      // Packet identifier not found [MQTT-3.6.2.1].
      if (reasonCode < 0x80) sendAcknowledgement(link.client, 'pubrel', messageId, 0x92)
      return
    }
    if (reasonCode >= 0x80) return this.#finish(session, entry)
    entry.state = 'released'
    const release = (): void => {
      if (session.link === link && !entry.gone) sendAcknowledgement(link.client, 'pubrel', messageId)
    }
    if (!session.isPersistent) return release()
    registry.touchEntry(entry)
    journal.cut().then(release, (error: unknown) => {
      log.error({ err: error, client: session.id }, 'a QoS 2 delivery goes on without its journal')
      release()
    })
  }

  onPubcomp(session: Session, messageId: number): void {
    const entry = session.outbox.byId(messageId)
    if (entry?.state === 'released') this.#finish(session, entry)
  }

  #finish(session: Session, entry: Entry): void {
    this.#deps.registry.settle(entry)
    if (session.link === null) return
    if (entry.underWay) session.link.underWay--
    this.pump(session, null, Date.now())
  }

  /** Takes the next one out of the queue; `null` when it is not for this client, or was the end of a cursor. */
  #take(session: Session, next: Entry | Cursor, now: number): Entry | null {
    const { registry } = this.#deps
    if ('message' in next) {
      if (this.#isWithheld(session, next.message, now)) {
        registry.settle(next)
        return null
      }
      session.outbox.shift(next)
      return next
    }
    const message = session.outbox.advance(next)
    if (message === null) return null
    if (isExpired(message, now)) registry.expireRetained(message)
    if (!next.mayStay(message) || this.#isWithheld(session, message, now)) return null
    const qos = message.qos < next.qos ? message.qos : next.qos
    return registry.entry(session, message, {
      qos,
      retain: true,
      subscriptionIds: next.subscriptionIds,
      share: null,
    })
  }

  #sendFirst(link: Link, session: Session, entry: Entry, forms: Forms | null, now: number): void {
    const { registry, journal, log } = this.#deps
    this.#number(link, entry)
    registry.touchEntry(entry)
    if (entry.qos === 1 || !session.isPersistent) return this.#write(link, entry, forms, false, now)
    // QoS 2: the packet id is on the disk before the message is on the wire, so that after a kill the same
    // message has the same id and the subscriber knows it [MQTT-4.3.3-3].
    const together = [entry, ...this.#takeMore(link, session, now)]
    link.waiting = true
    const send = (): void => {
      link.waiting = false
      if (session.link !== link) return
      const later = Date.now()
      for (const next of together) {
        if (next.qos === 0) this.#sendAtOnce(link, next.message, next, null, later)
        else if (!next.gone) this.#write(link, next, null, false, later)
      }
      this.pump(session, null, later)
    }
    journal.cut().then(send, (error: unknown) => {
      log.error({ err: error, client: session.id }, 'a QoS 2 delivery goes on without its journal')
      send()
    })
  }

  /** Further entries that can share one wait for the journal. */
  #takeMore(link: Link, session: Session, now: number): Entry[] {
    const more: Entry[] = []
    const { outbox } = session
    const { retainedTaken: before } = outbox
    while (link.underWay < link.window && more.length < togetherMax) {
      const next = outbox.peek()
      if (next === null || outbox.retainedTaken - before >= retainedOfTurn) break
      const entry = this.#take(session, next, now)
      if (entry === null) continue
      if (entry.qos > 0) {
        this.#number(link, entry)
        this.#deps.registry.touchEntry(entry)
      }
      more.push(entry)
    }
    return more
  }

  #number(link: Link, entry: Entry): void {
    assert(entry.session.outbox.number(entry), 'a window is smaller than the number of packet ids')
    link.underWay++
    entry.underWay = true
  }

  #sendAgain(link: Link, entry: Entry, now: number): void {
    if (entry.state !== 'released' && isHidden(entry.session, entry.message)) {
      this.#deps.registry.settle(entry)
      return
    }
    link.underWay++
    entry.underWay = true
    if (entry.state === 'released') sendAcknowledgement(link.client, 'pubrel', entry.messageId)
    else this.#write(link, entry, null, entry.state === 'sent', now)
  }

  #write(link: Link, entry: Entry, forms: Forms | null, dup: boolean, now: number): void {
    const { message, qos, retain, messageId, subscriptionIds } = entry
    entry.state = 'sent'
    if (sendPublish(link, { message, qos, retain, dup, messageId, subscriptionIds }, forms, now)) {
      this.#deps.traffic.publishBytesSent += message.payload.length
      return
    }
    this.#deps.metrics.dropped.inc({ reason: 'packet_too_large' })
    link.underWay--
    entry.underWay = false
    this.#deps.registry.settle(entry)
  }

  #sendAtOnce(
    link: Link,
    message: Message,
    { retain, subscriptionIds }: Omit<Terms, 'qos'>,
    forms: Forms | null,
    now: number,
  ): void {
    const { metrics, limits, traffic } = this.#deps
    if (link.outlet.queued > limits.max_queued_bytes) {
      metrics.dropped.inc({ reason: 'slow_subscriber' })
      return
    }
    const sending = { message, qos: 0 as const, retain, dup: false, messageId: 0, subscriptionIds }
    if (sendPublish(link, sending, forms, now)) traffic.publishBytesSent += message.payload.length
    else metrics.dropped.inc({ reason: 'packet_too_large' })
  }

  /** Not for this one: it may not read the topic or has no name for it, or the message has expired. */
  #isWithheld(session: Session, message: Message, now: number): boolean {
    if (isExpired(message, now)) {
      this.#deps.metrics.dropped.inc({ reason: 'expired' })
      return true
    }
    return isHidden(session, message) || session.principal?.mayRead(message.topic, session.id) === false
  }

  /** Whether a session takes one more; a connected one that does not read is closed. */
  #hasRoom(session: Session, message: Message, now: number): boolean {
    const { limits, metrics } = this.#deps
    const { outbox, link } = session
    const isFull = (): boolean =>
      outbox.count >= limits.max_queued_messages || outbox.bytes + bytesOf(message) > limits.max_queued_bytes
    if (!isFull()) return true
    if (now >= session.sweptAt + sweepEveryMs) {
      session.sweptAt = now
      this.#sweep(session, now)
      if (!isFull()) return true
    }
    if (link !== null && outbox.count < limits.max_queued_messages) {
      metrics.dropped.inc({ reason: 'slow_subscriber_closed' })
      dismiss(link.client, 0x97, 'you read too slowly')
      link.client.conn.destroy()
    } else metrics.dropped.inc({ reason: 'queue_full' })
    return false
  }

  /** Makes room: what has expired while it waited. */
  #sweep(session: Session, now: number): void {
    for (const entry of session.outbox.entries()) {
      if (entry.messageId > 0 || !isExpired(entry.message, now)) continue
      this.#deps.metrics.dropped.inc({ reason: 'expired' })
      this.#deps.registry.settle(entry)
    }
  }
}

function* beginningWith(first: Message, rest: Iterator<Message>): Generator<Message> {
  yield first
  for (let next = rest.next(); next.done !== true; next = rest.next()) yield next.value
}

/** A session that was begun on another listener may be owed what is outside the mount point of the one it is on now. */
function isHidden({ link }: Session, { topic }: Message): boolean {
  return link !== null && !isMounted(link.mountPoint, topic)
}
