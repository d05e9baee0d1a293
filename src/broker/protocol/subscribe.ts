// SUBSCRIBE and UNSUBSCRIBE [MQTT-3.8, 3.10]: one reason code a filter, in the order sent. For a session that lasts, the
// answer leaves when the change is on the disk; retained messages follow it.

import {
  generate,
  type ISubscribePacket,
  type ISubscription,
  type IUnsubscribePacket,
  type Packet,
} from 'mqtt-packet'
import type { Config } from '../../config/schema.ts'
import { filterFault, hasWildcard } from '../../domain/topic.ts'
import type { Log } from '../../ops/log.ts'
import { isForeignBridge } from '../bridges/state.ts'
import type { BrokerClient } from '../client.ts'
import type { Delivery } from '../delivery/delivery.ts'
import { mountFilter } from '../mountPoint.ts'
import type { MayStay } from '../retainSource.ts'
import type { Journal } from '../sessions/journal.ts'
import type { SessionRegistry } from '../sessions/registry.ts'
import type { Session, Subscription } from '../sessions/session.ts'
import { sharedFilter } from '../sessions/subscriptions.ts'
import type { Answer } from './dispatch.ts'
import { inTurns } from './inTurns.ts'

export interface SubscribeDependencies {
  registry: SessionRegistry
  delivery: Delivery
  journal: Journal
  /** Whether a retained message may still be sent. */
  mayStay: MayStay
  limits: Config['mqtt']
  log: Log
}

const codes = {
  unspecified: 0x80,
  notAuthorized: 0x87,
  filterInvalid: 0x8f,
  quotaExceeded: 0x97,
  noSubscriptionExisted: 0x11,
} as const

interface Granted {
  subscription: Subscription
  code: number
  isNew: boolean
}

export function createSubscribe(dependencies: SubscribeDependencies): Map<string, Answer> {
  return new Map<string, Answer>([
    [
      'subscribe',
      (client, packet) => client.amber.turns.after(() => subscribe(dependencies, client, packet)),
    ],
    [
      'unsubscribe',
      (client, packet) => client.amber.turns.after(() => unsubscribe(dependencies, client, packet)),
    ],
  ])
}

async function subscribe(
  dependencies: SubscribeDependencies,
  client: BrokerClient,
  packet: Packet,
): Promise<void> {
  const { registry, journal, log } = dependencies
  const { messageId, subscriptions, properties } = packet as ISubscribePacket
  const { session, mountPoint } = client.amber
  if (session === null || isOver(client, session)) return
  const subscriptionIdentifier = properties?.subscriptionIdentifier
  const isBridge = isForeignBridge(client)
  const granted: Granted[] = []
  const add = ({ topic, qos, nl, rap, rh }: ISubscription): void => {
    const subscription: Subscription = { topic: mountFilter(mountPoint, topic), qos }
    // MQTT 3 has no options: a bridge never wants back what it sent, and retained stays retained.
    if (nl || isBridge) subscription.nl = true
    if (rap || isBridge) subscription.rap = true
    if (rh) subscription.rh = rh
    if (subscriptionIdentifier !== undefined) subscription.subscriptionIdentifier = subscriptionIdentifier
    granted.push(grant(dependencies, client, session, subscription))
  }
  const adding = inTurns(subscriptions, add, () => session.ended)
  if (adding !== undefined) await client.amber.turns.hold(adding)
  if (session.isPersistent) {
    try {
      await journal.cut({ sync: true })
    } catch (error) {
      log.warn({ err: error, client: client.id }, 'subscriptions could not be kept and are refused')
      for (const answer of granted) {
        if (answer.isNew) registry.unsubscribe(session, answer.subscription.topic)
        answer.code = codes.unspecified
      }
    }
  }
  if (isOver(client, session)) return
  const suback = {
    cmd: 'suback',
    messageId: messageId ?? 0,
    granted: granted.map(({ code }) => codeFor(client, code)),
  }
  write(client, suback as Packet)
  const retained = (answer: Granted): void => {
    if (answer.code <= 2) sendRetained(dependencies, session, answer)
  }
  await inTurns(granted, retained, () => isOver(client, session))
  dependencies.delivery.pump(session, null, Date.now())
}

