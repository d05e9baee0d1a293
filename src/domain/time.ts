// Times as people and programs write them: RFC 3339, milliseconds since 1970, or relative to now.

import { AppError, inParameter } from './errors.ts'
import { utc, type Zone } from './zone.ts'

export type TimeUnit = 'ms' | 's' | 'us' | 'ns'

const unitMs: Record<string, number> = {
  ms: 1,
  s: 1e3,
  m: 60e3,
  h: 3600e3,
  d: 86400e3,
  w: 7 * 86400e3,
  y: 365 * 86400e3,
}

/** The largest time kept, in milliseconds: 9999-12-31T23:59:59.999Z, the last RFC 3339 can write. */
export const timeMax = 253_402_300_799_999

/**
 * A point in time, in milliseconds since 1970: RFC 3339 (`2026-11-24T08:00:00Z`), a date or a local time without an offset as the
 * clock of `zone` shows it, an integer of milliseconds, `now`, or relative to `now` (`-90s`, `-15m`, `-1h`, `-7d`). Throws `bad_time`.
 */
export function parseTime(text: string, now: number, zone: Zone = utc): number {
  const time = readTime(text, now, zone)
  if (time === null || !(Math.abs(time) <= timeMax)) {
    throw new AppError(
      'bad_time',
      `"${text.slice(0, 60)}" is not a time; write RFC 3339 (2026-11-24T08:00:00Z), milliseconds since 1970, now, or relative to now (-15m, -1h, -7d)`,
    )
  }
  return time
}

/** `parseTime` of a parameter, whose name is told when it is wrong. */
export function timeOf(parameter: string, text: string, now: number, zone: Zone = utc): number {
  return inParameter(parameter, () => parseTime(text, now, zone))
}

/** A length of time such as `5m`, `90s` or `1h30m`, in milliseconds; a bare integer is milliseconds. Throws `bad_time`. */
export function parseDuration(text: string): number {
  if (/^\d+$/.test(text)) return Number(text)
  if (!/^(\d+(?:\.\d+)?(?:ms|[smhdwy]))+$/.test(text)) {
    throw new AppError(
      'bad_time',
      `"${text.slice(0, 60)}" is not a length of time; write 500ms, 90s, 15m, 1h, 7d or 1h30m`,
    )
  }
  let total = 0
  for (const [, count, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|[smhdwy])/g)) {
    total += Number(count) * (unitMs[unit ?? ''] ?? Number.NaN)
  }
  return Math.round(total)
}

/** RFC 3339 in UTC with milliseconds. */
export function formatTime(ms: number): string {
  return new Date(ms).toISOString()
}

function readTime(given: string, now: number, zone: Zone): number | null {
  // Addresses that most clients write have a + for the space of `2026-11-24 08:00:00`.
  const text = given.replace(/^(\d{4}-\d\d-\d\d)\+(?=\d\d:\d\d:\d\d)/, '$1 ')
  if (text === 'now') return now
  if (/^-?\d{1,15}$/.test(text)) return Number(text)
  const relative = /^(?:now)?([+-])(.+)$/.exec(text)
  if (relative && /^[\d.]+[a-z]/.test(relative[2] ?? '')) {
    const length = parseDuration(relative[2] ?? '')
    return relative[1] === '-' ? now - length : now + length
  }
  const date = /^\d{4}-\d\d-\d\d(?:[Tt ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:[Zz]|[+-]\d\d:\d\d)?)?$/.test(text)
  if (!date || !isDay(text)) return null
  const iso = text.replace(' ', 'T')
  const isZoned = /[Zz]$|[+-]\d\d:\d\d$/.test(text) && text.length > 10
  const time = Date.parse(isZoned || text.length === 10 ? iso : `${iso}Z`)
  if (Number.isNaN(time)) return null
  return isZoned ? time : zone.instantOf(time)
}

/** Whether the month has that day: Date.parse takes the 30th of February for the 2nd of March. */
function isDay(text: string): boolean {
  const [year = 0, month = 0, day = 0] = text.slice(0, 10).split('-').map(Number)
  const date = new Date(0)
  date.setUTCFullYear(year, month - 1, day)
  return date.getUTCMonth() === month - 1 && date.getUTCDate() === day
}

/** A whole number from 0 on, as `String` writes it. A number beyond 32 bits costs `String` four times as much. */
export function wholeText(value: number): string {
  if (value < 1e8 || !Number.isSafeInteger(value)) return String(value)
  const high = Math.floor(value / 1e8)
  const low = value - high * 1e8
  return low < 1e7 ? `${high}${String(low).padStart(8, '0')}` : `${high}${low}`
}

/** `formatTime` for many times: the part up to the minute is kept from one row to the next, so each column has its own. */
export function createTimeText(): (ms: number) => string {
  let minute = Number.NaN
  let prefix = ''
  return (ms) => {
    const at = Math.floor(ms / 60_000)
    if (at !== minute) {
      minute = at
      prefix = formatTime(ms).slice(0, -7)
    }
    const rest = ms - at * 60_000
    const seconds = Math.floor(rest / 1000)
    const millis = rest - seconds * 1000
    return `${prefix}${seconds < 10 ? '0' : ''}${seconds}.${millis < 10 ? '00' : millis < 100 ? '0' : ''}${millis}Z`
  }
}
