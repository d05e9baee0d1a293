// Times as text: ISO 8601 with the liberties makers take, the dates of e-mails and C programs, and German ones. Dates whose order
// nobody can tell (03/04/2026) are none.

import { zoneClock, type ZoneClock } from '../../domain/zonedTime.ts'

const zone = String.raw`(Z|UTC|GMT|[+-]\d\d(?::?\d\d)?)?`
const fraction = String.raw`(?:[.,](\d{1,9}))?`
/** Behind an offset Java names the zone, and Go what people call it. */
const zoneAgain = String.raw`(?:(?<=[Z\d])\[[\w/+-]{1,40}\]|(?<=[+-]\d{4}) [A-Z]{3,4}|(?<=\d)(?: ([A-Z]{3,4})))?`
/**
 * `2026-11-24T12:00:00.5+01:00`; also with blanks, `/`, `.` or `:` between the parts of the date, and named zones. mosquitto_sub puts a Z
 * before its offset.
 */
const iso = new RegExp(
  String.raw`^(\d{4})([-/.:])(\d\d)\2(\d\d)[T _](\d\d)([:-])(\d\d)(?:\6(\d\d)${fraction})?\s{0,4}?(?:(?:[A-Z]{3,4}|(?<=\.\d{6})Z)(?=[+-]\d{4}$))?${zone}${zoneAgain}$`,
  'i',
)
/** `20261124T120000Z` */
const basic = new RegExp(String.raw`^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)${fraction}${zone}$`)
/** `24.11.2026 12:00:00` */
const german = /^(\d\d?)\.(\d\d?)\.(\d{4}),?[ T](\d\d?):(\d\d)(?::(\d\d))?$/
/** `24/11/2026 12:00:00`, and `11/24/2026 12:00:00 PM`: where the day is above 12 nobody can take it for the month. */
const slashes =
  /^(\d\d?)[/-](\d\d?)[/-](\d{4}),?[ T](\d\d?):(\d\d)(?::(\d\d))?(?: ?([AP])M)?(?: (UTC|GMT|Z))?$/i
/** `Tue, 24 Nov 2026 12:00:00 GMT` [RFC 5322, 3.3] */
const mail = /^(?:[A-Z][a-z]{2}, )?(\d\d?) ([A-Z][a-z]{2}) (\d{4}) (\d\d):(\d\d):(\d\d) (GMT|UTC|[+-]\d{4})$/
/** `Tue Nov 24 12:00:00 2026`, of ctime(); Java has a zone before the year, others behind it. */
const ctime =
  /^[A-Z][a-z]{2} ([A-Z][a-z]{2}) {1,2}(\d\d?) (\d\d):(\d\d):(\d\d)(?: ([A-Z]{3,4}))? (\d{4})(?: ([A-Z]{3,4}))?$/
/** Names of zones that mean one offset only: CST, IST and BST mean several. */
export const zoneNames: Readonly<Record<string, string>> = {
  __proto__: null as never,
  UTC: 'Z',
  GMT: 'Z',
  WET: '+00:00',
  WEST: '+01:00',
  CET: '+01:00',
  MEZ: '+01:00',
  CEST: '+02:00',
  MESZ: '+02:00',
  EET: '+02:00',
  EEST: '+03:00',
  EST: '-05:00',
  EDT: '-04:00',
  CDT: '-05:00',
  MDT: '-06:00',
  PST: '-08:00',
  PDT: '-07:00',
}
/** `Tue Nov 24 2026 12:00:00 GMT+0100 (…)`, of JavaScript */
const javascript =
  /^[A-Z][a-z]{2} ([A-Z][a-z]{2}) (\d\d) (\d{4}) (\d\d):(\d\d):(\d\d) GMT([+-]\d{4})(?: \([^)]{1,40}\))?$/
/** `24-Nov-2026 12:00:00`, `24/Nov/2026:12:00:00 +0000` of Apache, `Tuesday, 24-Nov-26 12:00:00 GMT` [RFC 850] */
const monthNamed =
  /^(?:[A-Z][a-z]{5,8}, )?(\d\d?)([-/])([A-Z][a-z]{2})\2(\d{4}|\d\d)[ :](\d\d):(\d\d):(\d\d)(?: ?(GMT|UTC|Z|[+-]\d{4}))?$/
/** `Nov 24, 2026 12:00:00 PM` */
const american =
  /^(?:[A-Z][a-z]{2,8},? )?([A-Z][a-z]{2})[a-z]{0,6}\.? (\d\d?), ?(\d{4}),?(?: at)? (\d\d?):(\d\d)(?::(\d\d))?(?:[ \u202F]?([AP])M)?$/i
/** `261124120000W`, of meters of the P1 port: winter and summer time of Central Europe (DSMR 5.0.2, 6.4). */
const dsmr = /^(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)([WS])$/
/** `/Date(1795521590000)/`, of .NET; an offset is for showing it. */
const dotnet = /^\/Date\((\d{12,14})(?:[+-]\d{4})?\)\/$/
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
const charsMax = 96

