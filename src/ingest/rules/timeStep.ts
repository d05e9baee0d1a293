// Where a rule finds the time of a reading: epoch numbers of any unit, ISO 8601, and the patterns makers invent. A time without
// an offset counts only when somebody says where it is meant.

import { zoneClock, type ZoneClock } from '../../domain/zonedTime.ts'
import { parseDuration } from '../../domain/time.ts'
import type { Fields, FieldValue } from '../../domain/reading.ts'
import { isUnsetClock, type TimeLimits, timeLimits, trustedTime } from '../clean/times.ts'
import { globMatcher } from './fieldStep.ts'
import { type TimeSource, timeFormats } from './schema.ts'
import { composedTime, partOf } from './composedTime.ts'
import { nearTime } from './nearTime.ts'
import { nestedTime, saysWhen } from './nestedTime.ts'
import { isoTime, localTime, timeOfText } from './timeText.ts'
import { isNoEpoch, isUtcName, timeRank } from './timeWords.ts'
import { hasOffset, zoneBeside } from './zoneBeside.ts'

/** The time of a record by its fields, or `null`. */
export type TimeStep = (fields: Fields, receivedAt: number) => number | null

/** Throws `RangeError` saying what is wrong with the rule. */
export function compileTime(sources: readonly TimeSource[], zone: string | undefined): TimeStep {
  const steps = sources.map((source) => compileOne(source, source.zone ?? zone))
  const inOrder: TimeStep = (fields, receivedAt) => {
    for (const step of steps) {
      const time = step(fields, receivedAt)
      if (time !== null) return time
    }
    return null
  }
  const patterns = sources.findIndex(({ path }) => path.includes('*'))
  const named = patterns === -1 ? sources.length : patterns
  if (named <= fieldsUsual) return inOrder
  const first = byName(sources.slice(0, named), steps)
  if (named === sources.length) return first
  const rest = compileTime(sources.slice(named), zone)
  return (fields, receivedAt) => first(fields, receivedAt) ?? rest(fields, receivedAt)
}

/** Fields of most messages: a list longer than this is looked up by them, not they by it. */
const fieldsUsual = 6

/** Whether a field of this name can have to do with the time that `sources` say; a message of none such has no time. */
export function timeLook(sources: readonly TimeSource[]): (name: string) => boolean {
  const looks = sources.map(({ path, date }): ((name: string) => boolean) => {
    if (path === '**') return (name) => saysWhen(name) !== null
    if (path === '*') return (name) => timeRank(name) !== null || partOf(name) !== null
    const fits = globMatcher(path)
    return (name) => name === date || fits(name)
  })
  return (name) => looks.some((look) => look(name))
}

/** The first in order of those whose field is there. */
function byName(sources: readonly TimeSource[], steps: readonly TimeStep[]): TimeStep {
  const places = new Map<string, number[]>()
  for (const [place, { path }] of sources.entries()) {
    places.set(path, [...(places.get(path) ?? []), place])
  }
  return (fields, receivedAt) => {
    let found: number[] | null = null
    for (const name in fields) {
      const here = places.get(name)
      if (here) found = found ? [...found, ...here] : here
    }
    if (!found) return null
    for (const place of found.length > 1 ? found.toSorted((a, b) => a - b) : found) {
      const time = (steps[place] as TimeStep)(fields, receivedAt)
      if (time !== null) return time
    }
    return null
  }
}

/** Reads what is found out to be a time. */
export function timeReader(zone: string | undefined): ReadIn {
  return readBeside('auto', readerOf('auto', clockOf(zone)))
}

function clockOf(zone: string | undefined): ZoneClock | null {
  const clock = zone === undefined ? null : zoneClock(zone)
  if (zone !== undefined && !clock)
    throw new RangeError(`"${zone}" is no time zone; write Europe/Berlin, UTC or +01:00`)
  return clock
}

function compileOne(source: TimeSource, zone: string | undefined): TimeStep {
  const { path, format = 'auto' } = source
  const clock = clockOf(zone)
  const limits: TimeLimits = {
    maxAgeMs: source.max_age === undefined ? timeLimits.maxAgeMs : parseDuration(source.max_age),
    maxFutureMs: source.max_future === undefined ? timeLimits.maxFutureMs : parseDuration(source.max_future),
  }
  const read = readerOf(format, clock)
  const readIn = source.zone === undefined ? readBeside(format, read) : withoutFields(read)
  const trusted = trustOf(source, clock, limits)
  const nested =
    path === '**' ? nestedTime(readIn) : path === '*' ? namedTime(read, readIn, clock, trusted) : null
  const find = source.date === undefined ? finderOf(path) : dayAndTime(source.date, path)
  const conditions = Object.entries(source.if ?? {}).map(([name, values]) => [name, [values].flat()] as const)
  return (fields, receivedAt) => {
    if (!conditions.every(([name, values]) => values.includes((fields[name] ?? null) as never))) return null
    if (nested) return trusted(nested(fields, receivedAt), receivedAt)
    const value = find(fields)
    return value === undefined ? null : trusted(readIn(fields, value, receivedAt), receivedAt)
  }
}

type Trust = (time: number | null, receivedAt: number) => number | null

/** What can be a time, and is none of a clock that was never set; a rule that says how old it may be knows better. */
function trustOf(source: TimeSource, clock: ZoneClock | null, limits: TimeLimits): Trust {
  return (found, receivedAt) => {
    const time = trustedTime(found, receivedAt, limits)
    if (time === null || source.max_age !== undefined) return time
    const isUnset =
      isUnsetClock(time, receivedAt) || (clock && isUnsetClock(2 * time - clock(time), receivedAt))
    return isUnset ? null : time
  }
}

