// Subscriptions of all sessions in a tree of filter levels, so that a publish finds its subscribers by walking its own
// levels. Filters are filters here, wildcards and all; `$share/group/filter` is found under its filter, by group.

import type { Session, Subscription } from './session.ts'

export interface Subscriber {
  readonly session: Session
  readonly subscription: Subscription
}

/** Members of one shared subscription [MQTT-4.8.2]. */
export interface Group {
  /** As in SUBSCRIBE: `$share/name/filter`. */
  readonly name: string
  readonly members: Map<Session, Subscriber>
  /** Whose turn it is. */
  turn: number
}

/** Who gets a message: plain subscribers, once for each matching subscription, and shared subscriptions. */
export interface Matches {
  subscribers: Subscriber[]
  groups: Group[]
}

interface Node {
  subscribers: Map<Session, Subscriber>
  groups: Map<string, Group>
  children: Map<string, Node>
}

/** Topics whose subscribers are remembered. */
const knownMax = 4096

const makeNode = (): Node => ({ subscribers: new Map(), groups: new Map(), children: new Map() })

const isEmpty = ({ subscribers, groups, children }: Node): boolean =>
  subscribers.size === 0 && groups.size === 0 && children.size === 0

/** Group and filter of `$share/group/filter`, or `null` for a plain filter. */
export function sharedFilter(topic: string): { group: string; filter: string } | null {
  if (!topic.startsWith('$share/')) return null
  const slash = topic.indexOf('/', 7)
  if (slash === -1) return { group: topic.slice(7), filter: '' }
  return { group: topic.slice(7, slash), filter: topic.slice(slash + 1) }
}

export class SubscriptionTree {
  readonly #root = makeNode()
  /** What was found for topics since the last change: devices publish to the same ones again and again. */
  readonly #known = new Map<string, Matches>()
  #count = 0
  #shared = 0

  /** Subscriptions of all sessions. */
  get count(): number {
    return this.#count
  }

  /** Shared ones among them. */
  get shared(): number {
    return this.#shared
  }

  /** Adds a subscription; one of the same session to the same filter is replaced. */
  add(session: Session, subscription: Subscription): void {
    this.remove(session, subscription.topic)
    session.subscriptions.set(subscription.topic, subscription)
    this.#known.clear()
    this.#count++
    const share = sharedFilter(subscription.topic)
    const node = this.#nodeOf(share?.filter ?? subscription.topic)
    const subscriber = { session, subscription }
    if (share === null) {
      node.subscribers.set(session, subscriber)
      return
    }
    this.#shared++
    const group = node.groups.get(share.group) ?? { name: subscription.topic, members: new Map(), turn: 0 }
    node.groups.set(share.group, group)
    group.members.set(session, subscriber)
  }

  /** Whether there was one. */
  remove(session: Session, topic: string): boolean {
    if (!session.subscriptions.delete(topic)) return false
    this.#known.clear()
    this.#count--
    const share = sharedFilter(topic)
    if (share !== null) this.#shared--
    const path: { parent: Node; level: string }[] = []
    let node = this.#root
    for (const level of (share?.filter ?? topic).split('/')) {
      const child = node.children.get(level)
      if (!child) return true
      path.push({ parent: node, level })
      node = child
    }
    if (share === null) node.subscribers.delete(session)
    else {
      const group = node.groups.get(share.group)
      group?.members.delete(session)
      if (group?.members.size === 0) node.groups.delete(share.group)
    }
    for (const { parent, level } of path.reverse()) {
      const child = parent.children.get(level)
      if (!child || !isEmpty(child)) break
      parent.children.delete(level)
    }
    return true
  }

  /** The group a shared subscription belongs to, while it has members. */
  group(name: string): Group | null {
    const share = sharedFilter(name)
    if (share === null) return null
    let node: Node | undefined = this.#root
    for (const level of share.filter.split('/')) node = node?.children.get(level)
    return node?.groups.get(share.group) ?? null
  }

  /** Wildcards in the first level leave out topics that start with `$` [MQTT-4.7.2-1]. */
  match(topic: string): Readonly<Matches> {
    const known = this.#known.get(topic)
    if (known !== undefined) return known
    const found: Matches = { subscribers: [], groups: [] }
    collect(this.#root, topic.split('/'), 0, topic.startsWith('$'), found)
    if (this.#known.size >= knownMax) this.#known.clear()
    this.#known.set(topic, found)
    return found
  }

  #nodeOf(filter: string): Node {
    let node = this.#root
    for (const level of filter.split('/')) {
      let child = node.children.get(level)
      if (!child) {
        child = makeNode()
        node.children.set(level, child)
      }
      node = child
    }
    return node
  }
}

function collect(node: Node, levels: readonly string[], at: number, reserved: boolean, found: Matches): void {
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

function take(node: Node | undefined, { subscribers, groups }: Matches): void {
  if (!node) return
  for (const subscriber of node.subscribers.values()) subscribers.push(subscriber)
  for (const group of node.groups.values()) groups.push(group)
}
