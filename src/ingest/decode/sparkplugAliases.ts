// What birth certificates have said about aliases (Eclipse Sparkplug 3.0, 6.4.6): alias → name and type, and of units, for each
// node and device, until the next birth. How many are kept is bounded; the oldest source is forgotten first.

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
  /** Takes in the units of a birth certificate, after `learn`: path → unit. */
  learnUnits(at: SparkplugTopic, units: ReadonlyMap<string, string>): void
  /** The unit of what later messages send without one. */
  unitOf(at: SparkplugTopic, path: string): string | undefined
}

interface Source {
  named: Map<bigint, Named>
  units: ReadonlyMap<string, string>
}

const noUnits: ReadonlyMap<string, string> = new Map()

export function createAliases({ sourcesMax }: { sourcesMax: number }): Aliases {
  const sources = new Map<string, Source>()
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
      sources.set(source, { named, units: noUnits })
      const [oldest] = sources.keys()
      if (sources.size > sourcesMax && oldest !== undefined) sources.delete(oldest)
    },

    find({ source, node }, alias) {
      // Aliases are unique over a node and all its devices.
      return sources.get(source)?.named.get(alias) ?? sources.get(node)?.named.get(alias)
    },

    learnUnits({ source }, units) {
      const known = sources.get(source)
      if (known && units.size > 0) known.units = units
    },

    unitOf: ({ source }, path) => sources.get(source)?.units.get(path),
  }
}
