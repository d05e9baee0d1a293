// The durable tier: what memory holds is written behind through aedes-persistence-level, the last state of each thing once,
// in the order in which things were first touched. It is never asked while a client waits for a delivery.

import { createRequire } from 'node:module'
import type { Log } from '../../ops/log.ts'
import type { PublishPacket, SubscriptionRequest } from '../client.ts'

/** The asynchronous half of aedes-persistence-level 9.2.0. */
export interface Durable {
  storeRetained(packet: PublishPacket): Promise<void>
  createRetainedStream(filter: string): AsyncIterable<PublishPacket>
  addSubscriptions(client: { id: string }, subscriptions: SubscriptionRequest[]): Promise<void>
  removeSubscriptions(client: { id: string }, filters: string[]): Promise<void>
  subscriptionsByClient(client: { id: string }): Promise<SubscriptionRequest[]>
  outgoingEnqueue(subscription: { clientId: string }, packet: PublishPacket): Promise<void>
  outgoingUpdate(client: { id: string }, packet: PublishPacket): Promise<void>
  outgoingClearMessageId(client: { id: string }, packet: { messageId: number }): Promise<unknown>
  outgoingStream(client: { id: string }): AsyncIterable<PublishPacket>
  putWill(client: { id: string }, will: PublishPacket): Promise<void>
  delWill(client: { id: string }): Promise<unknown>
  streamWill(brokers?: Record<string, unknown>): AsyncIterable<PublishPacket & { clientId: string }>
}

const require = createRequire(import.meta.url)

export function createDurable(db: object): Durable {
  const Persistence = require('aedes-persistence-level/asyncPersistence.js') as new (db: object) => Durable
  return new Persistence(db)
}

/** Writes the newest state of every touched thing, one after the other. */
export class Journal {
  readonly #dirty = new Map<string, () => Promise<unknown>>()
  readonly #log: Log
  #running: Promise<void> | null = null

  constructor({ log }: { log: Log }) {
    this.#log = log
  }

  get pending(): number {
    return this.#dirty.size
  }

  /** Has `write` run soon; a later call for the same `key` takes its place. */
  touch(key: string, write: () => Promise<unknown>): void {
    this.#dirty.set(key, write)
    this.#running ??= this.#run()
  }

  /** Resolves when everything touched so far is written. */
  async flush(): Promise<void> {
    while (this.#running) await this.#running
  }

  async #run(): Promise<void> {
    // The turn of the loop in which things are touched is left to the clients.
    await new Promise((resolve) => setImmediate(resolve))
    for (let next = this.#dirty.entries().next(); !next.done; next = this.#dirty.entries().next()) {
      const [key, write] = next.value
      this.#dirty.delete(key)
      try {
        await write()
      } catch (error) {
        this.#log.error(
          { err: error },
          'a change of an MQTT session could not be written; it is kept in memory only',
        )
      }
    }
    this.#running = null
  }
}
