// Times in several members: a day and a time of day, the parts of a date, a week of GPS and the seconds in it.

import type { Fields, FieldValue } from '../../domain/reading.ts'
import type { ZoneClock } from '../../domain/zonedTime.ts'
import { localTime } from './timeText.ts'

/** Milliseconds of seconds and what stands beside them, by its name. */
const parts: Readonly<Record<string, number>> = {
  __proto__: null as never,
  ms: 1,
  msec: 1,
  msecs: 1,
  millis: 1,
  milliseconds: 1,
  us: 1e-3,
  usec: 1e-3,
  usecs: 1e-3,
  micros: 1e-3,
  microseconds: 1e-3,
  ns: 1e-6,
  nsec: 1e-6,
  nsecs: 1e-6,
  nanosec: 1e-6,
  nanos: 1e-6,
  nanoseconds: 1e-6,
}
const dayNames = new Set(['date', 'datum', 'fecha', 'data', 'dato', 'jour', 'datestamp'])
const clockNames = new Set([
  'time',
  'zeit',
  'uhrzeit',
  'hora',
  'ora',
  'heure',
  'tid',
  'tijd',
  'czas',
  'klokkeslett',
])
const utcNames = new Set(['utcdate', 'dateutc', 'gpsdate', 'utctime', 'timeutc', 'gpstime'])
/** A time may be an object: `timestamp.date`, `timestamp.time`. */
const within = /^(?:timestamp|time|datetime|ts)\./
const gpsStart = Date.UTC(1980, 0, 6)
const dayMs = 86_400_000
const weekMs = 604_800_000
const leapMs = 18_000

const parted = new Set(
  'year month mon day mday hour hours minute min second sec secs seconds tvsec gpsweek week tow itow gpstow towms'.split(
    ' ',
  ),
)
/** Paths that are remembered; devices mostly send the same again. */
const pathsMax = 10_000
const known = new Map<string, string | null>()

/** What part of a time a field can be by its path; `null`: none. */
export function partOf(path: string): string | null {
  if (path.length > 40) return null
  let found = known.get(path)
  if (found === undefined) {
    if (known.size >= pathsMax) known.clear()
    const short = path.replace(within, '').slice(0, 20)
    const name = short.toLowerCase().replaceAll(/[_ -]/g, '')
    const isPart = [dayNames, clockNames, utcNames, parted].some((names) => names.has(name))
    found = isPart || name.replace(/^tv/, '') in parts ? name : null
    known.set(path, found)
  }
  return found
}

/** The time that members of a message make together, or `null`. */
export function composedTime(
  fields: Fields,
  receivedAt: number,
  clock: ZoneClock | null,
  read: (value: FieldValue) => number | null,
): number | null {
  let found: Map<string, FieldValue> | null = null
  for (const path in fields) {
    const name = partOf(path)
    if (name !== null) found = (found ?? new Map<string, FieldValue>()).set(name, fields[path] as FieldValue)
  }
  if (!found || found.size < 2) return null
  const dated = dateParts(found, clock)
  // Parts of a date may be those of a plan: they count while they are of these hours.
  const isNear = dated !== null && Math.abs(dated - receivedAt) < dayMs
  return dayAndClock(found, read) ?? (isNear ? dated : null) ?? gpsWeek(found) ?? secondsAndPart(found)
}

function dayAndClock(
  found: ReadonlyMap<string, FieldValue>,
  read: (value: FieldValue) => number | null,
): number | null {
  const find = (names: ReadonlySet<string>, form: RegExp): string | undefined => {
    for (const [name, value] of found) if (names.has(name) && form.test(String(value))) return String(value)
    return undefined
  }
  const dayForm = /^\d{1,4}[-./]\d\d?[-./]\d{2,4}$/
  const clockForm = /^\d\d?:\d\d(?::\d\d)?(?:[.,]\d+)?/
  const day = find(dayNames, dayForm)
  const time = find(clockNames, clockForm)
  if (day !== undefined && time !== undefined) return read(`${day} ${time}`)
  const utcDay = find(utcNames, dayForm)
  const utcTime = find(utcNames, clockForm)
  return utcDay === undefined || utcTime === undefined
    ? null
    : read(`${utcDay} ${utcTime.replace(/Z$/i, '')}Z`)
}

/** `{"year":2026,"month":11,…}` */
function dateParts(found: ReadonlyMap<string, FieldValue>, clock: ZoneClock | null): number | null {
  const part = (...names: string[]): number | null => {
    const name = names.find((one) => typeof found.get(one) === 'number')
    return name === undefined ? null : Number(found.get(name))
  }
  const all = [
    part('year'),
    part('month', 'mon'),
    part('day', 'mday'),
    part('hour', 'hours'),
    part('minute', 'min'),
  ]
  if (!clock || all.includes(null)) return null
  const numbers = [...all.map(Number), part('second', 'sec') ?? 0]
  if (!numbers.every(Number.isInteger)) return null
  const [year = 0, ...rest] = numbers
  const local = localTime([year < 100 ? year + 2000 : year, ...rest])
  return local === null ? null : clock(local)
}

/** A week since 1980 and the time in it; receivers that count to 1024 say too little. */
function gpsWeek(found: ReadonlyMap<string, FieldValue>): number | null {
  const week = found.get('gpsweek') ?? (found.has('tow') || found.has('itow') ? found.get('week') : undefined)
  const tow = found.get('gpstow') ?? found.get('tow') ?? found.get('itow') ?? found.get('towms')
  if (typeof week !== 'number' || typeof tow !== 'number' || week < 1024) return null
  const ms = found.has('itow') || found.has('towms') ? tow : tow * 1000
  return ms < 0 || ms > weekMs ? null : gpsStart + week * weekMs + ms - leapMs
}

function secondsAndPart(found: ReadonlyMap<string, FieldValue>): number | null {
  const seconds = found.get('sec') ?? found.get('secs') ?? found.get('seconds') ?? found.get('tvsec')
  if (typeof seconds !== 'number' || !Number.isInteger(seconds)) return null
  for (const [name, value] of found) {
    const factor = parts[name.replace(/^tv/, '')]
    if (factor !== undefined && typeof value === 'number') return seconds * 1000 + value * factor
  }
  return null
}
