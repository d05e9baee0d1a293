// A reading: one publish, as it was captured. It is made once, at capture, and never changed after.
// Everything that stores, queries or shows data speaks of this shape.

/** Where a publish came from. `will` is a last will, `server` the broker itself (never `$SYS`). */
export type Source = 'mqtt' | 'will' | 'http' | 'import' | 'bridge' | 'server'

export type QoS = 0 | 1 | 2

/** A cleaned value. `bigint` carries an integer a double would not hold exactly. */
export type FieldValue = number | bigint | boolean | string

/** Dotted path → value. A bare payload is `{ value: … }`. No prototype, so any key text is safe. */
export type Fields = Record<string, FieldValue>

/** MQTT 5 application properties that travel with a publish [MQTT-3.3.2.3]. */
export interface PublishProperties {
  payloadFormatIndicator?: boolean
  /** Seconds, as the publisher sent it. */
  messageExpiryInterval?: number
  contentType?: string
  responseTopic?: string
  correlationData?: Buffer
  /** Name and value pairs in the order sent; names may repeat. */
  userProperties?: readonly (readonly [string, string])[]
}

/** What cleaning knows of a reading beside its fields; mostly the same for all readings of a topic. */
export interface Cleaned {
  /** Version of the rules that made the fields; absent when there were none. */
  rules?: string
  /** Name of the rule. */
  rule?: string
  /** Labels, from topic levels or from the payload. */
  tags?: Readonly<Record<string, string>>
  /** Field → unit. */
  units?: Readonly<Record<string, string>>
  /** How far to trust the fields, such as `mended` or `truncated`. */
  marks?: readonly string[]
  /**
   * Of a message whose records have times of their own: how many readings before the one that holds the payload. That one comes
   * last, is 0, and has no stored fields: what the whole message says is read from its payload.
   */
  record?: number
  /** Why the payload has no fields. */
  refused?: { rule: string; field?: string; reason: string }
}

/** A publish on its way into the store: everything but `seq`, which the store gives. */
export interface NewReading {
  topic: string
  /** Milliseconds since 1970: the reading's own time, else `receivedAt`. */
  time: number
  /** Milliseconds since 1970 at capture. */
  receivedAt: number
  source: Source
  /** Empty for publishes that no MQTT client sent. */
  clientId: string
  /** `null` for anonymous. */
  user: string | null
  qos: QoS
  retain: boolean
  dup: boolean
  properties: PublishProperties | null
  /** The exact bytes sent. The store copies them before `append` returns. */
  payload: Uint8Array
  /**
   * What cleaning made of the payload. `null`: the payload's own leaves (the decoder `auto`),
   * which costs nothing to store and is worked out when read.
   */
  fields: Fields | null
  cleaned?: Cleaned
}

/** A stored reading. */
export interface Reading extends NewReading {
  /** One ever-growing integer over the whole server: identity, tie-break and cursor. */
  seq: number
}
