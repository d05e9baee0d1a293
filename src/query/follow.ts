// Following topics: what was stored after a number, read from the store, and then what comes, from the live feed.
// Promises no gap and no repeat: a follower goes live in the very turn in which the store has nothing newer.

import type { Gate } from '../auth/gate.ts'
import type { Reading } from '../domain/reading.ts'
import { matches } from '../domain/topic.ts'
import type { ReadingReader, TopicFilters } from '../store/store.ts'

/** The live feed, as this room needs it. */
export interface Live {
  readonly lastSeq: number
  readonly deliveredSeq: number
  readonly settledSeq: number
  join(follower: {
    wants(topic: string): boolean
    onReadings(readings: readonly Reading[]): void
  }): () => void
  reached(seq: number, signal: AbortSignal): Promise<void>
}

export interface Following {
  filters: TopicFilters
  /** Asked for every reading, so that a change of the ACL file holds at once. */
  mayRead: (topic: string) => boolean
  /** Readings with a greater number. */
  since: number
  /** Ends it. */
  signal: AbortSignal
  /** Takes readings in order; `seq` is the number up to which everything wanted has been given. */
  onReadings: (readings: readonly Reading[], seq: number) => void
  /** The backlog is over: from now on everything up to `live.settledSeq` has been given. */
  onLive: () => void
  /** Resolves when more of the backlog may be sent. */
  ready: () => Promise<void>
}

interface Deps {
  store: Pick<ReadingReader, 'since'>
  live: Live
  /** Chunks of the log read at one time, over all followers. */
  gate: Gate
}

/** Readings of a chunk that are sent before the reader is waited for. */
const sliceRows = 100

/** Ends when the signal does, and else never. */
export async function follow({ store, live, gate }: Deps, following: Following): Promise<void> {
  const { filters, mayRead, signal, onReadings, ready } = following
  const wants = (topic: string): boolean =>
    filters.length === 0 || filters.some((filter) => matches(filter, topic))
  let seq = following.since
  while (live.deliveredSeq > seq) {
    const upTo = live.deliveredSeq
    const chunks = store.since(seq)[Symbol.asyncIterator]()
    for (;;) {
      const { value: chunk, done } = await gate.run(() => chunks.next())
      if (signal.aborted) return
      if (done === true) break
      const wanted = chunk.filter(({ topic }) => wants(topic) && mayRead(topic))
      const last = chunk.at(-1)?.seq ?? seq
      for (let at = 0; at < wanted.length; at += sliceRows) {
        const slice = wanted.slice(at, at + sliceRows)
        onReadings(slice, slice.at(-1)?.seq ?? seq)
        await ready()
        if (signal.aborted) return
      }
      seq = last
      onReadings([], seq)
    }
    // All of these were durable before the store was asked; numbers without a reading are never going to have one.
    seq = Math.max(seq, upTo)
  }
  following.onLive()
  const leave = live.join({
    wants,
    onReadings(readings) {
      const fresh = readings.filter((reading) => reading.seq > seq && mayRead(reading.topic))
      seq = Math.max(seq, readings.at(-1)?.seq ?? seq)
      onReadings(fresh, seq)
    },
  })
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
  leave()
}
