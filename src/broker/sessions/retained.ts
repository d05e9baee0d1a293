// Retained messages in a tree of topic levels: what a filter cannot match is never looked at, so a SUBSCRIBE costs what it
// finds and not what is there.

import type { Message } from '../message.ts'

interface Node {
  message: Message | null
  children: Map<string, Node>
}

const makeNode = (): Node => ({ message: null, children: new Map() })

export class RetainedTree {
  readonly #root = makeNode()
  #count = 0
  #bytes = 0

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
    yield* walk(this.#root, filter.split('/'), 0)
  }
}

function* walk(node: Node, levels: readonly string[], at: number): Generator<Message> {
  const level = levels[at]
  if (level === undefined) {
    if (node.message) yield node.message
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

function* below(node: Node, isRoot: boolean): Generator<Message> {
  if (node.message) yield node.message
  for (const [name, child] of node.children) {
    if (isRoot && name.startsWith('$')) continue
    yield* below(child, false)
  }
}
