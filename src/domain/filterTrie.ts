// Many topic filters at once: which of them match a topic, by a walk over its levels instead of a look at each filter.

/** Values under MQTT filters [MQTT-4.7]; `match` costs the levels of the topic, not the number of filters. */
export interface FilterTrie<T> {
  add(filter: string, value: T): void
  /** The values of every filter that matches, in no particular order. */
  match(topic: string): T[]
}

interface Node<T> {
  children: Map<string, Node<T>>
  /** Of filters that end here. */
  values: T[]
  /** Of filters that go on with `#` here. */
  rest: T[]
}

export function createFilterTrie<T>(): FilterTrie<T> {
  const root: Node<T> = makeNode()
  return {
    add(filter, value) {
      const levels = filter.split('/')
      const hasRest = levels.at(-1) === '#'
      if (hasRest) levels.pop()
      let node = root
      for (const level of levels) {
        let child = node.children.get(level)
        if (!child) node.children.set(level, (child = makeNode()))
        node = child
      }
      ;(hasRest ? node.rest : node.values).push(value)
    },

    match(topic) {
      const found: T[] = []
      collect(root, topic.split('/'), 0, found)
      return found
    },
  }
}

function makeNode<T>(): Node<T> {
  return { children: new Map(), values: [], rest: [] }
}

function collect<T>(node: Node<T>, levels: readonly string[], at: number, found: T[]): void {
  // A wildcard at the start does not match a topic that begins with $ [MQTT-4.7.2-1].
  const isHidden = at === 0 && levels[0]?.startsWith('$') === true
  if (!isHidden) for (const value of node.rest) found.push(value)
  const level = levels[at]
  if (level === undefined) {
    for (const value of node.values) found.push(value)
    return
  }
  const same = node.children.get(level)
  if (same) collect(same, levels, at + 1, found)
  const any = isHidden ? undefined : node.children.get('+')
  if (any && level !== '+') collect(any, levels, at + 1, found)
}