/** The connection went, or the session, while this packet waited for its turn. */
function isOver({ closed }: BrokerClient, { ended }: Session): boolean {
  return closed || ended
}

/** Subscribes, or says why not. */
function grant(
  { registry, limits }: SubscribeDependencies,
  client: BrokerClient,
  session: Session,
  subscription: Subscription,
): Granted {
  const { topic, qos } = subscription
  const before = session.subscriptions.get(topic)
  const refuse = (code: number): Granted => ({ subscription, code, isNew: false })
  const share = sharedFilter(topic)
  // A share name has a character, and no wildcard [MQTT-4.8.2-1, 4.8.2-2].
  if (share !== null && (share.group === '' || share.filter === '' || hasWildcard(share.group))) {
    return refuse(codes.filterInvalid)
  }
  if (topic.split('/').length > limits.max_topic_levels) return refuse(codes.filterInvalid)
  const filter = share?.filter ?? topic
  // With a mount point in front it is another filter than the one that was checked, `a` and `#` make `a#`.
  if (client.amber.mountPoint !== '' && filterFault(filter) !== null) return refuse(codes.filterInvalid)
  // A wildcard may match something that can be read; one topic that cannot be is refused [MQTT-3.9.3].
  const isChecked = limits.refuse_unreadable_subscriptions && !hasWildcard(filter)
  if (isChecked && client.amber.principal?.mayRead(filter, client.id) === false) {
    return refuse(codes.notAuthorized)
  }
  if (before === undefined && session.subscriptions.size >= limits.max_subscriptions) {
    return refuse(codes.quotaExceeded)
  }
  registry.subscribe(session, subscription)
  return { subscription, code: qos, isNew: before === undefined }
}

/** Retained messages as retain handling asks for them [MQTT-3.3.1-9 to 3.3.1-11]; none for a shared subscription. */
function sendRetained(
  { registry, delivery, mayStay }: SubscribeDependencies,
  session: Session,
  { subscription, isNew }: Granted,
): void {
  const { topic, qos, rh = 0, subscriptionIdentifier } = subscription
  if (rh === 2 || (rh === 1 && !isNew) || sharedFilter(topic) !== null) return
  delivery.deliverRetained(session, {
    filter: topic,
    messages: registry.retainedNow(topic),
    mayStay,
    qos,
    subscriptionIds: subscriptionIdentifier === undefined ? [] : [subscriptionIdentifier],
  })
}

async function unsubscribe(
  { registry, journal }: SubscribeDependencies,
  client: BrokerClient,
  packet: Packet,
): Promise<void> {
  const { messageId, unsubscriptions } = packet as IUnsubscribePacket
  const { session, mountPoint } = client.amber
  if (session === null || isOver(client, session)) return
  const granted: number[] = []
  const remove = (topic: string): void => {
    const found = registry.unsubscribe(session, mountFilter(mountPoint, topic))
    granted.push(found ? 0 : codes.noSubscriptionExisted)
  }
  const removing = inTurns(unsubscriptions, remove, () => session.ended)
  if (removing !== undefined) await client.amber.turns.hold(removing)
  if (session.isPersistent) await journal.cut({ sync: true })
  write(client, { cmd: 'unsuback', messageId: messageId ?? 0, granted } as Packet)
}

/** MQTT 3 knows one code for everything that is refused [MQTT-3.9.3-2]. */
function codeFor({ version }: BrokerClient, code: number): number {
  return version !== 5 && code > 2 ? codes.unspecified : code
}

function write(client: BrokerClient, packet: Packet): void {
  if (client.closed || client.conn.destroyed) return
  client.amber.outlet.add(generate(packet, { protocolVersion: client.version }))
}
