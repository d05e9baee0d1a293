// A message on its way from its capture to whoever subscribed: one object for all of them, never changed after it is made.

import type { PublishProperties, Reading } from '../domain/reading.ts'

export interface Message {
  readonly topic: string
  readonly payload: Buffer
  readonly qos: 0 | 1 | 2
  /** As published; what a subscriber sees depends on its subscription [MQTT-3.3.1-12]. */
  readonly retain: boolean
  readonly properties: PublishProperties | null
  /** Who published it; empty when no MQTT client did. */
  readonly clientId: string
  /** Milliseconds since 1970 after which it is not delivered [MQTT-3.3.2-5]; `null`: never. */
  readonly expiresAt: number | null
  /** Whose rights a retained message lives by; left out: it is the server's own, or was kept before this was noted. */
  readonly publisher?: Publisher | undefined
}

/** Who published a message, as far as the ACL asks. */
export interface Publisher {
  readonly user: string | null
  /** Port or path of the listener it came over; `null`: the log does not say. */
  readonly listener: string | null
}

/** When a message expires that was published at `publishedAt`. */
export function expiryTime(properties: PublishProperties | null, publishedAt: number): number | null {
  const seconds = properties?.messageExpiryInterval
  return seconds === undefined ? null : publishedAt + seconds * 1000
}

export function isExpired({ expiresAt }: Message, now: number): boolean {
  return expiresAt !== null && expiresAt <= now
}

/** The message a reading was made of. */
export function messageOf(reading: Reading): Message {
  const { topic, payload, qos, retain, properties, clientId, receivedAt, source, user } = reading
  return {
    topic,
    payload: Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength),
    qos,
    retain,
    properties,
    clientId,
    expiresAt: expiryTime(properties, receivedAt),
    publisher: source === 'mqtt' || source === 'will' ? { user, listener: null } : undefined,
  }
}
