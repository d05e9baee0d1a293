// The zone a message names beside a time without an offset: `"timezone":"Europe/London"`, `"utc_offset_seconds":3600`. Only what can
// mean one offset counts: numbers of hours or minutes have signs that makers take either way.

import type { Fields } from '../../domain/reading.ts'
import { zoneClock, type ZoneClock } from '../../domain/zonedTime.ts'
import { zoneNames } from './timeText.ts'

const names = [
  'timezone',
  'timeZone',
  'time_zone',
  'Timezone',
  'TimeZone',
  'tz',
  'TZ',
  'tzid',
  'zone',
  'utc_offset',
  'utcOffset',
  'UTCOffset',
]
const secondsNames = ['utc_offset_seconds', 'utcOffsetSeconds']
const offsetMax = 14 * 3600

/** Zones that are remembered: each holds a table of the system. */
const zonesMax = 64
const known = new Map<string, ZoneClock | null>()

/** `null` where none is named, or none that is known. */
export function zoneBeside(fields: Fields): ZoneClock | null {
  for (const name of secondsNames) {
    const seconds = fields[name]
    if (typeof seconds !== 'number' || seconds % 900 !== 0 || Math.abs(seconds) > offsetMax) continue
    return (local) => local - seconds * 1000
  }
  for (const name of names) {
    const text = fields[name]
    const clock = typeof text === 'string' && text.length <= 40 ? clockOf(text) : null
    if (clock) return clock
  }
  return null
}

function clockOf(text: string): ZoneClock | null {
  let clock = known.get(text)
  if (clock === undefined) {
    if (known.size >= zonesMax) known.clear()
    clock = clockNamed(text)
    known.set(text, clock)
  }
  return clock
}

function clockNamed(text: string): ZoneClock | null {
  const [, sign, hours = '', minutes = '00'] = /^(?:UTC|GMT)?([+-])(\d\d?)(?::?(\d\d))?$/.exec(text) ?? []
  if (sign !== undefined) return zoneClock(`${sign}${hours.padStart(2, '0')}:${minutes}`)
  if (/^[A-Z][a-z]+\/[A-Z][\w+/-]+$/.test(text)) return zoneClock(text)
  const offset = zoneNames[text]
  return offset === undefined ? null : zoneClock(offset)
}

/** Whether a text says its own offset. */
export const hasOffset = (text: string): boolean => /\d(?:Z|[+-]\d\d(?::?\d\d)?)$|(?:UTC|GMT)/i.test(text)
