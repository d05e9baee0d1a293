// What rules remember between messages: the last payload of a topic for `dedupe`, the last values for `deadband`. Bounded: the
// topic that was silent longest is forgotten first.

import { createHash } from 'node:crypto'
import type { Fields, NewReading } from '../../domain/reading.ts'

export interface Memory {
  /** Whether the same payload came on the same topic within the window; remembers this one. */
  isRepeated(reading: NewReading, windowMs: number): boolean
  /** Takes fields out that did not change by more than their band. */
  leaveOutUnchanged(
    topic: string,
    fields: Fields,
    band: { fields: readonly [string, number][]; maxSilenceMs: number },
    now: number,
  ): void
}

interface Kept {
  value: number
  at: number
}

export function createMemory({ topicsMax }: { topicsMax: number }): Memory {
  const payloads = new Map<string, { digest: string; at: number }>()
  const values = new Map<string, Map<string, Kept>>()
  return {
    isRepeated({ topic, payload, receivedAt }, windowMs) {
      const digest = createHash('sha1').update(payload).digest('base64')
      const last = payloads.get(topic)
      if (last?.digest === digest && receivedAt - last.at < windowMs) return true
      remember(payloads, topic, { digest, at: receivedAt }, topicsMax)
      return false
    },

    leaveOutUnchanged(topic, fields, { fields: bands, maxSilenceMs }, now) {
      const known = values.get(topic) ?? new Map<string, Kept>()
      for (const [name, width] of bands) {
        const value = fields[name]
        if (typeof value !== 'number') continue
        const last = known.get(name)
        if (last && Math.abs(value - last.value) <= width && now - last.at < maxSilenceMs) delete fields[name]
        else known.set(name, { value, at: now })
      }
      remember(values, topic, known, topicsMax)
    },
  }
}

/** The newest at the end. */
function remember<T>(map: Map<string, T>, topic: string, value: T, max: number): void {
  map.delete(topic)
  map.set(topic, value)
  const [oldest] = map.keys()
  if (map.size > max && oldest !== undefined) map.delete(oldest)
}
