// What a broker that knows no bridges sends back: it returns every message on a topic that goes both ways, once. Remembered
// by topic and contents, for a while and in bounded number.

import { createHash } from 'node:crypto'

const echoesMax = 10_000
const rememberMs = 60_000

export interface Echoes {
  sent(topic: string, payload: Uint8Array): void
  /** Whether this is one of ours coming back; each is recognised once. */
  isEcho(topic: string, payload: Uint8Array): boolean
}

export function createEchoes(now: () => number = Date.now): Echoes {
  const sent = new Map<string, number[]>()
  let count = 0
  const forgetOldest = (): void => {
    const [key, times] = sent.entries().next().value as [string, number[]]
    count -= times.length
    sent.delete(key)
  }
  return {
    sent(topic, payload) {
      const key = keyOf(topic, payload)
      const times = sent.get(key) ?? []
      times.push(now())
      sent.delete(key)
      sent.set(key, times)
      count++
      while (count > echoesMax) forgetOldest()
    },
    isEcho(topic, payload) {
      const key = keyOf(topic, payload)
      const times = sent.get(key)
      if (times === undefined) return false
      const fresh = times.filter((time) => now() - time < rememberMs)
      count -= times.length - fresh.length
      const found = fresh.shift()
      if (found !== undefined) count--
      if (fresh.length === 0) sent.delete(key)
      else sent.set(key, fresh)
      return found !== undefined
    },
  }
}

function keyOf(topic: string, payload: Uint8Array): string {
  return `${createHash('sha1').update(payload).digest('base64')}${topic}`
}
