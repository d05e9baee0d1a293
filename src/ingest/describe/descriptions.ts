// What devices say of their fields, by topic: read from messages of Home Assistant's discovery and of Homie as they are stored,
// and after a start from the newest of them. A later message of the same topic replaces what the one before said; an empty one
// takes it away.

import type { FieldDescription } from '../../domain/description.ts'
import type { NewReading } from '../../domain/reading.ts'
import type { Described } from './description.ts'
import { readDiscovery } from './homeAssistant.ts'
import { readHomie } from './homie.ts'

export interface Descriptions {
  /** What is known of the fields of a topic. */
  of(topic: string): ReadonlyMap<string, FieldDescription> | null
  /** Takes in a message; cheap for those that describe nothing. */
  observe(message: Pick<NewReading, 'topic' | 'payload'>): void
  /** Takes in what was stored before; what has been observed since goes before it. */
  restore(messages: Iterable<Pick<NewReading, 'topic' | 'payload'>>): void
  /** Topic filters of the messages that describe. */
  filters: readonly string[]
}

export interface DescriptionsConfig {
  /** Discovery prefix of Home Assistant; empty: not read. */
  home_assistant: string
  /** Root of Homie; empty: not read. */
  homie: string
  /** Fields described at a time; what comes above is left out. */
  fields: number
}

/** A larger message describes nothing. */
const payloadBytesMax = 262_144

export function createDescriptions({
  home_assistant: prefix,
  homie: root,
  fields: most,
}: DescriptionsConfig): Descriptions {
  /** By topic and field what each source says. */
  const topics = new Map<string, Map<string, Map<string, FieldDescription>>>()
  const sources = new Map<string, Described[]>()
  let fields = 0
  let isRestored = false

  const read = (topic: string, payload: Uint8Array): Described[] | null => {
    if (prefix !== '' && topic.startsWith(`${prefix}/`) && topic.endsWith('/config'))
      return payload.length > payloadBytesMax ? [] : readDiscovery(prefix, topic, payload)
    if (root !== '' && topic.startsWith(`${root}/`) && topic.includes('/$'))
      return payload.length > payloadBytesMax ? [] : readHomie(root, topic, payload)
    return null
  }
  const forget = (source: string): void => {
    for (const { topic, field } of sources.get(source) ?? []) {
      const byField = topics.get(topic)
      const bySource = byField?.get(field)
      if (bySource?.delete(source)) fields--
      if (bySource?.size === 0) byField?.delete(field)
      if (byField?.size === 0) topics.delete(topic)
    }
    sources.delete(source)
  }
  const learn = (source: string, list: readonly Described[]): void => {
    const kept: Described[] = []
    for (const one of list) {
      if (fields >= most) break
      const { topic, field, ...about } = one
      const byField = topics.get(topic) ?? new Map<string, Map<string, FieldDescription>>()
      const bySource = byField.get(field) ?? new Map<string, FieldDescription>()
      if (!bySource.has(source)) fields++
      bySource.set(source, about)
      topics.set(topic, byField.set(field, bySource))
      kept.push(one)
    }
    // Until the restore also a message that says nothing is remembered: it has taken back what an older one said.
    if (kept.length > 0 || !isRestored) sources.set(source, kept)
  }

  return {
    filters: [...(prefix === '' ? [] : [`${prefix}/#`]), ...(root === '' ? [] : [`${root}/#`])],
    of(topic) {
      const byField = topics.get(topic)
      if (byField === undefined) return null
      return new Map(
        [...byField].map(([field, bySource]) => [
          field,
          Object.assign({}, ...bySource.values()) as FieldDescription,
        ]),
      )
    },
    observe({ topic, payload }) {
      const found = read(topic, payload)
      if (found === null) return
      forget(topic)
      learn(topic, found)
    },
    restore(messages) {
      for (const { topic, payload } of messages) {
        if (sources.has(topic)) continue
        const found = read(topic, payload)
        if (found !== null && found.length > 0) learn(topic, found)
      }
      isRestored = true
      for (const [source, list] of sources) if (list.length === 0) sources.delete(source)
    },
  }
}
