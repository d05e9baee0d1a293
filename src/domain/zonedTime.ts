// Local times of a place as moments: the offset of an IANA zone (Europe/Berlin) at a time, with its summer time.

/** Reads the parts of a local time as milliseconds since 1970. */
export type ZoneClock = (localAsUtc: number) => number

/** `null` when there is no such zone. `Z`, `UTC` and offsets such as `+02:00` are zones too. */
export function zoneClock(zone: string): ZoneClock | null {
  const fixed = /^([+-])(\d\d):?(\d\d)$/.exec(zone)
  if (fixed) {
    const minutes = Number(fixed[2]) * 60 + Number(fixed[3])
    const offset = (fixed[1] === '-' ? -minutes : minutes) * 60_000
    return (local) => local - offset
  }
  if (zone === 'Z' || zone === 'UTC') return (local) => local
  let format: Intl.DateTimeFormat
  try {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    })
  } catch {
    return null
  }
  const offsets = cachedOffsets(format)
  return (local) => {
    // The offset at the local time read as UTC may be that of the other side of a change; the second look settles it.
    const first = local - offsets(local)
    return local - offsets(first)
  }
}

const quarterMs = 900_000
const cacheMax = 10_000

/** Offsets change at most every quarter of an hour. */
function cachedOffsets(format: Intl.DateTimeFormat): (at: number) => number {
  const known = new Map<number, number>()
  return (at) => {
    const quarter = Math.floor(at / quarterMs)
    let offset = known.get(quarter)
    if (offset === undefined) {
      offset = offsetOf(format, quarter * quarterMs)
      if (known.size >= cacheMax) known.clear()
      known.set(quarter, offset)
    }
    return offset
  }
}

function offsetOf(format: Intl.DateTimeFormat, at: number): number {
  const parts: Record<string, number> = {}
  for (const { type, value } of format.formatToParts(at)) parts[type] = Number(value)
  const { year = 1970, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts
  return Date.UTC(year, month - 1, day, hour, minute, second) - at
}
