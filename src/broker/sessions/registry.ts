// All sessions, subscriptions, retained messages and wills of this server, in memory. Every change that has to outlive the
// process is marked in the journal; nothing here waits for it.

import type { Config } from '../../config/schema.ts'
import type { Log } from '../../ops/log.ts'
import type { SessionCounts } from '../sys/holdings.ts'
import { isExpired, type Message } from '../message.ts'
import type { Journal, Write } from './journal.ts'
import { bytesOf, type Entry } from './outbox.ts'
import {
  entryRecord,
  forgetEntry,
  forgetLife,
  retainedRecord,
  type WillRecord,
  writeLife,
} from './records.ts'
import { RetainedTree } from './retained.ts'
import { neverExpires, Session, type Subscription } from './session.ts'
import { SubscriptionTree } from './subscriptions.ts'

/** Names the broker in the journal; one process has one. */
export const origin = 'amber'

export interface RegistryDependencies {
  journal: Journal
  limits: Config['mqtt']
  log: Log
}

/** How an entry is sent. */
export interface Terms {
  qos: 0 | 1 | 2
  retain: boolean
  subscriptionIds: readonly number[]
  share: string | null
}

export class SessionRegistry {
  readonly retained = new RetainedTree()
  readonly subscriptions = new SubscriptionTree()
  readonly #sessions = new Map<string, Session>()
  readonly #absent = new Set<Session>()
  readonly #wills = new Map<string, WillRecord>()
  readonly #journal: Journal
  readonly #limits: Config['mqtt']
  readonly #log: Log
  #order: number

  constructor({ journal, limits, log }: RegistryDependencies, firstOrder = 0) {
    this.#journal = journal
    this.#limits = limits
    this.#log = log
    this.#order = firstOrder
  }

  get(id: string): Session | null {
    return this.#sessions.get(id) ?? null
  }

  all(): Iterable<Session> {
    return this.#sessions.values()
  }

  get count(): number {
    return this.#sessions.size
  }

  /** Sessions without a connection. */
  get absentCount(): number {
    return this.#absent.size
  }

  /** A session that begins. */
  create(id: string, expirySeconds: number): Session {
    const session = new Session(id, expirySeconds)
    this.#sessions.set(id, session)
    this.touchLife(session)
    return session
  }

  /** It is over: nothing of it is left, and nothing more is sent for it. */
  end(session: Session): void {
    if (session.ended) return
    session.ended = true
    for (const topic of session.subscriptions.keys()) this.unsubscribe(session, topic)
    for (const entry of session.outbox.entries()) this.settle(entry)
    this.#absent.delete(session)
    if (this.#sessions.get(session.id) === session) this.#sessions.delete(session.id)
    this.touchLife(session)
  }

  /** The connection is gone; `false` when the session is over with it. */
  leave(session: Session, now: number): boolean {
    session.link = null
    if (session.ended || !session.isPersistent) return false
    if (this.#absent.size >= this.#limits.session_limit) {
      this.#log.warn(
        { client: session.id },
        'mqtt.session_limit is reached: the session ends with its connection',
      )
      return false
    }
    session.endsAt = session.expirySeconds >= neverExpires ? null : now + session.expirySeconds * 1000
    session.outbox.dropUnkept()
    this.#absent.add(session)
    this.touchLife(session)
    return true
  }

  /** The client is back. */
  resume(session: Session, expirySeconds: number): void {
    session.endsAt = null
    session.setExpiry(expirySeconds)
    this.#absent.delete(session)
    this.touchLife(session)
  }

  /** A session out of the journal, whose client is not there. */
  restore(id: string, expirySeconds: number, endsAt: number | null): Session {
    const session = new Session(id, expirySeconds)
    session.endsAt = endsAt
    this.#sessions.set(id, session)
    this.#absent.add(session)
    return session
  }

