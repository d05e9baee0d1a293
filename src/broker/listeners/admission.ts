// Who may open a connection now: limits on the whole server, on a listener, on one address and on how fast one address comes
// back. What is refused is closed at once and counted by reason.

import type { Config } from '../../config/schema.ts'
import type { Metrics } from '../../ops/metrics.ts'
import type { Bans } from '../bans.ts'
import { createWaitingList, type WaitingList } from './waiting.ts'

export type Refusal = 'max_connections' | 'banned' | 'address_connections' | 'address_rate'

export interface Admission {
  /** Takes a place of the server and of the listener; `false`: there is none. `release` gives it back. */
  enter(listener: Places): boolean
  leave(listener: Places): void
  /** For who finds no place: see waiting.ts. */
  wait: WaitingList['wait']
  /** Why this address may not connect, or `null`: then a place is taken that `leaveAddress` gives back. */
  enterAddress(address: string): Refusal | null
  leaveAddress(address: string): void
  refuse(reason: Refusal | 'proxy_header' | 'timeout'): void
}

/** Connections of one listener; `max` 0: only the limit of the server counts. */
export interface Places {
  count: number
  max: number
}

type Limits = Pick<
  Config['mqtt'],
  'max_connections' | 'max_connections_per_address' | 'max_connects_per_s_per_address'
>

interface Caller {
  connections: number
  /** Connects of the second that began at `second`. */
  second: number
  connects: number
}

export interface AdmissionDependencies {
  bans: Bans
  metrics: Metrics
  /** Connections for which the system has room. */
  socketsMax?: number
  now?: () => number
}

const addressesMax = 100_000

export function createAdmission(
  /** Read anew each time. */
  limits: Limits,
  { bans, metrics, socketsMax = Number.POSITIVE_INFINITY, now = Date.now }: AdmissionDependencies,
): Admission {
  const callers = new Map<string, Caller>()
  let connections = 0

  const enterLimited = (address: string): Refusal | null => {
    const second = Math.floor(now() / 1000)
    const caller = callers.get(address) ?? { connections: 0, second, connects: 0 }
    callers.set(address, caller)
    if (caller.second !== second) {
      caller.second = second
      caller.connects = 0
    }
    caller.connects++
    const { max_connects_per_s_per_address: perSecond, max_connections_per_address: perAddress } = limits
    if (perSecond > 0 && caller.connects > perSecond) return 'address_rate'
    if (perAddress > 0 && caller.connections >= perAddress) return 'address_connections'
    caller.connections++
    return null
  }
  /** Those without a connection only matter within their second. */
  const forget = (): void => {
    if (callers.size <= addressesMax) return
    for (const [address, caller] of callers) if (caller.connections === 0) callers.delete(address)
  }
  const enter = (listener: Places): boolean => {
    if (connections >= Math.min(limits.max_connections, socketsMax)) return false
    if (listener.max > 0 && listener.count >= listener.max) return false
    connections++
    listener.count++
    metrics.connections.set(connections)
    return true
  }
  const list = createWaitingList(enter)
  return {
    enter,
    leave(listener) {
      connections--
      listener.count--
      metrics.connections.set(connections)
      list.serve()
    },
    wait(listener, decide) {
      if (connections < socketsMax) return list.wait(listener, decide)
      // Who waits holds a socket.
      decide(false)
      return () => undefined
    },
    enterAddress(address) {
      if (bans.isBanned(address)) return 'banned'
      if (address === '') return null
      forget()
      return enterLimited(address)
    },
    leaveAddress(address) {
      const caller = callers.get(address)
      if (caller === undefined) return
      caller.connections--
      if (caller.connections === 0 && limits.max_connects_per_s_per_address === 0) callers.delete(address)
    },
    refuse: (reason) => metrics.refused.inc({ reason }),
  }
}
