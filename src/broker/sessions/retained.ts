// Retained messages in a tree of topic levels: what a filter cannot match is never looked at, so a SUBSCRIBE costs what it
// finds and not what is there.

import type { PublishPacket } from '../client.ts'

interface Node {
  packet: PublishPacket | null
  children: Map<string, Node>
}

const makeNode = (): Node => ({ packet: null, children: new Map() })

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

  set(packet: PublishPacket): void {
    let node = this.#root
    for (const level of packet.topic.split('/')) {
      let child = node.children.get(level)
      if (!child) {
        child = makeNode()
        node.children.set(level, child)
      }
      node = child
    }
    this.#tally(packet.topic, node.packet, packet)
    node.packet = packet
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
    this.#tally(topic, node.packet, null)
    node.packet = null
    for (const { parent, level } of path.reverse()) {
      const child = parent.children.get(level)
      if (!child || child.packet || child.children.size > 0) break
      parent.children.delete(level)
    }
  }

  #tally(topic: string, before: PublishPacket | null, after: PublishPacket | null): void {
    if (topic.startsWith('$SYS/')) return
    this.#count += (after === null ? 0 : 1) - (before === null ? 0 : 1)
    this.#bytes += (after?.payload.length ?? 0) - (before?.payload.length ?? 0)
  }

  /** What matches, by [MQTT-4.7]: wildcards in the first level leave out topics that start with `$`. */
  *match(filter: string): Generator<PublishPacket> {
    yield* walk(this.#root, filter.split('/'), 0)
  }
}

function* walk(node: Node, levels: readonly string[], at: number): Generator<PublishPacket> {
  const level = levels[at]
  if (level === undefined) {
    if (node.packet) yield node.packet
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

function* below(node: Node, isRoot: boolean): Generator<PublishPacket> {
  if (node.packet) yield node.packet
  for (const [name, child] of node.children) {
    if (isRoot && name.startsWith('$')) continue
    yield* below(child, false)
  }
}
