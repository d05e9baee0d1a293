// Reading number n, the same in every process: topic, time, payload and all it carries are worked out from n alone, and n
// itself stands in `receivedAt`. So whoever finds a reading can say whether it is whole.

import type { Fields, NewReading, PublishProperties } from '../../../src/domain/reading.ts'

/** `steady`: times grow with n, three readings to an instant. `late`: times lie anywhere, so that every roll merges. */
export type Pattern = 'steady' | 'late'

const captureStart = 1_700_000_000_000
/** The reading times of `late` lie within so many milliseconds. */
const lateSpanMs = 400_000
export const topicCount = 11

export const topicOf = (n: number): string => `plant/${n % topicCount}/state`

export const timeOf = (n: number, pattern: Pattern): number =>
  pattern === 'late' ? captureStart + (hash(n, 1) % lateSpanMs) : captureStart + Math.floor(n / 3) * 10

/** The n of a reading found in a store. */
export const numberOf = ({ receivedAt }: { receivedAt: number }): number => receivedAt - captureStart

export function numbered(n: number, pattern: Pattern): NewReading {
  const kind = hash(n, 2) % 64
  return {
    topic: topicOf(n),
    time: timeOf(n, pattern),
    receivedAt: captureStart + n,
    source: 'mqtt',
    clientId: `device-${n % topicCount}`,
    user: kind === 1 ? null : 'tester',
    qos: kind === 2 ? 2 : 1,
    retain: kind === 3,
    dup: kind === 4,
    properties: kind === 5 ? propertiesOf(n) : null,
    payload: payloadOf(n),
    fields: kind === 6 ? fieldsOf(n) : null,
  }
}

function payloadOf(n: number): Buffer {
  const kind = hash(n, 3) % 40
  const decimal = (salt: number): string => ((hash(n, salt) % 600) / 10 - 10).toFixed(1)
  if (kind === 0) return Buffer.alloc(0)
  if (kind === 1) return bytesOf(n, hash(n, 4) % 300)
  if (kind === 2) return Buffer.from(`{ "a": 1E5 , "a":-0, "n": ${n} }`)
  if (kind === 3) return Buffer.from(`room ${n} is dry ☂`)
  if (kind === 4) return Buffer.from(JSON.stringify({ on: n % 2 === 0, mode: `m${n % 5}`, deep: { x: n } }))
  if (kind === 5 && n % 100 === 0) return bytesOf(n, 20_000)
  return Buffer.from(`{"temperature":${decimal(5)},"humidity":${decimal(6)}}`)
}

function fieldsOf(n: number): Fields {
  return Object.assign(Object.create(null) as Fields, { n, ok: n % 2 === 0, half: n / 2, text: `t${n}` })
}

function propertiesOf(n: number): PublishProperties {
  return { contentType: 'text/plain', correlationData: bytesOf(n, 4), userProperties: [['n', `${n}`]] }
}

function bytesOf(n: number, length: number): Buffer {
  const bytes = Buffer.alloc(length)
  for (let at = 0; at < length; at++) bytes[at] = hash(n, 1000 + at)
  return bytes
}

/** Mixes two integers into 32 bits (the finaliser of MurmurHash3). */
export function hash(n: number, salt: number): number {
  let h = Math.imul(n, 0x9e3779b1) ^ Math.imul(salt, 0x85ebca77)
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}
