// One client's session: what it subscribed to, what it is owed, and the connection that serves it now, if there is one.

import type { Principal } from '../../auth/principal.ts'
import type { Link } from '../delivery/link.ts'
import { Outbox } from './outbox.ts'

/** A subscription as MQTT 5 spells it; MQTT 3 has topic and QoS alone. */
export interface Subscription {
  /** As sent, `$share/group/` included. */
  topic: string
  qos: 0 | 1 | 2
  /** No local [MQTT-3.8.3-3]. */
  nl?: boolean
  /** Retain as published. */
  rap?: boolean
  /** Retain handling. */
  rh?: number
  subscriptionIdentifier?: number
}

/** Session expiry for "as long as the server keeps it" [MQTT-3.1.2.11.2]. */
export const neverExpires = 0xffff_ffff

export class Session {
  readonly id: string
  readonly subscriptions = new Map<string, Subscription>()
  readonly outbox = new Outbox()
  link: Link | null = null
  /** Who was served last; `null` after a restart, until the client is back. */
  principal: Principal | null = null
  #expirySeconds: number
  #kept: boolean
  /** Milliseconds since 1970; `null` while connected, or when it never ends. */
  endsAt: number | null = null
  ended = false
  /** Number of the last message looked at, and what was decided: spares the router a map. */
  routeMark = 0
  routeIndex = 0
  /** When its full queue was last looked through. */
  sweptAt = 0

  constructor(id: string, expirySeconds: number) {
    this.id = id
    this.#expirySeconds = expirySeconds
    this.#kept = expirySeconds > 0
  }

  /** Seconds it outlives its connection. */
  get expirySeconds(): number {
    return this.#expirySeconds
  }

  setExpiry(seconds: number): void {
    this.#expirySeconds = seconds
    this.#kept ||= seconds > 0
  }

  /** Whether it is kept when its connection ends, and so is worth a journal. */
  get isPersistent(): boolean {
    return this.#expirySeconds > 0
  }

  /** Whether the journal may hold anything of it. */
  get kept(): boolean {
    return this.#kept
  }
}
