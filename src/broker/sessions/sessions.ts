// MQTT sessions, retained messages and wills: served from memory, journalled behind, completed from the log after a crash.
// A subscription of a session that lasts is on the disk before SUBACK; an acknowledged message reaches every session it is for.

import { Level } from 'level'
import type { Config } from '../../config/schema.ts'
import { AppError } from '../../domain/errors.ts'
import { makeDirectory } from '../../ops/makeDirectory.ts'
import type { Log } from '../../ops/log.ts'
import type { Metrics } from '../../ops/metrics.ts'
import type { DatabaseRecord } from '../../store/backup.ts'
import { snapshotRecords } from '../../store/records.ts'
import type { ReadingStore } from '../../store/store.ts'
import { Delivery } from '../delivery/delivery.ts'
import { Router } from '../delivery/router.ts'
import { createTraffic, type Traffic } from '../sys/traffic.ts'
import { Journal } from './journal.ts'
import { followLog, loadJournal } from './load.ts'
import { readFollowed } from './records.ts'
import { SessionRegistry } from './registry.ts'
import { Staging } from './staging.ts'

export interface Sessions {
  registry: SessionRegistry
  delivery: Delivery
  router: Router
  journal: Journal
  /** What goes over the wires, in both directions. */
  traffic: Traffic
  /** Every record as it lies on the disk, after a cut: for backups. A store backed up after it completes it. */
  records(signal?: AbortSignal): AsyncIterable<readonly DatabaseRecord[]>
  close(): Promise<void>
}

interface Dependencies {
  path: string
  limits: Config['mqtt']
  store: Pick<ReadingStore, 'since' | 'status'>
  metrics: Metrics
  log: Log
}

/** Throws an `AppError` when the directory cannot be used. */
export async function openSessions({ path, limits, store, metrics, log }: Dependencies): Promise<Sessions> {
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
  const staging = new Staging(db)
  const journal = new Journal({ staging, log })
  const registry = new SessionRegistry({ journal, limits, log })
  const traffic = createTraffic()
  const delivery = new Delivery({ registry, journal, limits, metrics, traffic, log })
  const router = new Router({ registry, delivery, log })
  // A new journal has missed nothing: there was nobody to miss it. A cut may fall between any two steps from here on,
  // so that the journal follows each reading as it is routed and never says less than it holds.
  const from = (await readFollowed(staging)) ?? store.status.lastSeq
  journal.follow(from)
  await loadJournal(registry, staging, Date.now())
  await followLog(store, from, {
    route: (message) => router.route(message),
    follow: (seq) => journal.follow(seq),
  })
  await journal.cut()
  let closed: Promise<void> | null = null
  return {
    registry,
    delivery,
    router,
    journal,
    traffic,
    async *records(signal) {
      await journal.cut({ sync: true })
      yield* snapshotRecords(db, signal)
    },
    close() {
      closed ??= (async () => {
        journal.follow(store.status.lastSeq)
        await journal.close()
        await db.close()
      })()
      return closed
    },
  }
}
