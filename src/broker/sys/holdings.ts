// Looks at what the broker holds: clients, subscriptions, retained and queued messages. Asked once an interval, never on the
// way of a publish.

import type { Metrics } from '../../ops/metrics.ts'
import type { AedesBroker } from '../client.ts'
import type { Holdings } from './table.ts'

/** What a persistence can tell about itself. */
export interface SessionCounts {
  /** Sessions of clients for which `isConnected` is false, and their subscriptions. */
  detached: { sessions: number; subscriptions: number; shared: number }
  retained: { count: number; bytes: number }
  queued: { count: number; bytes: number }
}

export type CountSessions = (isConnected: (clientId: string) => boolean) => SessionCounts

export function createHoldings(
  aedes: AedesBroker,
  { metrics, countSessions }: { metrics: Metrics; countSessions: CountSessions },
): () => Promise<Holdings> {
  const startedAt = Date.now()
  let heapMax = 0
  return async () => {
    const { detached, retained, queued } = countSessions((id) => aedes.clients[id] !== undefined)
    const clients = Object.values(aedes.clients)
    const filters = clients.flatMap(({ amber }) => [...(amber.session?.subscriptions.keys() ?? [])])
    const { heapUsed } = process.memoryUsage()
    heapMax = Math.max(heapMax, heapUsed)
    const drops = await metrics.dropped.get()
    return {
      uptimeS: Math.floor((Date.now() - startedAt) / 1000),
      connected: clients.length,
      disconnected: detached.sessions,
      subscriptions: filters.length + detached.subscriptions,
      sharedSubscriptions: filters.filter(isShared).length + detached.shared,
      retained: retained.count,
      kept: retained.count + queued.count,
      keptBytes: retained.bytes + queued.bytes,
      dropped: drops.values.reduce((sum, { value }) => sum + value, 0),
      heap: heapUsed,
      heapMax,
    }
  }
}

export function isShared(filter: string): boolean {
  return filter.startsWith('$share/')
}
