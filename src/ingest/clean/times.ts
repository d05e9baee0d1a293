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

const hourMs = 3_600_000
const yearMs = 31_622_400_000

/**
 * Whether a device's clock shows the first hour of a year long gone: real-time clocks without a battery begin there, at a year of
 * their maker's choice (2004, 2010, 2019). The first second itself may be a day that somebody wrote.
 */
export function isUnsetClock(time: number, receivedAt: number): boolean {
  const since = time - Date.UTC(new Date(time).getUTCFullYear(), 0, 1)
  return since > 0 && since < hourMs && time < receivedAt - yearMs
}
