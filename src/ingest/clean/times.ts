// Which times of devices are times: a clock that was never set shows 1970 or 2000, a wrong zone the future. Such a time is
// refused as a time; the reading keeps the moment it was received.

export interface TimeLimits {
  /** How far before `receivedAt` a time may be; `null`: as far as this century goes. */
  maxAgeMs: number | null
  maxFutureMs: number
}

export const timeLimits: TimeLimits = { maxAgeMs: null, maxFutureMs: 300_000 }

/** Real-time clocks start at 1970 or 2000 when their battery is empty. */
const clocksAreSetAfter = Date.UTC(2001, 0, 1)

/** `time` in whole milliseconds when it can be one, else `null`. */
export function trustedTime(time: number | null, receivedAt: number, limits: TimeLimits): number | null {
  if (time === null || !(time >= clocksAreSetAfter)) return null
  if (time > receivedAt + limits.maxFutureMs) return null
  if (limits.maxAgeMs !== null && time < receivedAt - limits.maxAgeMs) return null
  return Math.round(time)
}
