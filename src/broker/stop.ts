// A graceful end: nothing more is read, what is captured is committed and acknowledged, then connections close.

import type { Log } from '../ops/log.ts'
import type { BrokerClient } from './client.ts'

const waitMsMax = 3000
const lookEveryMs = 5

export interface Stopping {
  clients: () => BrokerClient[]
  /** Publishes handed to the store and not yet answered. */
  pending: () => number
  log: Log
}

/** Resolves when every captured publish is answered and written out, at the latest after three seconds. */
export async function stopGracefully({ clients, pending, log }: Stopping): Promise<void> {
  for (const client of clients()) client.amber.refused = true
  const deadline = Date.now() + waitMsMax
  const isDone = (): boolean => pending() === 0 && clients().every(({ amber }) => amber.outlet.queued === 0)
  while (!isDone() && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, lookEveryMs))
  if (!isDone()) log.warn({ pending: pending() }, 'stopped waiting for slow clients and commits')
}
