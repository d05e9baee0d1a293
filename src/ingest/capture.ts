// Where every publish becomes a reading, whatever its source: named, counted in the ledger, handed to the store.
// Promises: `done` without an error means durable and readable; each publish is counted once as received and once
// as stored or rejected (a second copy of a QoS 2 publish is counted as deduplicated by the broker, which knows it).

import type { AppError } from '../domain/errors.ts'
import { asAppError } from '../domain/errors.ts'
import type { NewReading } from '../domain/reading.ts'
import { checkTopic } from '../domain/topic.ts'
import type { Metrics } from '../ops/metrics.ts'
import type { AppendOptions, Appended, ReadingStore } from '../store/store.ts'

export interface Capture {
  /** Stores one reading; `done` is called once. Never throws, whatever the reading holds. */
  (reading: NewReading, options: AppendOptions, done: Appended): void
}

/** A publish by the server on behalf of somebody: an HTTP request, a bridge. */
export interface Message {
  topic: string
  payload: Uint8Array
  qos: 0 | 1 | 2
  retain: boolean
  source: NewReading['source']
  user: string | null
  clientId: string
  properties: NewReading['properties']
}

/** Captures a message and delivers it to subscribers; resolves with its `seq` once it is durable. */
export type Publish = (message: Message) => Promise<number>

export function createCapture({ store, metrics }: { store: ReadingStore; metrics: Metrics }): Capture {
  return (reading, options, done) => {
    const { source } = reading
    const started = performance.now()
    metrics.received.inc({ source })
    const settle = (error: AppError | null, seq: number): void => {
      if (error) metrics.rejected.inc({ source, reason: error.code })
      else {
        metrics.stored.inc({ source })
        if (options.awaited) metrics.ackSeconds.observe((performance.now() - started) / 1000)
      }
      done(error, seq)
    }
    try {
      checkTopic(reading.topic)
    } catch (error) {
      settle(asAppError(error), 0)
      return
    }
    store.append(reading, options, settle)
  }
}
