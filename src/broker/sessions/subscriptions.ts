// Subscriptions of sessions, by client and in a tree of filter levels, so that a publish finds its subscribers by walking
// its own levels. Filters are filters here, wildcards and all; only QoS 1 and 2 are found by topic: QoS 0 is never queued.

import type { SubscriptionRequest } from '../client.ts'

export interface Subscriber extends SubscriptionRequest {
  clientId: string
}

interface Node {
  subscribers: Map<string, Subscriber>
  children: Map<string, Node>
}

const makeNode = (): Node => ({ subscribers: new Map(), children: new Map() })

export class SubscriptionTree {
  readonly #root = makeNode()
  readonly #byClient = new Map<string, Map<string, SubscriptionRequest>>()
  /** Subscriptions with QoS 1 and 2. */
  #queued = 0

  get clients(): number {
    return this.#byClient.size
  }

  get queued(): number {
    return this.#queued
  }

  /** Clients and how many subscriptions each has; `shared` are those that begin with $share/. */
  *sizes(): Generator<{ clientId: string; subscriptions: number; shared: number }> {
    for (const [clientId, filters] of this.#byClient) {
      let shared = 0
      for (const filter of filters.keys()) if (filter.startsWith('$share/')) shared++
      yield { clientId, subscriptions: filters.size, shared }
    }
  }

  of(clientId: string): SubscriptionRequest[] {
    return [...(this.#byClient.get(clientId)?.values() ?? [])]
  }

  clientsOf(filter: string): string[] {
    return [...this.#byClient].filter(([, filters]) => filters.has(filter)).map(([clientId]) => clientId)
  }

  add(clientId: string, subscription: SubscriptionRequest): void {
    this.remove(clientId, subscription.topic)
    const filters = this.#byClient.get(clientId) ?? new Map<string, SubscriptionRequest>()
    filters.set(subscription.topic, subscription)
    this.#byClient.set(clientId, filters)
    if (subscription.qos === 0) return
    let node = this.#root
    for (const level of subscription.topic.split('/')) {
      let child = node.children.get(level)
      if (!child) {
        child = makeNode()
        node.children.set(level, child)
      }
      node = child
    }
    node.subscribers.set(clientId, { ...subscription, clientId })
    this.#queued++
  }

  remove(clientId: string, filter: string): void {
    const filters = this.#byClient.get(clientId)
    if (!filters?.delete(filter)) return
    if (filters.size === 0) this.#byClient.delete(clientId)
    const path: { parent: Node; level: string }[] = []
    let node = this.#root
    for (const level of filter.split('/')) {
      const child = node.children.get(level)
      if (!child) return
      path.push({ parent: node, level })
      node = child
    }
    if (node.subscribers.delete(clientId)) this.#queued--
    for (const { parent, level } of path.reverse()) {
      const child = parent.children.get(level)
      if (!child || child.subscribers.size > 0 || child.children.size > 0) break
      parent.children.delete(level)
    }
  }

  /** Every subscription that matches a topic; a client is there once for each of its filters. */
  match(topic: string): Subscriber[] {
    const found: Subscriber[] = []
    collect(this.#root, topic.split('/'), 0, topic.startsWith('$'), found)
    return found
  }
}

function collect(
  node: Node,
  levels: readonly string[],
  at: number,
  reserved: boolean,
  found: Subscriber[],
): void {
  const guarded = reserved && at === 0
  if (!guarded) take(node.children.get('#'), found)
  const level = levels[at]
  if (level === undefined) {
    take(node, found)
    return
  }
  const exact = node.children.get(level)
  if (exact) collect(exact, levels, at + 1, reserved, found)
  const any = guarded ? undefined : node.children.get('+')
  if (any) collect(any, levels, at + 1, reserved, found)
}

function take(node: Node | undefined, found: Subscriber[]): void {
  if (node) found.push(...node.subscribers.values())
}
