// Where every publish becomes a reading, whatever its source: named, counted in the ledger, handed to the store.
// Promises: `done` without an error means durable and readable; each publish is counted once as received and once
// as stored, rejected or discarded by a rule (a second copy of a QoS 2 publish is counted as deduplicated by the broker, which knows it).

import { AppError, asAppError } from '../domain/errors.ts'
import type { NewReading } from '../domain/reading.ts'
import { checkTopic } from '../domain/topic.ts'
import type { Metrics } from '../ops/metrics.ts'
import type { AppendOptions, Appended, ReadingStore } from '../store/store.ts'
import type { Clean } from './clean/clean.ts'
import type { Feed } from './feed.ts'
import { createInOrder } from './inOrder.ts'

export interface Capture {
  /** Stores one reading; `done` is called once. Never throws, whatever the reading holds. Its payload is not changed after. */
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
  /** Milliseconds since 1970: its own time, when it is known; else it is that of the capture. */
  time?: number
}

/** Captures a message and delivers it to subscribers; resolves with its `seq` once it is durable. */
export type Publish = (message: Message) => Promise<number>

export interface CaptureDeps {
  store: ReadingStore
  metrics: Metrics
  /** What to store of a publish; by default the publish as it came. */
  clean?: Clean
  /** Told of each reading that is durable, in order of their numbers. */
  feed?: Pick<Feed, 'push'>
}

export function createCapture({ store, metrics, clean = asItCame, feed }: CaptureDeps): Capture {
  const append: Append = (reading, options, done) =>
    store.append(reading, options, (error, seq) => {
      if (!error) feed?.push(reading, seq)
      done(error, seq)
    })
  const inOrder = createInOrder({ waitingMax })
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
    const taken = inOrder(
      () => clean(reading),
      (parts) => {
        const [first] = parts
        if (first === undefined) {
          metrics.discarded.inc({ source })
          done(null, 0)
        } else if (parts.length === 1) append(first, options, settle)
        else appendAll(append, parts, options, settle)
      },
    )
    if (!taken)
      settle(new AppError('store_overloaded', 'too many readings wait for a rule with `transform`'), 0)
  }
}

/** Readings that may wait while a rule with `transform` is at work; the payload of each is held. */
const waitingMax = 10_000

type Append = ReadingStore['append']

const asItCame: Clean = (reading) => [reading]

/**
 * The records of one message, appended in one go so that their numbers follow each other. Durable is the message when the last
 * of them is: the receipt goes with the last.
 */
function appendAll(
  append: Append,
  parts: readonly NewReading[],
  { awaited, receipt }: AppendOptions,
  done: Appended,
): void {
  let left = parts.length
  let failed: AppError | null = null
  let number = 0
  for (const [index, part] of parts.entries()) {
    const isLast = index === parts.length - 1
    append(part, { awaited, ...(isLast && receipt !== undefined ? { receipt } : {}) }, (error, seq) => {
      failed ??= error
      if (isLast) number = seq
      if (--left === 0) done(failed, failed ? 0 : number)
    })
  }
}
