// Aedes' persistence contract over the registry. Its answers are thenables that call back at once: a promise would put a
// turn between two steps of a connection.

import { Readable } from 'node:stream'
import aedesPacket from 'aedes-packet'
import type { AedesBroker, Persistence, PublishPacket, SubscriptionRequest, Thenable } from '../client.ts'
import type { SessionCounts } from '../sys/holdings.ts'
import type { Message } from '../message.ts'
import type { Journal } from './journal.ts'
import type { Entry } from './outbox.ts'
import type { SessionRegistry } from './registry.ts'
import { neverExpires, type Session } from './session.ts'

interface Client {
  id: string
}

/** A promise that has been kept already. */
export function now<T>(value: T): Thenable<T> & { finally(done: () => void): void } {
  return { then: (resolved) => resolved?.(value), finally: (done) => done() }
}

const noSuchPacket: Thenable<never> = {
  then: (_resolved, rejected) => rejected?.(new Error('no such packet')),
}

/** Typed as a plain function upstream; it is the class that Aedes makes its packets of. */
const Packet = aedesPacket as unknown as new (original: PublishPacket) => PublishPacket

export class SessionPersistence implements Persistence {
  readonly #registry: SessionRegistry
  readonly #journal: Journal
  readonly #incoming = new Map<string, Map<number, PublishPacket>>()
  readonly #wills = new Map<string, PublishPacket>()
  /** What Aedes gave, by what was made of it. */
  readonly #packets = new WeakMap<Message, PublishPacket>()
  /** The Aedes it serves, from `setup` on. */
  broker!: AedesBroker

  constructor({ registry, journal }: { registry: SessionRegistry; journal: Journal }) {
    this.#registry = registry
    this.#journal = journal
  }

  async setup(broker: unknown): Promise<void> {
    this.broker = broker as AedesBroker
  }

  storeRetained(packet: PublishPacket): Thenable<void> {
    const message = this.#messageOf(packet)
    this.#packets.set(message, { ...packet, payload: message.payload })
    this.#registry.retain(message)
    return now(undefined)
  }

  createRetainedStream(filter: string): Readable {
    return this.createRetainedStreamCombi([filter])
  }

