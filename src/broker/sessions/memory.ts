// The serving tier: Aedes' persistence contract over memory. Its answers are thenables that call back at once: a promise
// would put a turn between two publishes, reorder them, and have Aedes drop the ones that came late.

import { Readable } from 'node:stream'
import aedesPacket from 'aedes-packet'
import type { Config } from '../../config/schema.ts'
import type { Metrics } from '../../ops/metrics.ts'
import type { SessionCounts } from '../sys/holdings.ts'
import type { AedesBroker, Persistence, PublishPacket, SubscriptionRequest, Thenable } from '../client.ts'
import type { Durable, Journal } from './journal.ts'
import { Outbox, type Queued } from './outbox.ts'
import { RetainedTree } from './retained.ts'
import { SubscriptionTree } from './subscriptions.ts'

interface Dependencies {
  durable: Durable
  journal: Journal
  limits: Config['mqtt']
  metrics: Metrics
  /** The least number a publish of this run may have: above those of every run before. */
  firstOrder: number
}

interface Client {
  id: string
}

/** A promise that has been kept already. */
function now<T>(value: T): Thenable<T> & { finally(done: () => void): void } {
  return { then: (resolved) => resolved?.(value), finally: (done) => done() }
}

const noSuchPacket: Thenable<never> = {
  then: (_resolved, rejected) => rejected?.(new Error('no such packet')),
}

export class SessionMemory implements Persistence {
  readonly #retained = new RetainedTree()
  readonly #subscriptions = new SubscriptionTree()
  readonly #outboxes = new Map<string, Outbox>()
  readonly #wills = new Map<string, PublishPacket>()
  readonly #incoming = new Map<string, Map<number, PublishPacket>>()
  /** Queued publishes the journal holds, by client and key: the state it was last told. */
  readonly #written = new Map<string, PublishPacket>()
  readonly #durable: Durable
  readonly #journal: Journal
  readonly #limits: Config['mqtt']
  readonly #metrics: Metrics
  #counter: number
  /** The Aedes it serves, from `setup` on. */
  broker!: AedesBroker

  constructor({ durable, journal, limits, metrics, firstOrder }: Dependencies) {
    this.#counter = firstOrder
    this.#durable = durable
    this.#journal = journal
    this.#limits = limits
    this.#metrics = metrics
  }

  /** Numbers publishes above all that are queued, so that queues keep their order over restarts. */
  async setup(broker: unknown): Promise<void> {
    this.broker = broker as AedesBroker
    this.broker.counter = this.#counter
  }

  storeRetained(packet: PublishPacket): Thenable<void> {
    const copy = { ...packet, payload: Buffer.from(packet.payload) }
    if (packet.payload.length === 0) this.#retained.delete(packet.topic)
    else this.#retained.set(copy)
    // What the server tells about itself is told anew after a start.
    if (packet.topic.startsWith('$SYS/')) return now(undefined)
    this.#journal.touch(`retained:${packet.topic}`, () => this.#durable.storeRetained(copy))
    return now(undefined)
  }

