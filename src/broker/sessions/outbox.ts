// What one session is owed: queued publishes in order, and which of them are under way with a message id. Both look-ups are
// maps, so that draining ten thousand messages is not a walk a message.

import type { PublishPacket } from '../client.ts'

/** A queued publish, or the PUBREL that has taken its place. */
export interface Queued {
  key: string
  brokerId: string | null
  /** Place in the order of all publishes. */
  order: number
  packet: PublishPacket
  bytes: number
}

export const queueKey = (packet: { brokerId?: string | null; brokerCounter?: number }): string =>
  `${packet.brokerId ?? ''}:${packet.brokerCounter ?? 0}`

export class Outbox {
  readonly #queue = new Map<string, Queued>()
  readonly #byMessageId = new Map<number, Queued>()
  #bytes = 0

  get count(): number {
    return this.#queue.size
  }

  get bytes(): number {
    return this.#bytes
  }

  packets(): PublishPacket[] {
    return [...this.#queue.values()].map(({ packet }) => packet)
  }

  /** Queues a publish; one that is there already (for another filter of the same client) stays as it is. */
  add(packet: PublishPacket): Queued {
    const known = this.#queue.get(queueKey(packet))
    if (known) return known
    const bytes = 100 + (packet.topic?.length ?? 0) + (packet.payload?.length ?? 0)
    const { brokerId = null, brokerCounter: order = 0 } = packet
    const entry = { key: queueKey(packet), brokerId, order, packet, bytes }
    this.#queue.set(entry.key, entry)
    if (packet.messageId !== undefined) this.#byMessageId.set(packet.messageId, entry)
    this.#bytes += bytes
    return entry
  }

  /** Gives a queued publish its message id, or puts a PUBREL in the place of the publish with that id; `null`: no such. */
  update(packet: PublishPacket): Queued | null {
    const messageId = packet.messageId ?? 0
    if (packet.brokerId) {
      const entry = this.#queue.get(queueKey(packet))
      if (!entry) return null
      if (entry.packet.messageId !== undefined) this.#byMessageId.delete(entry.packet.messageId)
      entry.packet.messageId = messageId
      this.#byMessageId.set(messageId, entry)
      return entry
    }
    const entry = this.#byMessageId.get(messageId)
    if (!entry) return null
    entry.packet = { ...packet }
    return entry
  }

  /** Empties the queue; what was in it. */
  drain(): Queued[] {
    const entries = [...this.#queue.values()]
    this.#queue.clear()
    this.#byMessageId.clear()
    this.#bytes = 0
    return entries
  }

  clear(messageId: number): Queued | null {
    const entry = this.#byMessageId.get(messageId)
    if (!entry) return null
    this.#byMessageId.delete(messageId)
    this.#queue.delete(entry.key)
    this.#bytes -= entry.bytes
    return entry
  }
}