  /** Absent sessions whose time is over. */
  expired(now: number): Session[] {
    return [...this.#absent].filter(({ endsAt }) => endsAt !== null && endsAt <= now)
  }

  subscribe(session: Session, subscription: Subscription): void {
    this.subscriptions.add(session, subscription)
    if (session.kept) this.#touchSubscription(session, subscription.topic)
  }

  /** Whether there was such a subscription. */
  unsubscribe(session: Session, topic: string): boolean {
    const found = this.subscriptions.remove(session, topic)
    if (found && session.kept) this.#touchSubscription(session, topic)
    return found
  }

  /** An entry for what a session is owed. */
  entry(session: Session, message: Message, { qos, retain, subscriptionIds, share }: Terms): Entry {
    return {
      session,
      origin,
      order: ++this.#order,
      message,
      qos,
      retain,
      subscriptionIds,
      share,
      bytes: bytesOf(message),
      messageId: 0,
      state: 'waiting',
      underWay: false,
      gone: false,
      written: false,
    }
  }

  /** Queues for a session whatever its limits are; they are the caller's to keep. */
  enqueue(entry: Entry): void {
    entry.session.outbox.push(entry)
    this.touchEntry(entry)
  }

  /** The journal hears that an entry is new or has changed. */
  touchEntry(entry: Entry): void {
    if (entry.session.isPersistent && entry.qos > 0) this.#journal.touch(entry, captureEntry)
  }

  /** An entry is no longer owed. */
  settle(entry: Entry): void {
    entry.session.outbox.remove(entry)
    // One that was queued and settled between two cuts is never written.
    if (entry.written) this.#journal.touch(entry, captureEntry)
  }

  /** Entries out of the journal keep their place in the order. */
  restoreEntry(session: Session, entry: Entry): void {
    this.#order = Math.max(this.#order, entry.order)
    if (entry.messageId > 0) session.outbox.place(entry, entry.messageId)
    else session.outbox.push(entry)
  }

  /** Keeps the last retained message of its topic; an empty payload removes it [MQTT-3.3.1-6]. */
  retain(message: Message): void {
    if (message.payload.length === 0) this.retained.delete(message.topic)
    else this.retained.set(message)
    if (!message.topic.startsWith('$SYS/'))
      this.#journal.touch(`retained:${message.topic}`, this.#captureRetained)
  }

  /** Retained messages a filter matches; expired ones are taken away. */
  retainedFor(filter: string, now: number): Message[] {
    const found: Message[] = []
    const expired: Message[] = []
    for (const message of this.retained.match(filter))
      (isExpired(message, now) ? expired : found).push(message)
    for (const message of expired) this.expireRetained(message)
    return found
  }

  /** The same one by one, as they are asked for: those that are kept now and are not replaced before their turn. */
  retainedNow(filter: string): Iterator<Message> {
    return this.retained.matchNow(filter)
  }

  /** Takes an expired retained message away. */
  expireRetained(message: Message): void {
    if (this.retained.get(message.topic) === message) this.retain({ ...message, payload: Buffer.alloc(0) })
  }

  /** What is kept, for the counters of the server. */
  countSessions(): SessionCounts {
    const detached = { sessions: this.#absent.size, subscriptions: 0, shared: 0 }
    const queued = { count: 0, bytes: 0 }
    for (const { link, subscriptions, outbox } of this.#sessions.values()) {
      queued.count += outbox.count
      queued.bytes += outbox.bytes
      if (link !== null) continue
      detached.subscriptions += subscriptions.size
      for (const topic of subscriptions.keys()) if (topic.startsWith('$share/')) detached.shared++
    }
    return { detached, queued, retained: { count: this.retained.count, bytes: this.retained.bytes } }
  }

  putWill(id: string, will: WillRecord): void {
    this.#wills.set(id, will)
    this.#journal.touch(`will:${id}`, this.#captureWill)
  }

  /** Forgets a will, unless it is another one by now. */
  forgetWill(id: string, will: WillRecord): void {
    if (this.#wills.get(id) !== will) return
    this.#wills.delete(id)
    this.#journal.touch(`will:${id}`, this.#captureWill)
  }

  wills(): ReadonlyMap<string, WillRecord> {
    return this.#wills
  }

  touchLife(session: Session): void {
    if (session.kept) this.#journal.touch(`life:${session.id}`, this.#captureLife)
  }

  #touchSubscription({ id }: Session, topic: string): void {
    this.#journal.touch(`subscription:${id}\0${topic}`, this.#captureSubscription)
  }

  /** The session of this id, when it is one to be kept. */
  #kept(id: string): Session | null {
    const session = this.#sessions.get(id)
    return session?.isPersistent ? session : null
  }

  readonly #captureLife = (key: string): Write => {
    const id = key.slice('life:'.length)
    const session = this.#kept(id)
    if (session === null) return (_durable, staging) => forgetLife(staging, id)
    const life = { id, expirySeconds: session.expirySeconds, endsAt: session.endsAt }
    return (_durable, staging) => writeLife(staging, life)
  }

  readonly #captureSubscription = (key: string): Write => {
    const end = key.indexOf('\0')
    const id = key.slice('subscription:'.length, end)
    const topic = key.slice(end + 1)
    const subscription = this.#kept(id)?.subscriptions.get(topic)
    if (subscription === undefined) return (durable) => durable.removeSubscriptions({ id }, [topic])
    return (durable) => durable.addSubscriptions({ id }, [{ ...subscription }])
  }

  readonly #captureRetained = (key: string): Write => {
    const topic = key.slice('retained:'.length)
    const message = this.retained.get(topic)
    const record = message === null ? { topic, payload: Buffer.alloc(0) } : retainedRecord(message)
    return (durable) => durable.storeRetained(record)
  }

  readonly #captureWill = (key: string): Write => {
    const id = key.slice('will:'.length)
    const will = this.#wills.get(id)
    if (will === undefined)
      return async (durable) => {
        await durable.delWill({ id })
      }
    return (durable) => durable.putWill({ id }, { ...will })
  }
}

const nothing: Write = async () => undefined

function captureEntry(entry: Entry): Write {
  const { id } = entry.session
  if (entry.gone || entry.session.ended) {
    if (!entry.written) return nothing
    return (_durable, staging) => forgetEntry(staging, id, entry)
  }
  entry.written = true
  const record = entryRecord(entry)
  return (durable) => durable.outgoingEnqueue({ clientId: id }, record)
}