  createRetainedStream(filter: string): Readable {
    return Readable.from(this.#retained.match(filter))
  }

  createRetainedStreamCombi(filters: string[]): Readable {
    const tree = this.#retained
    return Readable.from(
      (function* matching() {
        for (const filter of filters) yield* tree.match(filter)
      })(),
    )
  }

  addSubscriptions(client: Client, subscriptions: SubscriptionRequest[]): Promise<void> {
    const plain = subscriptions.map((subscription) => ({ ...subscription }))
    for (const subscription of plain) this.#subscriptions.add(client.id, subscription)
    // SUBACK waits for the disk.
    return this.#durable.addSubscriptions({ id: client.id }, plain)
  }

  removeSubscriptions(client: Client, filters: string[]): Promise<void> {
    for (const filter of filters) this.#subscriptions.remove(client.id, filter)
    return this.#durable.removeSubscriptions({ id: client.id }, filters)
  }

  cleanSubscriptions(client: Client): Thenable<void> {
    const filters = this.#subscriptions.of(client.id).map(({ topic }) => topic)
    this.#clearOutbox(client.id)
    return filters.length === 0 ? now(undefined) : this.removeSubscriptions(client, filters)
  }

  subscriptionsByClient(client: Client): Thenable<SubscriptionRequest[]> {
    return now(this.#subscriptions.of(client.id).map((subscription) => ({ ...subscription })))
  }

  subscriptionsByTopic(topic: string): Thenable<{ clientId: string; topic: string; qos: number }[]> {
    return now(this.#subscriptions.queued === 0 ? [] : this.#subscriptions.match(topic))
  }

  countOffline(): Thenable<{ subsCount: number; clientsCount: number }> {
    return now({ subsCount: this.#subscriptions.queued, clientsCount: this.#subscriptions.clients })
  }

  getClientList(filter: string): Readable {
    return Readable.from(this.#subscriptions.clientsOf(filter))
  }

  outgoingEnqueue(subscription: { clientId: string }, packet: PublishPacket): Thenable<void> {
    this.#enqueue(subscription.clientId, packet)
    return now(undefined)
  }

  outgoingEnqueueCombi(subscriptions: { clientId: string }[], packet: PublishPacket): Thenable<void> {
    for (const { clientId } of subscriptions) this.#enqueue(clientId, packet)
    return now(undefined)
  }

  outgoingUpdate(client: Client, packet: object): Thenable<void> {
    const entry = this.#outboxes.get(client.id)?.update(packet as PublishPacket)
    if (!entry) return noSuchPacket
    this.#touch(client.id, entry)
    return now(undefined)
  }

  outgoingClearMessageId(client: Client, packet: { messageId: number }): Thenable<PublishPacket | undefined> {
    const entry = this.#outboxes.get(client.id)?.clear(packet.messageId)
    if (!entry) return now(undefined)
    this.#forget(client.id, entry)
    return now(entry.packet)
  }

  outgoingStream(client: Client): Readable {
    return Readable.from(this.#outboxes.get(client.id)?.packets() ?? [])
  }

  incomingStorePacket(client: Client, packet: PublishPacket): Thenable<void> {
    const packets = this.#incoming.get(client.id) ?? new Map<number, PublishPacket>()
    packets.set(packet.messageId ?? 0, Object.assign(copyOf(packet), { messageId: packet.messageId }))
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

  putWill(client: Client, will: PublishPacket & { clientId?: string }): Thenable<void> {
    will.brokerId = this.broker.id
    will.clientId = client.id
    this.#wills.set(client.id, will)
    const copy = { ...will }
    this.#journal.touch(`will:${client.id}`, () => this.#durable.putWill({ id: client.id }, copy))
    return now(undefined)
  }

  getWill(client: Client): Thenable<PublishPacket | undefined> {
    return now(this.#wills.get(client.id))
  }

  delWill(client: Client): Thenable<PublishPacket | undefined> & { finally(done: () => void): void } {
    const will = this.#wills.get(client.id)
    if (!will) return now(undefined)
    this.#wills.delete(client.id)
    this.#journal.touch(`will:${client.id}`, () => this.#durable.delWill({ id: client.id }))
    return now(will)
  }

  /** Wills of brokers that are gone: those left by a run that ended without a word. */
  streamWill(brokers: Record<string, unknown> = {}): Readable {
    return Readable.from(
      [...this.#wills.values()].filter(({ brokerId }) => brokers[brokerId ?? ''] === undefined),
    )
  }

  countSessions(isConnected: (clientId: string) => boolean): SessionCounts {
    const detached = { sessions: 0, subscriptions: 0, shared: 0 }
    for (const { clientId, subscriptions, shared } of this.#subscriptions.sizes()) {
      if (isConnected(clientId)) continue
      detached.sessions++
      detached.subscriptions += subscriptions
      detached.shared += shared
    }
    const queued = { count: 0, bytes: 0 }
    for (const outbox of this.#outboxes.values()) {
      queued.count += outbox.count
      queued.bytes += outbox.bytes
    }
    return { detached, queued, retained: { count: this.#retained.count, bytes: this.#retained.bytes } }
  }

  async destroy(): Promise<void> {
    await this.#journal.flush()
  }

  restoreRetained(packet: PublishPacket): void {
    this.#retained.set(whole(packet))
  }

  restoreWill(will: PublishPacket & { clientId: string }): void {
    this.#wills.set(will.clientId, whole(will))
  }

  async restoreSession(id: string, durable: Durable): Promise<void> {
    for (const subscription of await durable.subscriptionsByClient({ id }))
      this.#subscriptions.add(id, subscription)
    const packets: PublishPacket[] = []
    for await (const packet of durable.outgoingStream({ id })) packets.push(whole(packet))
    packets.sort((a, b) => (a.brokerCounter ?? 0) - (b.brokerCounter ?? 0))
    const outbox = this.#outboxOf(id)
    for (const packet of packets) {
      const entry = outbox.add(packet)
      this.#counter = Math.max(this.#counter, entry.order)
      this.#written.set(`${id}\0${entry.key}`, { ...packet })
    }
  }

  #outboxOf(id: string): Outbox {
    const outbox = this.#outboxes.get(id) ?? new Outbox()
    this.#outboxes.set(id, outbox)
    return outbox
  }

  #enqueue(clientId: string, packet: PublishPacket): void {
    const outbox = this.#outboxOf(clientId)
    const { max_queued_messages: countMax, max_queued_bytes: bytesMax } = this.#limits
    if (outbox.count >= countMax || outbox.bytes + packet.payload.length > bytesMax) {
      this.#metrics.dropped.inc({ reason: 'queue_full' })
      return
    }
    this.#touch(clientId, outbox.add(copyOf(packet)))
  }

  #touch(clientId: string, entry: Queued): void {
    const key = `${clientId}\0${entry.key}`
    this.#journal.touch(`queue:${key}`, async () => {
      const packet = { ...entry.packet, brokerId: entry.brokerId, brokerCounter: entry.order }
      const before = this.#written.get(key)
      this.#written.set(key, packet)
      if (!before) await this.#durable.outgoingEnqueue({ clientId }, packet)
      if (packet.messageId !== undefined) await this.#durable.outgoingUpdate({ id: clientId }, packet)
    })
  }

  #forget(clientId: string, entry: Queued): void {
    const key = `${clientId}\0${entry.key}`
    this.#journal.touch(`queue:${key}`, async () => {
      const before = this.#written.get(key)
      if (!before) return
      this.#written.delete(key)
      // Its journal finds a publish only by message id; one that never had any is given one first.
      const messageId = before.messageId ?? idBeyondWire
      if (before.messageId === undefined)
        await this.#durable.outgoingUpdate({ id: clientId }, { ...before, messageId })
      await this.#durable.outgoingClearMessageId({ id: clientId }, { messageId })
    })
  }

  #clearOutbox(clientId: string): void {
    for (const entry of this.#outboxes.get(clientId)?.drain() ?? []) this.#forget(clientId, entry)
    this.#outboxes.delete(clientId)
  }
}

/** Typed as a plain function upstream; it is the class that Aedes makes its packets of. */
const Packet = aedesPacket as unknown as new (original: PublishPacket) => PublishPacket

/** The fields of a packet that last; its message id belongs to one delivery. */
function copyOf(packet: PublishPacket): PublishPacket {
  const copy = new Packet(packet)
  // A packet is a slice of a socket's chunk: what is kept must not keep the chunk alive, nor change with it.
  if (Buffer.isBuffer(packet.payload)) copy.payload = Buffer.from(packet.payload)
  return copy
}

/** No packet on the wire has this message id. */
const idBeyondWire = 65_536

/** Payloads come back from the journal as plain bytes. */
function whole<T extends PublishPacket>(packet: T): T {
  return { ...packet, payload: Buffer.from(packet.payload) }
}