/** Reads a value of a message. */
export type ReadIn = (fields: Fields, value: FieldValue, receivedAt: number, isUtc?: boolean) => number | null

const withoutFields =
  (read: ReadTime): ReadIn =>
  (_fields, value, receivedAt, isUtc) =>
    read(value, receivedAt, isUtc)

/** A time without an offset is meant where the message says, if it does. */
function readBeside(format: string, read: ReadTime): ReadIn {
  if (format !== 'auto' && format !== 'iso8601') return withoutFields(read)
  return (fields, value, receivedAt, isUtc) => {
    const beside = typeof value === 'string' && !isUtc && !hasOffset(value) ? zoneBeside(fields) : null
    return beside ? readerOf(format, beside)(value, receivedAt) : read(value, receivedAt, isUtc)
  }
}

/** Of the members at the top that are named like a time the first that is one: measured before sent; or what several make together. */
function namedTime(
  read: ReadTime,
  readIn: ReadIn,
  clock: ZoneClock | null,
  trusted: Trust,
): (fields: Fields, receivedAt: number) => number | null {
  return (fields, receivedAt) => {
    let first: number | null = null
    let firstRank = Number.POSITIVE_INFINITY
    for (const name in fields) {
      const rank = timeRank(name)
      if (rank === null || rank >= firstRank) continue
      if (isNoEpoch(name) && /^\d{9,16}$/.test(String(fields[name]))) continue
      const time = trusted(
        readIn(fields, fields[name] as FieldValue, receivedAt, isUtcName(name)),
        receivedAt,
      )
      if (time !== null) [first, firstRank] = [time, rank]
    }
    return first ?? composedTime(fields, receivedAt, clock, (value) => read(value, receivedAt))
  }
}

/** A day and a time of day as one text. */
function dayAndTime(date: string, path: string): (fields: Fields) => FieldValue | undefined {
  return (fields) => {
    const [day, time] = [fields[date], fields[path]]
    if (typeof day !== 'string' || typeof time !== 'string') return undefined
    return /^\d\d?:\d\d/.test(time) ? `${day} ${time}` : undefined
  }
}

/** The field at `path`; of a pattern the first that fits. */
function finderOf(path: string): (fields: Fields) => FieldValue | undefined {
  if (!path.includes('*')) return (fields) => fields[path]
  const fits = globMatcher(path)
  return (fields) => {
    for (const name in fields) if (fits(name)) return fields[name]
    return undefined
  }
}

/** `isUtc`: a time without an offset is one of UTC, wherever the device stands. */
export type ReadTime = (value: FieldValue, receivedAt: number, isUtc?: boolean) => number | null

const perMs: Record<string, number> = { epoch_s: 1e3, epoch_ms: 1, epoch_us: 1e-3, epoch_ns: 1e-6 }

function readerOf(format: string, clock: ZoneClock | null): ReadTime {
  if (format === 'iso8601') return (value) => isoTime(String(value), clock)
  const factor = perMs[format]
  if (factor !== undefined) return (value) => epochTime(value, factor)
  if (format === 'auto')
    return (value, receivedAt, isUtc) => autoOrNear(value, receivedAt, isUtc ? utcClock : clock)
  return patternReader(format, clock)
}

const yearMs = 31_557_600_000
const utcClock: ZoneClock = (local) => local

/** What was long ago, or cannot be, may be counted or written in another way that comes to now. */
function autoOrNear(value: FieldValue, receivedAt: number, clock: ZoneClock | null): number | null {
  const time = autoTime(value, clock)
  if (time !== null && time > receivedAt - yearMs && time <= receivedAt + timeLimits.maxFutureMs) return time
  return nearTime(value, receivedAt, clock) ?? time
}

function autoTime(value: FieldValue, clock: ZoneClock | null): number | null {
  if (typeof value === 'boolean') return null
  if (typeof value === 'string' && !/^\d+(?:\.\d+)?$/.test(value)) return timeOfText(value, clock)
  const size = Number(value)
  // Seconds until 5138, then milliseconds, microseconds, nanoseconds.
  return epochTime(value, size < 1e11 ? 1e3 : size < 1e14 ? 1 : size < 1e17 ? 1e-3 : 1e-6)
}

function epochTime(value: FieldValue, factor: number): number | null {
  if (typeof value === 'boolean') return null
  const number = Number(value)
  return Number.isFinite(number) ? number * factor : null
}

const tokens = ['YYYY', 'YY', 'MM', 'DD', 'HH', 'mm', 'ss', 'SSS']

/** A pattern such as `MM/DD/YYYY HH:mm:ss`. */
function patternReader(pattern: string, clock: ZoneClock | null): ReadTime {
  if (!['DD', 'MM', 'HH'].every((token) => pattern.includes(token))) {
    throw new RangeError(
      `"${pattern}" is no format of times; write one of ${timeFormats.join(', ')} or a pattern such as DD.MM.YYYY HH:mm:ss`,
    )
  }
  const order: string[] = []
  const source = pattern.replaceAll(/YYYY|YY|MM|DD|HH|mm|ss|SSS|[^]/g, (part) => {
    if (!tokens.includes(part)) return part.replaceAll(/[\\^$.*+?()[\]{}|/]/g, String.raw`\$&`)
    order.push(part)
    return `(\\d{${part.length}})`
  })
  const whole = new RegExp(`^${source}$`)
  return (value) => {
    const found = whole.exec(String(value))
    if (!found || !clock) return null
    const part = (token: string): number =>
      order.includes(token) ? Number(found[order.indexOf(token) + 1]) : 0
    const year = order.includes('YYYY') ? part('YYYY') : 2000 + part('YY')
    const local = localTime([year, part('MM'), part('DD'), part('HH'), part('mm'), part('ss')])
    return local === null ? null : clock(local) + part('SSS')
  }
}
