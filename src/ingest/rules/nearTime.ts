// Times that could be read in several ways, or counts from another start than 1970: only the reading counts that comes to the last
// minutes before the message was received. A wrong one would have to hit those by chance, and be wrong by minutes.

import type { FieldValue } from '../../domain/reading.ts'
import type { ZoneClock } from '../../domain/zonedTime.ts'
import { localTime } from './timeText.ts'

const agoMs = 300_000
const aheadMs = 60_000

const seconds2001 = 978_307_200
const seconds1900 = -2_208_988_800
const seconds1980 = 315_964_800
/** GPS counts leap seconds. */
const leapSeconds = 18
const ticksUntil1970 = 621_355_968_000_000_000
const fileTimeUntil1970 = 116_444_736_000_000_000
const dayMs = 86_400_000

/** The moment near `receivedAt` that `value` can mean, or `null`. */
export function nearTime(value: FieldValue, receivedAt: number, clock: ZoneClock | null): number | null {
  const isNear = (time: number | null): time is number =>
    time !== null && time >= receivedAt - agoMs && time <= receivedAt + aheadMs
  const times = typeof value === 'boolean' ? [] : timesOf(String(value), clock)
  return times.find(isNear) ?? null
}

function timesOf(text: string, clock: ZoneClock | null): (number | null)[] {
  if (text.length > 24) return []
  const [, digits] = /^(\d{9,10}(?:\.\d{1,9})?)s?$/.exec(text) ?? []
  if (digits !== undefined) return countedFrom(Number(digits))
  if (/^\d{4,7}\.\d{3,}$/.test(text)) return days(Number(text), clock)
  if (/^\d{17,18}$/.test(text)) return ticks(Number(text), clock)
  const hex = /^(?:0x)?([\da-f]{8})$/i.exec(text)
  if (hex) return [Number.parseInt(hex[1] ?? '', 16) * 1000]
  const parts = /^(\d{4}|\d\d)(\d\d)(\d\d)[T _-]?(\d\d)(\d\d)(\d\d)(?:\.?(\d{3}))?$/.exec(text)
  return parts ? written(parts, clock) : []
}

/** Apple's, NTP's and GPS's seconds. */
function countedFrom(count: number): number[] {
  return [seconds2001, seconds1900, seconds1980 - leapSeconds].map((start) => (count + start) * 1000)
}

/** Days of spreadsheets, which are local or not, and those of astronomers. */
function days(count: number, clock: ZoneClock | null): (number | null)[] {
  const sheet = Math.round((count - 25_569) * dayMs)
  return [sheet, clock ? clock(sheet) : null, (count - 2_440_587.5) * dayMs, (count - 40_587) * dayMs]
}

/** Tenths of microseconds of .NET, which are local or not, and of Windows. */
function ticks(count: number, clock: ZoneClock | null): (number | null)[] {
  const net = (count - ticksUntil1970) / 10_000
  return [net, clock ? clock(net) : null, (count - fileTimeUntil1970) / 10_000]
}

/** `20261124120000`, which some mean as UTC. */
function written([, year, ...rest]: RegExpExecArray, clock: ZoneClock | null): (number | null)[] {
  const [month, day, hour, minute, second, part = '0'] = rest
  const whole = String(year).length === 2 ? 2000 + Number(year) : Number(year)
  const local = localTime([whole, ...[month, day, hour, minute, second].map(Number)])
  if (local === null) return []
  return [local + Number(part), clock ? clock(local) + Number(part) : null]
}
