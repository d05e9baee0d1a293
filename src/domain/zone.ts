// Time zones of the IANA database: what a clock on the wall shows at an instant, and the instant at which it shows a time.
// Days that begin late because the clock jumps over midnight begin at the jump; of two midnights the first counts.

import { AppError } from './errors.ts'

/** A clock on the wall. Local times are milliseconds as if the wall showed UTC. */
export interface Zone {
  name: string
  /** Milliseconds the wall is ahead of UTC at an instant. */
  offsetAt(time: number): number
  /** The first instant at which the wall shows `local`, or has just jumped over it. */
  instantOf(local: number): number
}

export const utc: Zone = { name: 'UTC', offsetAt: () => 0, instantOf: (local) => local }

/** The zone of an IANA name such as `Europe/Berlin`. Throws `bad_time`. */
export function openZone(name: string): Zone {
  if (name === 'UTC' || name === 'Z') return utc
  let format: Intl.DateTimeFormat
  try {
    format = new Intl.DateTimeFormat('en-US', { timeZone: name, timeZoneName: 'longOffset' })
  } catch (error) {
    throw new AppError(
      'bad_time',
      `tz: "${name.slice(0, 60)}" is not a time zone; write an IANA name such as Europe/Berlin`,
      { cause: error, problems: [{ path: 'tz', message: 'not a time zone' }] },
    )
  }
  const offsetAt = weekly((time) => offsetIn(format.format(time)))
  return { name, offsetAt, instantOf: (local) => instantOf(local, offsetAt) }
}

const dayMs = 86_400_000
const weekMs = 7 * dayMs

/**
 * Asks once a week of time: no zone has put its clock forward and back within seven days since clocks are kept in the
 * database, so that two equal ends mean no change between. A question costs microseconds, and there may be 100,000.
 */
function weekly(ask: (time: number) => number): (time: number) => number {
  const known = new Map<number, number>()
  const at = (week: number): number => {
    let offset = known.get(week)
    if (offset === undefined) known.set(week, (offset = ask(week * weekMs)))
    return offset
  }
  return (time) => {
    const week = Math.floor(time / weekMs)
    const offset = at(week)
    return offset === at(week + 1) ? offset : ask(time)
  }
}

/** Reads the `GMT+05:30` at the end of a formatted date. */
function offsetIn(text: string): number {
  const [, sign, hours, minutes, seconds] = /GMT(?:([+-\u2212])(\d\d):(\d\d)(?::(\d\d))?)?$/.exec(text) ?? []
  if (sign === undefined) return 0
  const ms = (Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds ?? 0)) * 1000
  return sign === '+' ? ms : -ms
}

function instantOf(local: number, offsetAt: (time: number) => number): number {
  const before = local - offsetAt(local - dayMs)
  const after = local - offsetAt(local + dayMs)
  if (before === after) return before
  const shown = [before, after].filter((time) => time + offsetAt(time) === local)
  return shown.length > 0 ? Math.min(...shown) : Math.max(before, after)
}