  createRetainedStreamCombi(filters: string[]): Readable {
    const at = Date.now()
    const messages = filters.flatMap((filter) => this.#registry.retainedFor(filter, at))
    return Readable.from(messages.map((message) => this.#packetOf(message)))
  }

  addSubscriptions(client: Client, subscriptions: SubscriptionRequest[]): Promise<void> {
    const session = this.#sessionOf(client)
    for (const subscription of subscriptions) this.#registry.subscribe(session, { ...subscription })
    return this.#journal.cut()
  }

  removeSubscriptions(client: Client, filters: string[]): Promise<void> {
    const session = this.#registry.get(client.id)
    if (session) for (const filter of filters) this.#registry.unsubscribe(session, filter)
    return this.#journal.cut()
  }

  cleanSubscriptions(client: Client): Thenable<void> {
    const session = this.#registry.get(client.id)
    if (session) this.#registry.end(session)
    return now(undefined)
  }

  subscriptionsByClient(client: Client): Thenable<SubscriptionRequest[]> {
    const subscriptions = this.#registry.get(client.id)?.subscriptions.values() ?? []
    return now([...subscriptions].map((subscription) => ({ ...subscription })))
  }

  subscriptionsByTopic(topic: string): Thenable<(SubscriptionRequest & { clientId: string })[]> {
    const { subscribers } = this.#registry.subscriptions.match(topic)
    return now(
      subscribers
        .filter(({ subscription }) => subscription.qos > 0)
        .map(({ session, subscription }) => ({ ...subscription, clientId: session.id })),
    )
  }

  countOffline(): Thenable<{ subsCount: number; clientsCount: number }> {
    const subscribed = [...this.#registry.all()].filter(({ subscriptions }) => subscriptions.size > 0)
    const queued = subscribed.flatMap(({ subscriptions }) =>
      [...subscriptions.values()].filter(({ qos }) => qos > 0),
    )
    return now({ subsCount: queued.length, clientsCount: subscribed.length })
  }

  getClientList(filter: string): Readable {
    const having = [...this.#registry.all()].filter(({ subscriptions }) => subscriptions.has(filter))
    return Readable.from(having.map(({ id }) => id))
  }

  outgoingEnqueue(subscription: { clientId: string }, packet: PublishPacket): Thenable<void> {
    const session = this.#sessionOf({ id: subscription.clientId })
    const { brokerId, brokerCounter } = packet
    const terms = { qos: packet.qos, retain: packet.retain, subscriptionIds: [], share: null }
    const entry = this.#registry.entry(session, this.#messageOf(packet), terms)
    this.#packets.set(entry.message, new Packet(packet))
    const named = { ...entry, origin: brokerId ?? entry.origin, order: brokerCounter ?? entry.order }
    if (this.#find(session, packet) === null) this.#registry.enqueue(named)
    return now(undefined)
  }

  outgoingEnqueueCombi(subscriptions: { clientId: string }[], packet: PublishPacket): Thenable<void> {
    for (const subscription of subscriptions) this.outgoingEnqueue(subscription, packet)
    return now(undefined)
  }

  outgoingUpdate(client: Client, update: object): Thenable<void> {
    const packet = update as PublishPacket
    const session = this.#registry.get(client.id)
    const id = packet.messageId ?? 0
    const entry = session && (packet.brokerId ? this.#find(session, packet) : session.outbox.byId(id))
    if (!session || !entry) return noSuchPacket
    if (packet.brokerId) {
      this.#registry.settle(entry)
      const numbered: Entry = { ...entry, messageId: id, state: 'numbered', gone: false, written: false }
      // Aedes may give an id twice; the first holder then waits under none.
      if (session.outbox.byId(id) === null) session.outbox.place(numbered, id)
      else session.outbox.push(numbered)
      this.#registry.touchEntry(numbered)
    } else {
      entry.state = 'released'
      this.#packets.set(entry.message, packet)
      this.#registry.touchEntry(entry)
    }
    return now(undefined)
  }

  outgoingClearMessageId(client: Client, packet: { messageId: number }): Thenable<PublishPacket | undefined> {
    const entry = this.#registry.get(client.id)?.outbox.byId(packet.messageId)
    if (!entry) return now(undefined)
    const cleared = this.#queuedPacket(entry)
    this.#registry.settle(entry)
    return now(cleared)
  }

  outgoingStream(client: Client): Readable {
    const entries = this.#registry.get(client.id)?.outbox.entries() ?? []
    return Readable.from(entries.map((entry) => this.#queuedPacket(entry)))
  }

  incomingStorePacket(client: Client, packet: PublishPacket): Thenable<void> {
    const packets = this.#incoming.get(client.id) ?? new Map<number, PublishPacket>()
    packets.set(packet.messageId ?? 0, Object.assign(new Packet(packet), { messageId: packet.messageId }))
    this.#incoming.set(client.id, packets)
    return now(undefined)
  }

  incomingGetPacket(client: Client, packet: PublishPacket): Thenable<PublishPacket> {
    const found = this.#incoming.get(client.id)?.get(packet.messageId ?? 0)
    return found ? now(found) : noSuchPacket
  }

  incomingDelPacket(client: Client, packet: PublishPacket): Thenable<void> {
    return this.#incoming.get(client.id)?.delete(packet.messageId ?? 0) ? now(undefined) : noSuchPacket
  }

  putWill(client: Client, will: PublishPacket): Thenable<void> {
    will.brokerId = this.broker.id
    will.clientId = client.id
    this.#wills.set(client.id, will)
    return now(undefined)
  }

  getWill(client: Client): Thenable<PublishPacket | undefined> {
    return now(this.#wills.get(client.id))
  }

  delWill(client: Client): Thenable<PublishPacket | undefined> & { finally(done: () => void): void } {
    const will = this.#wills.get(client.id)
    this.#wills.delete(client.id)
    return now(will)
  }

  streamWill(brokers: Record<string, unknown> = {}): Readable {
    return Readable.from(
      [...this.#wills.values()].filter(({ brokerId }) => brokers[brokerId ?? ''] === undefined),
    )
  }

  countSessions(): SessionCounts {
    return this.#registry.countSessions()
  }

  async destroy(): Promise<void> {
    await this.#journal.close()
  }

  #sessionOf({ id }: Client): Session {
    return this.#registry.get(id) ?? this.#registry.create(id, neverExpires)
  }

  #find(session: Session, { brokerId, brokerCounter }: PublishPacket): Entry | null {
    return (
      session.outbox.entries().find(({ origin, order }) => origin === brokerId && order === brokerCounter) ??
      null
    )
  }

  #messageOf({ topic, payload, qos, retain, clientId = '' }: PublishPacket): Message {
    return {
      topic,
      // A packet is a slice of a socket's chunk: what is kept must not keep the chunk alive, nor change with it.
      payload: Buffer.from(payload ?? ''),
      qos,
      retain,
      properties: null,
      clientId,
      expiresAt: null,
    }
  }

  #packetOf(message: Message): PublishPacket {
    const given = this.#packets.get(message)
    if (given) return given
    const { topic, payload, qos, retain, clientId } = message
    return { cmd: 'publish', topic, payload, qos, retain, clientId }
  }

  #queuedPacket(entry: Entry): PublishPacket {
    const packet = this.#packetOf(entry.message)
    if (entry.state === 'released') return packet
    const messageId = entry.state === 'waiting' ? undefined : entry.messageId
    return Object.assign(new Packet(packet), { messageId })
  }
}
