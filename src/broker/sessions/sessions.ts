// MQTT sessions, retained messages and wills: served from memory, at once and in publish order, and journalled behind, so
// that they outlive a restart. A subscription is on the disk before SUBACK.

import { Level } from 'level'
import type { Config } from '../../config/schema.ts'
import { AppError } from '../../domain/errors.ts'
import { makeDirectory } from '../../ops/makeDirectory.ts'
import type { Log } from '../../ops/log.ts'
import type { Metrics } from '../../ops/metrics.ts'
import type { Persistence } from '../client.ts'
import { createDurable, type Durable, Journal } from './journal.ts'
import { SessionMemory } from './memory.ts'

export interface Sessions {
  /** What Aedes calls. */
  persistence: Persistence
  /** Resolves when everything so far is on the disk. */
  flush(): Promise<void>
  close(): Promise<void>
}

interface Dependencies {
  path: string
  limits: Config['mqtt']
  metrics: Metrics
  log: Log
}

/** Throws an `AppError` when the directory cannot be used. */
export async function openSessions({ path, limits, metrics, log }: Dependencies): Promise<Sessions> {
  const db = new Level<string, string>(path)
  try {
    await makeDirectory(path, 0o700)
    await db.open()
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error)
    throw new AppError('store_unavailable', `the MQTT sessions in ${path} cannot be opened: ${cause}`, {
      cause: error,
    })
  }
  const durable = createDurable(db)
  const journal = new Journal({ log })
  const memory = new SessionMemory({ durable, journal, limits, metrics, firstOrder: Date.now() * 1000 })
  await load(memory, durable, db)
  return {
    persistence: memory,
    flush: () => journal.flush(),
    async close() {
      await journal.flush()
      await db.close()
    },
  }
}

/** Everything the journal holds, back into memory. Queues are put in the order of all publishes. */
async function load(memory: SessionMemory, durable: Durable, db: Level<string, string>): Promise<void> {
  for await (const packet of durable.createRetainedStream('#')) memory.restoreRetained(packet)
  for await (const packet of durable.createRetainedStream('$SYS/#')) memory.restoreRetained(packet)
  const clients = new Set<string>()
  for await (const key of db.keys({ gte: 'subscriptions:', lt: 'subscriptions;' })) clients.add(clientOf(key))
  for await (const key of db.keys({ gte: 'outgoing:', lt: 'outgoing;' })) clients.add(clientOf(key))
  for (const id of clients) await memory.restoreSession(id, durable)
  for await (const will of durable.streamWill()) memory.restoreWill(will)
}

/** Keys of aedes-persistence-level: kind, client id (percent-encoded), the rest. */
function clientOf(key: string): string {
  return decodeURIComponent(key.split(':')[1] ?? '')
}
