// Times below the top of a message: many platforms put one beside each value (`temperature.timestamp`, `0.ts`). They are the
// message's when all of them are the same; else it holds several samples, and which of them it is about nobody can tell.

import type { Fields, FieldValue } from '../../domain/reading.ts'

const names = new Set(
  `timestamp Timestamp TimeStamp timeStamp TIMESTAMP time_stamp timestamp_ms timestampMs tstamp time Time ts Ts TS time_utc timeUtc
  dateTime datetime observedAt observed_at measured_at measuredAt sampled_at sampledAt phenomenonTime sourceTimestamp SourceTimestamp
  TimeInstant time_t`.split(/\s+/),
)
/** Members whose time is that of something else: a setting, a plan, what was before or was the most. */
const others =
  /firmware|build|conf|setting|last|prev|before|old|next|plan|sched|start|boot|begin|end|expir|creat|updat|chang|modif|install|alarm|alert|event|hist|log|max|min|peak|sun|moon|forecast|daily|hourly|gateway|rxinfo|metadata\.gateways|meta_?data$|rx_metadata|install|warrant|birth|calib|reset|trip|token|session|cert/i
/** What an attribute of a context broker is beside its value. */
const wrapped = /\.(?:TimeInstant|timestamp|dateObserved)\.value$/i

/** Whether a field by its path may say when the message's sample was. */
function saysWhen(path: string): boolean {
  const end = path.lastIndexOf('.')
  if (end === -1) return false
  if (wrapped.test(path)) return true
  return names.has(path.slice(end + 1)) && !others.test(path.slice(0, end))
}

/** Paths that are remembered; devices mostly send the same again. */
const pathsMax = 10_000

/** The time that all such fields of a message are, or `null`. */
export function nestedTime(read: (value: FieldValue) => number | null): (fields: Fields) => number | null {
  const known = new Map<string, boolean>()
  return (fields) => {
    let time: number | null = null
    for (const path in fields) {
      let isTime = known.get(path)
      if (isTime === undefined) {
        if (known.size >= pathsMax) known.clear()
        isTime = saysWhen(path)
        known.set(path, isTime)
      }
      if (!isTime) continue
      const found = read(fields[path] as FieldValue)
      if (found === null || (time !== null && found !== time)) return null
      time = found
    }
    return time
  }
}
