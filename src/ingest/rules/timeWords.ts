// Names that say when something was, whoever made them up: `obsTimeUtc`, `device_timestamp`, `read_at`. Every word of a name must
// be one of these: `last_time`, `uptime` and `next_start` are other moments, or none.

/** When it was measured, a moment of which no more is said, when it was sent or heard. */
export type TimeClass = 'measured' | 'plain' | 'sent'

const words = (text: string): ReadonlySet<string> => new Set(text.split(/\s+/))
const core = words(
  'time timestamp ts tst tstamp stamp date datetime dt epoch unix unixtime unixtimestamp posix utc jd mjd ticks localtime horodate horodatage zeit uhrzeit zeitstempel rxtime txtime',
)
const measured = words(
  'measure measured measurement meas sample sampled sampling record recorded observe observed observation obs read reading capture captured acquisition acq acquired event device sensor fix gps gnss meter data log logged collect collected source phenomenon taken snapshot location car vehicle node station meter inverter poll polled scan scanned telemetry metric metrics value val',
)
const sent = words(
  'sent send publish published report reported receive received recv rx gateway gw server msg message packet uplink enqueued processed current system tx rxtime txtime arrival upload terminal client host edge',
)
const rest = words(
  'ms us ns s sec secs seconds msec usec nsec millis milliseconds iso iso8601 local locale full gmt of',
)
const pastParticiple =
  /^(?:measured|sampled|recorded|observed|captured|acquired|collected|logged|read|taken|sent|published|reported|received)$/

/** Names that are remembered; devices mostly send the same again. */
const namesMax = 10_000
const known = new Map<string, TimeClass | null>()

/** What the name of a member says of its time; `null`: it is none, or another one. */
export function timeClass(name: string): TimeClass | null {
  if (name.length > 40) return null
  let found = known.get(name)
  if (found === undefined) {
    if (known.size >= namesMax) known.clear()
    found = classify(name)
    known.set(name, found)
  }
  return found
}

function classify(name: string): TimeClass | null {
  if (name === 'at' || name === 'when') return 'plain'
  const parts = name
    .replaceAll(/([a-z\d])([A-Z])/g, '$1 $2')
    .replaceAll(/([A-Z])([A-Z][a-z])/g, '$1 $2')
    .toLowerCase()
    .split(/[\s_\-@]+/)
    .filter((part) => part !== '')
  const last = parts.at(-1) ?? ''
  const isParticiple = parts.length === 2 && (last === 'at' || last === 'on')
  if (isParticiple && pastParticiple.test(parts[0] ?? '')) parts.pop()
  else if (!parts.some((part) => core.has(part))) return null
  if (!parts.every((part) => core.has(part) || measured.has(part) || sent.has(part) || rest.has(part)))
    return null
  if (parts.some((part) => sent.has(part))) return 'sent'
  return parts.some((part) => measured.has(part)) ? 'measured' : 'plain'
}

const ranks = { measured: 0, plain: 2, sent: 4 }

/** Which of several names goes first: measured before sent before received, what may be local behind what is not. */
export function timeRank(name: string): number | null {
  const found = timeClass(name)
  if (!found) return null
  return ranks[found] + (/local/i.test(name) ? 1 : 0) + (/^(?:rx|rec)|arriv/i.test(name) ? 2 : 0)
}

/** Whether a time without an offset is one of UTC by its name, or that of the member at the end of a path. */
export const isUtcName = (path: string): boolean => /utc|gmt/i.test(path.slice(path.lastIndexOf('.') + 1))

/** Whether a number of seconds by this name is a count of something else. */
export const isNoEpoch = (name: string): boolean => /ticks$|^m?jd$/i.test(name)
