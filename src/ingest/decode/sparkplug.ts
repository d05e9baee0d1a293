// Sparkplug B payloads (Eclipse Sparkplug 3.0, 6.4): metrics by name with their own times. An alias is resolved by the birth
// certificate that defined it; one nobody defined is marked, never guessed.

import { Malformed } from './bytes.ts'
import { type Decoded, Leaves } from './decoded.ts'
import { readWire, type WireField } from './protobufWire.ts'
import type { Aliases } from './sparkplugAliases.ts'
import { type Flat, flatten, readMetric } from './sparkplugTree.ts'
import { types } from './sparkplugValues.ts'

/** `spBv1.0/group/type/edge[/device]`. */
export interface SparkplugTopic {
  type: string
  /** `group/edge[/device]`: whom aliases belong to. */
  source: string
  /** `group/edge`. */
  node: string
}

export interface Metric {
  name: string
  alias: bigint | null
  timestamp: number | null
  datatype: number
  isNull: boolean
  /** Its property set as it came. */
  properties: Uint8Array | null
  /** The wire field that carries the value. */
  value: WireField | undefined
}

interface Payload {
  timestamp: number | null
  metrics: Metric[]
}

export function parseSparkplugTopic(topic: string): SparkplugTopic | null {
  const [namespace, group, type, edge, device, more] = topic.split('/')
  if (namespace !== 'spBv1.0' || !group || !type || !edge || more !== undefined) return null
  if (type === 'STATE' || group === 'STATE') return null
  const node = `${group}/${edge}`
  return { type, node, source: device === undefined ? node : `${node}/${device}` }
}

/**
 * The metrics of a payload; `null` when it is none. `at` is where it came from: without it only a payload that cannot
 * well be anything else is taken.
 */
export function decodeSparkplug(
  bytes: Uint8Array,
  at: SparkplugTopic | null,
  aliases?: Aliases,
): Decoded | null {
  let payload: Payload | null
  try {
    payload = readPayload(bytes)
    if (!payload || (!at && !isUnmistakable(payload))) return null
    if (at && aliases) aliases.learn(at, payload.metrics)
    // A death certificate was written when the node connected: only its arrival says when it died.
    const ownTimes = at?.type !== 'NDEATH'
    const known: Known = {
      find: (alias) => (at && aliases ? aliases.find(at, alias) : undefined),
      unitOf: (path) => (at && aliases ? aliases.unitOf(at, path) : undefined),
    }
    const decoded = collect(payload, ownTimes, known)
    if (at && aliases && isBirth(at)) aliases.learnUnits(at, unitsOf(decoded))
    return decoded
  } catch (error) {
    if (error instanceof Malformed) return null
    throw error
  }
}

/** What births have said. */
interface Known {
  find: (alias: bigint) => { name: string; datatype: number } | undefined
  unitOf: (path: string) => string | undefined
}

export const isBirth = ({ type }: SparkplugTopic): boolean => type === 'NBIRTH' || type === 'DBIRTH'

function unitsOf({ records }: Decoded): Map<string, string> {
  return new Map(records.flatMap(({ units }) => Object.entries(units ?? {})))
}

function collect({ timestamp, metrics }: Payload, ownTimes: boolean, { find, unitOf }: Known): Decoded {
  const leaves = new Leaves()
  const flat: Flat = { byTime: new Map(), marks: leaves.marks, count: 0 }
  for (const metric of metrics) {
    const known = metric.name === '' && metric.alias !== null ? find(metric.alias) : undefined
    if (metric.name === '' && !known) leaves.marks.add('unknown_alias')
    const name = known?.name ?? (metric.name === '' ? `alias:${metric.alias ?? ''}` : metric.name)
    const time = ownTimes ? (metric.timestamp ?? timestamp) : null
    flatten(flat, name, { ...metric, datatype: metric.datatype || (known?.datatype ?? 0) }, time)
  }
  for (const [time, values] of flat.byTime) {
    const units = values.flatMap(({ path, unit }) => {
      const one = unit ?? unitOf(path)
      return one === undefined ? [] : [[path, one] as const]
    })
    for (const { path, value } of values) leaves.set(path, value)
    leaves.end(units.length > 0 ? { time, units: Object.fromEntries(units) } : { time })
  }
  return leaves.decoded('sparkplug-b')
}

function readPayload(bytes: Uint8Array): Payload | null {
  const payload: Payload = { timestamp: null, metrics: [] }
  for (const field of readWire(bytes)) {
    if (field.number === 1 && field.type === 0) payload.timestamp = Number(field.bits)
    else if (field.number === 2 && field.type === 2) payload.metrics.push(readMetric(field.bytes))
    else if (!(field.number === 3 && field.type === 0) && !(field.number <= 5 && field.type === 2))
      return null
  }
  return payload
}

/** Of a payload on a topic that promises nothing: a time of this century and only named metrics with fitting values. */
function isUnmistakable({ timestamp, metrics }: Payload): boolean {
  const century = timestamp !== null && timestamp > 946_684_800_000 && timestamp < 4_102_444_800_000
  return (
    century &&
    metrics.length > 0 &&
    metrics.every(
      ({ name, datatype, isNull, value }) =>
        name !== '' &&
        !/\p{Cc}/u.test(name) &&
        (isNull || (value !== undefined && types.get(datatype)?.includes(value.number) === true)),
    )
  )
}
