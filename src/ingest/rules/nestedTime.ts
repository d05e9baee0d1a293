// Times below the top of a message: many platforms put one beside each value (`temperature.timestamp`, `0.ts`). They are the
// message's when all of them are the same; else it holds several samples, and which of them it is about nobody can tell.

import type { Fields, FieldValue } from '../../domain/reading.ts'
import { timeLimits, trustedTime } from '../clean/times.ts'
import type { ReadIn } from './timeStep.ts'
import { isUtcName, timeClass } from './timeWords.ts'

/** Whether a member by its name can say when something was; what it holds may be something else. */
export const maySayWhen = (name: string): boolean => {
  const found = name === 'date' ? null : timeClass(name)
  return found === 'measured' || found === 'plain'
}

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
const split = /^(?:(.*)\.)?(?:ts|time|timestamp|stamp)\.(?:secs?|_?seconds|timeInSeconds|tv_sec)$/i
const rest: Readonly<Record<string, number>> = {
  nsec: 1e6,
  nsecs: 1e6,
  nanosec: 1e6,
  nanos: 1e6,
  _nanoseconds: 1e6,
  nanoseconds: 1e6,
  offsetInNanos: 1e6,
  tv_nsec: 1e6,
  tv_usec: 1e3,
  usec: 1e3,
  micros: 1e3,
}
/** Times of one message that are less apart are of one moment. */
export const sameMs = 1000

/** Whether a field by its path may say when the message's sample was, alone or together with its neighbour. */
export function saysWhen(path: string): 'whole' | 'split' | 'maybe' | null {
  const parts = split.exec(path)
  if (parts) return others.test(parts[1] ?? '') ? null : 'split'
  const end = path.lastIndexOf('.')
  if (end === -1) return null
  if (wrapped.test(path)) return 'whole'
  if (others.test(path.slice(0, end))) return null
  const name = path.slice(end + 1)
  // `motion.at` may be when something last moved.
  return timeNames.has(name) ? 'whole' : name.length > 4 && maySayWhen(name) ? 'maybe' : null
}

/** Milliseconds of seconds and the nanoseconds beside them. */
function together(fields: Fields, path: string): number | null {
  const seconds = Number(fields[path])
  const above = path.slice(0, path.lastIndexOf('.') + 1)
  let time = seconds * 1000
  for (const name in rest) time += Number(fields[above + name] ?? 0) / (rest[name] as number)
  return Number.isFinite(time) ? time : null
}

/** Paths that are remembered; devices mostly send the same again. */
const pathsMax = 10_000

/** The time that all such fields of a message are, or `null`. */
export function nestedTime(read: ReadIn): (fields: Fields, receivedAt: number) => number | null {
  const known = new Map<string, ReturnType<typeof saysWhen>>()
  return (fields, receivedAt) => {
    let time: number | null = null
    let maybe: number | null = null
    for (const path in fields) {
      let how = known.get(path)
      if (how === undefined) {
        if (known.size >= pathsMax) known.clear()
        how = saysWhen(path)
        known.set(path, how)
      }
      if (how === null) continue
      const found =
        how === 'split'
          ? together(fields, path)
          : read(fields, fields[path] as FieldValue, receivedAt, isUtcName(path))
      if (how === 'maybe') {
        const trusted = trustedTime(found, receivedAt, timeLimits)
        if (trusted !== null) maybe = maybe === null || isSame(maybe, trusted) ? trusted : Number.NaN
        continue
      }
      if (found === null || (time !== null && !isSame(time, found))) return null
      time = time === null ? found : Math.min(time, found)
    }
    return time ?? maybe
  }
}

const isSame = (one: number, other: number): boolean => Math.abs(one - other) < sameMs
