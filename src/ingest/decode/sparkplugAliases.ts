// What birth certificates have said about aliases (Eclipse Sparkplug 3.0, 6.4.6): alias → name and type, for each node and
// device, until the next birth. How many are kept is bounded; the oldest source is forgotten first.

import type { Metric, SparkplugTopic } from './sparkplug.ts'

interface Named {
  name: string
  datatype: number
}

export interface Aliases {
  /** Takes in a birth certificate; other messages change nothing. */
  learn(at: SparkplugTopic, metrics: readonly Metric[]): void
  /** What `alias` stands for. */
  find(at: SparkplugTopic, alias: bigint): Named | undefined
}

export function createAliases({ sourcesMax }: { sourcesMax: number }): Aliases {
  const sources = new Map<string, Map<bigint, Named>>()
  return {
    learn({ type, source, node }, metrics) {
      if (type !== 'NBIRTH' && type !== 'DBIRTH') return
      if (type === 'NBIRTH') {
        // A node that is born again brings its devices anew.
        for (const known of sources.keys()) if (known.startsWith(`${node}/`)) sources.delete(known)
      }
      const named = new Map<bigint, Named>()
      for (const { alias, name, datatype } of metrics)
        if (alias !== null) named.set(alias, { name, datatype })
      sources.delete(source)
      sources.set(source, named)
      const [oldest] = sources.keys()
      if (sources.size > sourcesMax && oldest !== undefined) sources.delete(oldest)
    },

    find({ source, node }, alias) {
      // Aliases are unique over a node and all its devices.
      return sources.get(source)?.get(alias) ?? sources.get(node)?.get(alias)
    },
  }
}