/** Milliseconds since 1970 of ISO 8601, or `null`. Without an offset it is a time only where `clock` says whose. */
export function isoTime(text: string, clock: ZoneClock | null): number | null {
  if (text.length > charsMax) return null
  let found = iso.exec(text)
  if (found) {
    const [, year, , month, day, hour, , minute, second, part, offset, name] = found
    if (name === undefined || offset !== undefined)
      return moment([year, month, day, hour, minute, second], part, offset, clock)
    const named = zoneNames[name.toUpperCase()]
    return named === undefined ? null : moment([year, month, day, hour, minute, second], part, named, clock)
  }
  found = basic.exec(text)
  return found && moment(found.slice(1, 7), found[7], found[8], clock)
}

/** The same of any text that can be one time only. */
export function timeOfText(text: string, clock: ZoneClock | null): number | null {
  return isoTime(text, clock) ?? (text.length > charsMax ? null : writtenTime(text, clock))
}

function slashedTime(found: RegExpExecArray, clock: ZoneClock | null): number | null {
  const [, first, second, year, hour, minute, seconds, half, offset] = found
  const [one, two] = [Number(first), Number(second)]
  if (one <= 12 && two <= 12 && one !== two) return null
  const [day, month] = one > 12 ? [first, second] : [second, first]
  const whole = hourOf(hour, half)
  if (whole === null) return null
  return moment([year, month, day, whole, minute, seconds], undefined, offset, clock)
}

/** Of twelve hours twice, `half` of the day A or P. */
function hourOf(hour: string | undefined, half: string | undefined): string | null | undefined {
  if (half === undefined) return hour
  const number = Number(hour)
  return number > 12 || number === 0 ? null : String((number % 12) + (/p/i.test(half) ? 12 : 0))
}

/** What the month stands in with its name, and what meters write. */
function namedTime(text: string, clock: ZoneClock | null): number | null {
  let found = monthNamed.exec(text)
  if (found) {
    const [, day, , month, year = '', hour, minute, second, offset] = found
    const whole = year.length === 2 ? `20${year}` : year
    return moment([whole, monthOf(month), day, hour, minute, second], undefined, offset, clock)
  }
  found = american.exec(text)
  if (found) {
    const [, month, day, year, hour, minute, second, half] = found
    const whole = hourOf(hour, half)
    if (whole === null) return null
    return moment([year, monthOf(month), day, whole, minute, second], undefined, undefined, clock)
  }
  found = dsmr.exec(text)
  if (!found) return null
  const [, year, month, day, hour, minute, second, season] = found
  const offset = season === 'S' ? '+02:00' : '+01:00'
  return moment([`20${year}`, month, day, hour, minute, second], undefined, offset, null)
}

function writtenTime(text: string, clock: ZoneClock | null): number | null {
  let found = slashes.exec(text)
  if (found) return slashedTime(found, clock)
  found = german.exec(text)
  if (found) {
    const [, day, month, year, hour, minute, second] = found
    return moment([year, month, day, hour, minute, second], undefined, undefined, clock)
  }
  found = mail.exec(text)
  if (found) {
    const [, day, month, year, hour, minute, second, offset] = found
    return moment([year, monthOf(month), day, hour, minute, second], undefined, offset, clock)
  }
  found = javascript.exec(text)
  if (found) {
    const [, month, day, year, hour, minute, second, offset] = found
    return moment([year, monthOf(month), day, hour, minute, second], undefined, offset, clock)
  }
  found = dotnet.exec(text)
  if (found) return Number(found[1])
  found = ctime.exec(text)
  if (!found) return namedTime(text, clock)
  const [, month, day, hour, minute, second, before, year, behind] = found
  const name = before ?? behind
  const offset = name === undefined ? undefined : zoneNames[name]
  if (name !== undefined && offset === undefined) return null
  return moment([year, monthOf(month), day, hour, minute, second], undefined, offset, clock)
}

function monthOf(name: string | undefined): string {
  return String(months.indexOf(name ?? '') + 1)
}

function moment(
  parts: readonly (string | undefined)[],
  part: string | undefined,
  offset: string | undefined,
  clock: ZoneClock | null,
): number | null {
  const local = localTime(parts.map((one) => Number(one ?? 0)))
  if (local === null) return null
  const zoned = offset === undefined ? clock : zoneClock(offsetOf(offset.toUpperCase()))
  return zoned ? zoned(local) + Math.floor(Number(`0.${part ?? 0}`) * 1000) : null
}

function offsetOf(offset: string): string {
  return offset === 'GMT' ? 'UTC' : offset.length === 3 && offset !== 'UTC' ? `${offset}:00` : offset
}

/** Year, month, day, hour, minute, second as if UTC; `null` for a date that is none. */
export function localTime([year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0]: number[]):
  | number
  | null {
  const time = Date.UTC(year, month - 1, day, hour, minute, second)
  const date = new Date(time)
  const same = date.getUTCMonth() === month - 1 && date.getUTCDate() === day && date.getUTCHours() === hour
  return same && minute < 60 && second < 61 ? time : null
}
