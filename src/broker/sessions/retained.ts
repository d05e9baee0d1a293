// Retained messages in a tree of topic levels: what a filter cannot match is never looked at, so a SUBSCRIBE costs what it
// finds and not what is there.

import type { Message } from '../message.ts'

interface Node {
  message: Message | null
  /** Number of the change that put it there. */
  change: number
  children: Map<string, Node>
}

const makeNode = (): Node => ({ message: null, change: 0, children: new Map() })

export class RetainedTree {
  readonly #root = makeNode()
  #count = 0
  #bytes = 0
  #change = 0

  /** Without what the server tells about itself below $SYS. */
  get count(): number {
    return this.#count
  }

  /** Payload bytes of those. */
  get bytes(): number {
    return this.#bytes
  }

  set(message: Message): void {
    let node = this.#root
    for (const level of message.topic.split('/')) {
      let child = node.children.get(level)
      if (!child) {
        child = makeNode()
        node.children.set(level, child)
      }
      node = child
    }
    this.#tally(message.topic, node.message, message)
    node.message = message
    node.change = ++this.#change
  }

  get(topic: string): Message | null {
    let node: Node | undefined = this.#root
    for (const level of topic.split('/')) node = node?.children.get(level)
    return node?.message ?? null
  }

  delete(topic: string): void {
    const path: { parent: Node; level: string }[] = []
    let node = this.#root
    for (const level of topic.split('/')) {
      const child = node.children.get(level)
      if (!child) return
      path.push({ parent: node, level })
      node = child
    }
    this.#tally(topic, node.message, null)
    node.message = null
    for (const { parent, level } of path.reverse()) {
      const child = parent.children.get(level)
      if (!child || child.message || child.children.size > 0) break
      parent.children.delete(level)
    }
  }

  #tally(topic: string, before: Message | null, after: Message | null): void {
    if (topic.startsWith('$SYS/')) return
    this.#count += (after === null ? 0 : 1) - (before === null ? 0 : 1)
    this.#bytes += (after?.payload.length ?? 0) - (before?.payload.length ?? 0)
  }

  /** What matches, by [MQTT-4.7]: wildcards in the first level leave out topics that start with `$`. */
  *match(filter: string): Generator<Message> {
    for (const { message } of walk(this.#root, filter.split('/'), 0)) if (message) yield message
  }

  /**
   * The same while the tree changes: those that are there now, found as they are asked for. One that is replaced or removed
   * before its turn is left out; who subscribed hears of that by itself.
   */
  matchNow(filter: string): Iterator<Message> {
    const last = this.#change
    const nodes = walk(this.#root, filter.split('/'), 0)
    return (function* () {
      for (const { message, change } of nodes) if (message && change <= last) yield message
    })()
  }
}

function* walk(node: Node, levels: readonly string[], at: number): Generator<Node> {
  const level = levels[at]
  if (level === undefined) {
    if (node.message) yield node
    return
  }
  if (level === '#') {
    yield* below(node, at === 0)
    return
  }
  if (level !== '+') {
    const child = node.children.get(level)
    if (child) yield* walk(child, levels, at + 1)
    return
  }
  for (const [name, child] of node.children) {
    if (at === 0 && name.startsWith('$')) continue
    yield* walk(child, levels, at + 1)
  }
}

function* below(node: Node, isRoot: boolean): Generator<Node> {
  if (node.message) yield node
  for (const [name, child] of node.children) {
    if (isRoot && name.startsWith('$')) continue
    yield* below(child, false)
  }
}
