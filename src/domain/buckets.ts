// Buckets of time: equal lengths, or days, weeks, months and years of a time zone, whose lengths differ where the clock
// is changed. Aligned, so that the same bucket comes out whatever range was asked for.

import { AppError } from './errors.ts'
import { parseDuration, timeMax } from './time.ts'
import type { Zone } from './zone.ts'

/** How long a bucket is. `all`: one bucket over the whole range. */
export type Interval =
  | { unit: 'ms'; count: number }
  | { unit: 'd' | 'w' | 'mo'; count: number }
  | { unit: 'all' }

export interface Buckets {
  /** Where each begins on the clock; the first may begin before the range. */
  starts: Float64Array
  /** One more than there are buckets: cut to the range. */
  edges: Float64Array
}

/** `90s`, `5m`, `1h30m`; `1d`, `1w`, `1mo`, `3mo`, `1y` by the calendar; `all`. Throws `bad_time`. */
export function parseInterval(text: string): Interval {
  if (text === 'all') return { unit: 'all' }
  const [, digits = '', unit = ''] = /^(\d{1,6})(d|w|mo|y)$/.exec(text) ?? []
  const count = unit === '' ? lengthOf(text) : Number(digits)
  if (!(count >= 1 && count <= timeMax)) {
    const message = `"${text.slice(0, 60)}" is no length of time; write 90s, 15m, 1h, 1d, 1w, 1mo, 1y or all`
    throw new AppError('bad_time', `every: ${message}`, { problems: [{ path: 'every', message }] })
  }
  if (unit === '') return { unit: 'ms', count }
  if (unit === 'y') return { unit: 'mo', count: count * 12 }
  return { unit: unit as 'd' | 'w' | 'mo', count }
}

function lengthOf(text: string): number {
  try {
    return parseDuration(text)
  } catch {
    return Number.NaN
  }
}

/** The buckets that hold `from` ≤ time < `to`. Throws `query_limit` when there are more than `most`. */
export function bucketsOf(from: number, to: number, every: Interval, zone: Zone, most: number): Buckets {
  const starts: number[] = []
  for (const start of startsFrom(from, every, zone)) {
    // A start beyond what a date can hold is NaN, and beyond every range.
    if (!(start < to)) break
    if (starts.length === most) {
      throw new AppError(
        'query_limit',
        `more than ${most} buckets; ask for a shorter range or longer buckets (limits.aggregate_buckets)`,
        { problems: [{ path: 'every', message: `at most ${most} buckets` }] },
      )
    }
    starts.push(start)
  }
  const edges = Float64Array.from([...starts, to])
  edges[0] = from
  return { starts: Float64Array.from(starts), edges }
}

function* startsFrom(from: number, every: Interval, zone: Zone): Generator<number> {
  if (every.unit === 'all') {
    yield from
    return
  }
  if (every.unit === 'ms') {
    // Equal lengths, laid on the wall clock at the start of the range: hours of India begin at half past in UTC.
    const ahead = zone.offsetAt(from) % every.count
    const first = Math.floor((from + ahead) / every.count) * every.count - ahead
    for (let n = 0; ; n++) yield first + n * every.count
  }
  const startOf = (index: number): number => zone.instantOf(localStart[every.unit](index))
  const local = from + zone.offsetAt(from)
  let index = Math.floor(indexOf[every.unit](local) / every.count) * every.count
  // A wall clock that was put back shows a time twice: the bucket is the last that has begun.
  while (startOf(index) > from) index -= every.count
  while (startOf(index + every.count) <= from) index += every.count
  // A day that a place has left out, crossing the date line, begins when the next one does.
  for (let last = Number.NEGATIVE_INFINITY; ; index += every.count) {
    const start = startOf(index)
    if (start > last) yield (last = start)
  }
}

type CalendarUnit = 'd' | 'w' | 'mo'

const dayMs = 86_400_000
/** The Monday before 1970 began: weeks are those of ISO 8601. */
const mondayDay = -3

const indexOf: Record<CalendarUnit, (local: number) => number> = {
  d: (local) => Math.floor(local / dayMs),
  w: (local) => Math.floor((Math.floor(local / dayMs) - mondayDay) / 7),
  mo(local) {
    const date = new Date(local)
    return date.getUTCFullYear() * 12 + date.getUTCMonth()
  },
}

const localStart: Record<CalendarUnit, (index: number) => number> = {
  d: (index) => index * dayMs,
  w: (index) => (index * 7 + mondayDay) * dayMs,
  // Date.UTC takes the years 0 to 99 for 1900 to 1999.
  mo: (index) => new Date(0).setUTCFullYear(Math.floor(index / 12), index - Math.floor(index / 12) * 12, 1),
}
