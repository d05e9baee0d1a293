// Sparkplug B payloads (Eclipse Sparkplug 3.0, 6.4): metrics by name with their own times. An alias is resolved by the birth
// certificate that defined it; one nobody defined is marked, never guessed.

import { Malformed } from './bytes.ts'
import { type Decoded, depthMax, Leaves, TooLarge } from './decoded.ts'
import { readWire, type WireField } from './protobufWire.ts'
import type { Aliases } from './sparkplugAliases.ts'
import { isArrayType, readDataSet, readScalar, readTypedArray, types } from './sparkplugValues.ts'

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
    return collect(payload, ownTimes, (alias) => (at && aliases ? aliases.find(at, alias) : undefined))
  } catch (error) {
    if (error instanceof Malformed) return null
    throw error
  }
}

type FindAlias = (alias: bigint) => { name: string; datatype: number } | undefined

function collect({ timestamp, metrics }: Payload, ownTimes: boolean, find: FindAlias): Decoded {
  const leaves = new Leaves()
  const byTime = new Map<number | null, Metric[]>()
  for (const metric of metrics) {
    const time = ownTimes ? (metric.timestamp ?? timestamp) : null
    const group = byTime.get(time)
    if (group) group.push(metric)
    else byTime.set(time, [metric])
  }
  for (const [time, group] of byTime) {
    for (const metric of group) {
      const known = metric.name === '' && metric.alias !== null ? find(metric.alias) : undefined
      if (metric.name === '' && !known) leaves.marks.add('unknown_alias')
      const name = known?.name ?? (metric.name === '' ? `alias:${metric.alias ?? ''}` : metric.name)
      setMetric(leaves, name, { ...metric, datatype: metric.datatype || (known?.datatype ?? 0) }, 0)
    }
    leaves.end({ time })
  }
  return leaves.decoded('sparkplug-b')
}

function setMetric(leaves: Leaves, name: string, { datatype, isNull, value }: Metric, depth: number): void {
  if (isNull || !value) return
  if (depth > depthMax) throw new TooLarge()
  if (value.number === 18) {
    const { metrics, isDefinition } = readTemplate(value.bytes)
    if (!isDefinition) for (const one of metrics) setMetric(leaves, `${name}.${one.name}`, one, depth + 1)
    return
  }
  if (value.number === 17) readDataSet(value.bytes, (path, cell) => leaves.set(`${name}.${path}`, cell))
  else if (isArrayType(datatype)) {
    for (const [index, one] of readTypedArray(datatype, value.bytes).entries())
      leaves.set(`${name}.${index}`, one)
  } else {
    const read = readScalar(datatype, value)
    if (read === undefined) leaves.marks.add('dropped')
    else leaves.set(name, read)
  }
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

const wireTypes: Record<number, number> = {
  1: 2,
  2: 0,
  3: 0,
  4: 0,
  5: 0,
  6: 0,
  7: 0,
  8: 2,
  9: 2,
  10: 0,
  11: 0,
  12: 5,
  13: 1,
  14: 0,
  15: 2,
  16: 2,
  17: 2,
  18: 2,
  19: 2,
}

function readMetric(bytes: Uint8Array): Metric {
  const metric: Metric = {
    name: '',
    alias: null,
    timestamp: null,
    datatype: 0,
    isNull: false,
    value: undefined,
  }
  for (const field of readWire(bytes)) {
    if (wireTypes[field.number] !== field.type) throw new Malformed()
    if (field.number === 1) metric.name = textOf(field)
    else if (field.number === 2) metric.alias = field.bits
    else if (field.number === 3) metric.timestamp = Number(field.bits)
    else if (field.number === 4) metric.datatype = Number(field.bits)
    else if (field.number === 7) metric.isNull = field.bits !== 0n
    else if (field.number >= 10) metric.value = field
  }
  return metric
}

function readTemplate(bytes: Uint8Array): { metrics: Metric[]; isDefinition: boolean } {
  const fields = readWire(bytes)
  const metrics = fields.filter((field) => field.number === 2 && field.type === 2)
  const isDefinition = fields.some((field) => field.number === 5 && field.bits !== 0n)
  return { metrics: metrics.map((field) => readMetric(field.bytes)), isDefinition }
}

function textOf({ bytes }: WireField): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw new Malformed()
  }
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
