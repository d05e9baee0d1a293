// The live feed: every reading once it is durable, in order of its number, to whoever follows its topic. Promises that
// followers cost the publisher little: readings are handed on in later turns, together, to some followers a turn, and less often when
// many follow.

import { AppError } from '../domain/errors.ts'
import type { NewReading, Reading } from '../domain/reading.ts'

export interface Follower {
  /** Asked once a topic; the answer is remembered as long as the followers stay the same. */
  wants(topic: string): boolean
  /** In order of their numbers. Must not throw. */
  onReadings(readings: readonly Reading[]): void
}

export interface Feed {
  /** Called by capture, in order, when a reading is durable under its number. */
  push(reading: NewReading, seq: number): void
  /** The newest number that is durable. */
  readonly lastSeq: number
  /** The newest number that is handed on or on its way: who joins now gets none up to it. */
  readonly deliveredSeq: number
  /** The newest number up to which every follower has been given everything. */
  readonly settledSeq: number
  /** From now on; returns how to leave. */
  join(follower: Follower): () => void
  /** Waits until `seq` is durable. Rejects with the reason of `signal`, and with `rate_limited` where too many wait. */
  reached(seq: number, signal: AbortSignal): Promise<void>
}

/** Topics whose followers are remembered. */
const topicsMax = 100_000
/** With many followers every turn would be spent on writing: a thousand of them are written to ten times a second. */
const delayMsPerFollower = 0.1
const delayMsMax = 100
/** Writing to one takes tens of microseconds, in which no device is answered. */
const followersATurn = 32

export interface FeedOptions {
  /** The newest number that is stored. */
  lastSeq: number
  /** Who may wait for a number at one time. */
  waitersMax: number
}

export function createFeed({ lastSeq: first, waitersMax }: FeedOptions): Feed {
  const followers = new Set<Follower>()
  const waits = createWaits(waitersMax)
  let byTopic = new Map<string, readonly Follower[]>()
  let pending: Reading[] = []
  let lastSeq = first
  let deliveredSeq = first
  let settledSeq = first
  let isDelivering = false

  const followersOf = (topic: string): readonly Follower[] => {
    let found = byTopic.get(topic)
    if (found === undefined) {
      if (byTopic.size >= topicsMax) byTopic = new Map()
      found = [...followers].filter((follower) => follower.wants(topic))
      byTopic.set(topic, found)
    }
    return found
  }
  const deliver = (): void => {
    const readings = pending
    pending = []
    deliveredSeq = readings.at(-1)?.seq ?? deliveredSeq
    isDelivering = true
    const upTo = deliveredSeq
    handOut(listsOf(readings, followersOf), followers, () => {
      settledSeq = Math.max(settledSeq, upTo)
      isDelivering = false
      if (pending.length > 0) schedule()
    })
  }
  const schedule = (): void => {
    const delayMs = Math.min(delayMsMax, followers.size * delayMsPerFollower)
    if (delayMs < 1) setImmediate(deliver)
    else setTimeout(deliver, delayMs)
  }
  const changed = (): void => {
    byTopic = new Map()
  }

  return {
    push(reading, seq) {
      lastSeq = seq
      waits.reached(lastSeq)
      if (followers.size === 0 && pending.length === 0) {
        deliveredSeq = lastSeq
        settledSeq = lastSeq
        return
      }
      if (pending.push({ ...reading, seq }) === 1 && !isDelivering) schedule()
    },
    get lastSeq() {
      return lastSeq
    },
    get deliveredSeq() {
      return deliveredSeq
    },
    get settledSeq() {
      return settledSeq
    },
    join(follower) {
      followers.add(follower)
      changed()
      return () => {
        if (followers.delete(follower)) changed()
      }
    },
    reached: (seq, signal) => (lastSeq >= seq ? Promise.resolve() : waits.until(seq, signal)),
  }
}

type Lists = (readonly [Follower, readonly Reading[]])[]

/** What each follower is to be given. */
function listsOf(readings: readonly Reading[], followersOf: (topic: string) => readonly Follower[]): Lists {
  const lists = new Map<Follower, Reading[]>()
  for (const reading of readings) {
    for (const follower of followersOf(reading.topic)) {
      const list = lists.get(follower)
      if (list) list.push(reading)
      else lists.set(follower, [reading])
    }
  }
  return [...lists]
}

/** Some followers a turn; `done` in the turn of the last. */
function handOut(lists: Lists, followers: ReadonlySet<Follower>, done: () => void): void {
  for (const [follower, list] of lists.slice(0, followersATurn)) {
    // It may have left since.
    if (followers.has(follower)) follower.onReadings(list)
  }
  if (lists.length <= followersATurn) done()
  else setImmediate(handOut, lists.slice(followersATurn), followers, done)
}

interface Waits {
  /** Wakes those who wait for `seq` or less. */
  reached(seq: number): void
  until(seq: number, signal: AbortSignal): Promise<void>
}

function createWaits(waitersMax: number): Waits {
  const waiting = new Set<Waiter>()
  /** The smallest number that somebody waits for: most readings wake nobody. */
  let least = Number.POSITIVE_INFINITY
  const leave = (waiter: Waiter): void => {
    waiting.delete(waiter)
    if (waiter.wanted > least) return
    least = Number.POSITIVE_INFINITY
    for (const { wanted } of waiting) least = Math.min(least, wanted)
  }
  return {
    reached(seq) {
      if (seq < least) return
      for (const { wanted, wake } of waiting) if (wanted <= seq) wake()
    },
    async until(wanted, signal) {
      signal.throwIfAborted()
      if (waiting.size >= waitersMax) throw tooManyWait(waitersMax)
      await new Promise<void>((resolve, reject) => {
        const settle = (): void => {
          leave(waiter)
          signal.removeEventListener('abort', stop)
        }
        const wake = (): void => {
          settle()
          resolve()
        }
        const stop = (): void => {
          settle()
          reject(signal.reason as Error)
        }
        const waiter: Waiter = { wanted, wake }
        waiting.add(waiter)
        least = Math.min(least, wanted)
        signal.addEventListener('abort', stop, { once: true })
      })
    },
  }
}

interface Waiter {
  wanted: number
  wake: () => void
}

function tooManyWait(waitersMax: number): AppError {
  const message = `${waitersMax} requests wait for a reading already; come again later (limits.min_seq_waiters)`
  return new AppError('rate_limited', `min_seq: ${message}`, { problems: [{ path: 'min_seq', message }] })
}
