// From a captured message to its subscribers: once for each session whatever number of its subscriptions match, and once
// for each shared subscription, to the member whose turn it is.

import type { Log } from '../../ops/log.ts'
import type { Message } from '../message.ts'
import type { Entry } from '../sessions/outbox.ts'
import type { SessionRegistry, Terms } from '../sessions/registry.ts'
import type { Session, Subscription } from '../sessions/session.ts'
import type { Group, Subscriber } from '../sessions/subscriptions.ts'
import type { Delivery } from './delivery.ts'
import { Forms } from './link.ts'

export interface RouterDependencies {
  registry: SessionRegistry
  delivery: Delivery
  log: Log
}

interface Target extends Terms {
  session: Session
  qos: 0 | 1 | 2
  retain: boolean
  subscriptionIds: number[]
  share: string | null
}

const noIds: number[] = []

export class Router {
  readonly #registry: SessionRegistry
  readonly #delivery: Delivery
  readonly #log: Log
  #mark = 0

  constructor({ registry, delivery, log }: RouterDependencies) {
    this.#registry = registry
    this.#delivery = delivery
    this.#log = log
  }

  /** Keeps a retained message and hands the message to everybody who subscribed. */
  route(arrived: Message, { isSlice = false }: { isSlice?: boolean } = {}): void {
    const { subscribers, groups } = this.#registry.subscriptions.match(arrived.topic)
    const isWanted = subscribers.length > 0 || groups.length > 0
    if (!isWanted && !arrived.retain) return
    // What is kept must not keep the socket's chunk alive, of which it is a slice.
    const isKept = isSlice && (arrived.qos > 0 || arrived.retain)
    const message = isKept ? { ...arrived, payload: Buffer.from(arrived.payload) } : arrived
    if (message.retain) this.#registry.retain(message)
    if (!isWanted) return
    const now = Date.now()
    const forms = new Forms(message, now)
    for (const target of this.#targets(subscribers, message)) {
      this.#deliver(target, message, forms, now)
    }
    for (const group of groups) {
      const target = memberOf(group, message, { connected: false })
      if (target !== null) this.#deliver(target, message, forms, now)
    }
  }

  /** A member of shared subscriptions is gone: what it has not got goes to others [MQTT-4.8.2-6]. */
  passOn(session: Session, entries: readonly Entry[], { ended }: { ended: boolean }): void {
    const now = Date.now()
    for (const entry of entries) {
      // A QoS 2 message that was begun with one member is finished with that one [MQTT-4.8.2-4, 4.8.2-5].
      if (entry.share === null || (entry.qos === 2 && entry.state !== 'waiting')) continue
      const group = this.#registry.subscriptions.group(entry.share)
      const target = group && memberOf(group, entry.message, { connected: !ended, without: session })
      if (!target) continue
      this.#registry.settle(entry)
      this.#deliver(target, entry.message, null, now)
    }
  }

  /** A fault with one subscriber is that one's alone: the others and the publisher go on. */
  #deliver(target: Target, message: Message, forms: Forms | null, now: number): void {
    try {
      this.#delivery.deliver(target.session, message, target, forms, now)
    } catch (error) {
      this.#log.error({ err: error, client: target.session.id }, 'a message could not be delivered')
      target.session.link?.client.conn.destroy()
    }
  }

  /** One delivery for each session: the highest QoS [MQTT-3.3.4-2] and every identifier [MQTT-3.3.4-3]. */
  #targets(subscribers: readonly Subscriber[], message: Message): Target[] {
    const mark = ++this.#mark
    const targets: Target[] = []
    for (const { session, subscription } of subscribers) {
      if (subscription.nl && message.clientId === session.id) continue
      if (session.routeMark !== mark) {
        session.routeMark = mark
        session.routeIndex = targets.length
        targets.push(targetOf(session, subscription, message, null))
        continue
      }
      merge(targets[session.routeIndex] as Target, subscription, message)
    }
    return targets
  }
}

function targetOf(
  session: Session,
  subscription: Subscription,
  message: Message,
  share: string | null,
): Target {
  const { qos, rap, subscriptionIdentifier } = subscription
  return {
    session,
    qos: qos < message.qos ? qos : message.qos,
    retain: rap === true && message.retain,
    subscriptionIds: subscriptionIdentifier === undefined ? noIds : [subscriptionIdentifier],
    share,
  }
}

function merge(target: Target, subscription: Subscription, message: Message): void {
  const { qos, rap, subscriptionIdentifier } = subscription
  if (qos > target.qos) target.qos = qos < message.qos ? qos : message.qos
  if (rap && message.retain) target.retain = true
  if (subscriptionIdentifier !== undefined && !target.subscriptionIds.includes(subscriptionIdentifier)) {
    target.subscriptionIds = [...target.subscriptionIds, subscriptionIdentifier]
  }
}

/** Who takes the next message of a shared subscription: in turn the connected ones that are not behind, else who is. */
function memberOf(
  group: Group,
  message: Message,
  { connected, without }: { connected: boolean; without?: Session },
): Target | null {
  const members = [...group.members.values()].filter(
    ({ session }) => session !== without && session.principal?.mayRead(message.topic, session.id) !== false,
  )
  let best: Subscriber | null = null
  let bestRank = 4
  for (let i = 0; i < members.length && bestRank > 0; i++) {
    const at = (group.turn + i) % members.length
    const member = members[at] as Subscriber
    const rank = rankOf(member, connected)
    if (rank < bestRank) [best, bestRank] = [member, rank]
  }
  if (best === null) return null
  group.turn = (members.indexOf(best) + 1) % members.length
  return targetOf(best.session, best.subscription, message, group.name)
}

/** 0: takes it now; 1: connected and behind; 2: keeps it; 3: would lose it; 4: not asked. */
function rankOf({ session, subscription }: Subscriber, connected: boolean): number {
  const { link, outbox } = session
  if (link !== null) return outbox.count === 0 || (!link.waiting && link.underWay < link.window) ? 0 : 1
  if (connected) return 4
  return session.isPersistent && subscription.qos > 0 ? 2 : 3
}
