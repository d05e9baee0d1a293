// Times below the top of a message: many platforms put one beside each value (`temperature.timestamp`, `0.ts`). They are the
// message's when all of them are the same; else it holds several samples, and which of them it is about nobody can tell.

import type { Fields, FieldValue } from '../../domain/reading.ts'

/** Members that say when something was. */
export const timeNames: ReadonlySet<string> = new Set(
  `timestamp Timestamp TimeStamp timeStamp TIMESTAMP time_stamp timestamp_ms timestampMs tstamp time Time ts Ts TS time_utc timeUtc
  dateTime datetime observedAt observed_at measured_at measuredAt sampled_at sampledAt phenomenonTime sourceTimestamp SourceTimestamp
  readingTime reading_time timeOfSample fixTime fix_time gpsTime gps_time deviceTime utctime utcTime TimeInstant time_t`.split(
    /\s+/,
  ),
)
/** Members whose time is that of something else: a setting, a plan, what was before or was the most. */
const others =
  /firmware|build|conf|setting|last|prev|before|old|next|plan|sched|start|boot|begin|end|expir|creat|updat|chang|modif|install|alarm|alert|event|hist|log|max|min|peak|sun|moon|forecast|daily|hourly|gateway|rxinfo|metadata\.gateways|meta_?data$|rx_metadata|install|warrant|birth|calib|reset|trip|token|session|cert/i
/** What an attribute of a context broker is beside its value. */
const wrapped = /\.(?:TimeInstant|timestamp|dateObserved)\.value$/i
/** A time in two numbers, as protobuf, ROS and Firestore have it. */
const split = /^(?:(.*)\.)?(?:ts|time|timestamp|stamp)\.(?:secs?|_?seconds|timeInSeconds)$/i
const rest = ['nsec', 'nsecs', 'nanosec', 'nanos', '_nanoseconds', 'nanoseconds', 'offsetInNanos']

/** Whether a field by its path may say when the message's sample was, alone or together with its neighbour. */
function saysWhen(path: string): 'whole' | 'split' | null {
  const parts = split.exec(path)
  if (parts) return others.test(parts[1] ?? '') ? null : 'split'
  const end = path.lastIndexOf('.')
  if (end === -1) return null
  if (wrapped.test(path)) return 'whole'
  return timeNames.has(path.slice(end + 1)) && !others.test(path.slice(0, end)) ? 'whole' : null
}

/** Milliseconds of seconds and the nanoseconds beside them. */
function together(fields: Fields, path: string): number | null {
  const seconds = Number(fields[path])
  const above = path.slice(0, path.lastIndexOf('.') + 1)
  const name = rest.find((one) => fields[above + one] !== undefined)
  const time = seconds * 1000 + (name === undefined ? 0 : Number(fields[above + name]) / 1e6)
  return Number.isFinite(time) ? time : null
}

/** Paths that are remembered; devices mostly send the same again. */
const pathsMax = 10_000

/** The time that all such fields of a message are, or `null`. */
export function nestedTime(read: (value: FieldValue) => number | null): (fields: Fields) => number | null {
  const known = new Map<string, ReturnType<typeof saysWhen>>()
  return (fields) => {
    let time: number | null = null
    for (const path in fields) {
      let how = known.get(path)
      if (how === undefined) {
        if (known.size >= pathsMax) known.clear()
        how = saysWhen(path)
        known.set(path, how)
      }
      if (how === null) continue
      const found = how === 'split' ? together(fields, path) : read(fields[path] as FieldValue)
      if (found === null || (time !== null && found !== time)) return null
      time = found
    }
    return time
  }
}
