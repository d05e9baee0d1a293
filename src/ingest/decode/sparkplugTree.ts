// Metrics of Sparkplug B as flat values (Eclipse Sparkplug 3.0, 6.4.10–6.4.19): templates by path with the times of their members,
// data sets by row and column, arrays by number; the unit and the quality that a metric's properties give.

import { Malformed } from './bytes.ts'
import { depthMax, leavesMax, type Mark, TooLarge } from './decoded.ts'
import { readWire, type WireField } from './protobufWire.ts'
import type { Metric } from './sparkplug.ts'
import { isArrayType, readDataSet, readScalar, readTypedArray } from './sparkplugValues.ts'

export interface FlatValue {
  path: string
  value: unknown
  /** As the metric's properties write it. */
  unit: string | null
}

/** What a payload says, by the time of each value. */
export interface Flat {
  byTime: Map<number | null, FlatValue[]>
  marks: Set<Mark>
  count: number
}

/** `time` is that of what holds the metric; with `null` no metric has one. */
export function flatten(flat: Flat, name: string, metric: Metric, time: number | null, depth = 0): void {
  const { datatype, isNull, value, properties } = metric
  if (isNull || !value) return
  if (depth > depthMax) throw new TooLarge()
  const { unit, isGood } = readProperties(properties)
  if (!isGood) {
    flat.marks.add('dropped')
    return
  }
  const at = time === null ? null : (metric.timestamp ?? time)
  const set = (path: string, one: unknown): void => {
    if (one === undefined) flat.marks.add('dropped')
    else push(flat, at, { path, value: one, unit })
  }
  if (value.number === 18) flattenTemplate(flat, name, value.bytes, at, depth)
  else if (value.number === 17) readDataSet(value.bytes, (path, cell) => set(`${name}.${path}`, cell))
  else if (isArrayType(datatype)) {
    for (const [index, one] of readTypedArray(datatype, value.bytes).entries()) set(`${name}.${index}`, one)
  } else set(name, readScalar(datatype, value))
}

function push(flat: Flat, time: number | null, one: FlatValue): void {
  if (++flat.count > leavesMax) throw new TooLarge()
  const group = flat.byTime.get(time)
  if (group) group.push(one)
  else flat.byTime.set(time, [one])
}

function flattenTemplate(
  flat: Flat,
  name: string,
  bytes: Uint8Array,
  time: number | null,
  depth: number,
): void {
  const fields = readWire(bytes)
  if (fields.some(({ number, bits }) => number === 5 && bits !== 0n)) return
  for (const field of fields) {
    if (field.type !== 2) continue
    if (field.number === 2) {
      const member = readMetric(field.bytes)
      if (member.name === '') flat.marks.add('unknown_alias')
      const own = member.name === '' ? `alias:${member.alias ?? ''}` : member.name
      flatten(flat, `${name}.${own}`, member, time, depth + 1)
    } else if (field.number === 3) {
      const { key, value } = readParameter(field.bytes)
      if (value !== undefined) push(flat, time, { path: `${name}.${key}`, value, unit: null })
    }
  }
}

/** A parameter counts its values from 3 where a metric counts them from 10: int, long, float, double, boolean, string. */
function readParameter(bytes: Uint8Array): { key: string; value: unknown } {
  let [key, datatype, value]: [string, number, WireField | undefined] = ['', 0, undefined]
  for (const field of readWire(bytes)) {
    if (field.number === 1) key = textOf(field)
    else if (field.number === 2) datatype = Number(field.bits)
    else if (field.number >= 3 && field.number <= 8) value = { ...field, number: field.number + 7 }
  }
  return { key, value: value && readScalar(datatype, value) }
}

const unitKeys = new Set([
  'engUnit',
  'EngUnit',
  'engineeringUnits',
  'Engineering Units',
  'unit',
  'Unit',
  'units',
])
/** BAD and STALE; GOOD is 192. */
const notGood = new Set([0n, 500n])

/** What is bad or stale is no measurement: it is what the node last knew. */
function readProperties(bytes: Uint8Array | null): { unit: string | null; isGood: boolean } {
  if (!bytes) return plain
  const fields = readWire(bytes).filter(({ type }) => type === 2)
  const keys = fields.filter(({ number }) => number === 1).map(textOf)
  const values = fields.filter(({ number }) => number === 2)
  let [unit, isGood]: [string | null, boolean] = [null, true]
  for (const [index, key] of keys.entries()) {
    const field = values[index]
    if (!field || (key !== 'Quality' && !unitKeys.has(key))) continue
    for (const { number, type, bits, bytes: text } of readWire(field.bytes)) {
      if (key === 'Quality') isGood &&= !(type === 0 && (number === 3 || number === 4) && notGood.has(bits))
      else if (number === 8 && type === 2) unit = textOf({ bytes: text })
    }
  }
  return { unit, isGood }
}

const plain = { unit: null, isGood: true }

/** Which wire type each field of a metric has. */
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

export function readMetric(bytes: Uint8Array): Metric {
  const metric: Metric = {
    name: '',
    alias: null,
    timestamp: null,
    datatype: 0,
    isNull: false,
    properties: null,
    value: undefined,
  }
  for (const field of readWire(bytes)) {
    if (wireTypes[field.number] !== field.type) throw new Malformed()
    if (field.number === 1) metric.name = textOf(field)
    else if (field.number === 2) metric.alias = field.bits
    else if (field.number === 3) metric.timestamp = Number(field.bits)
    else if (field.number === 4) metric.datatype = Number(field.bits)
    else if (field.number === 7) metric.isNull = field.bits !== 0n
    else if (field.number === 9) metric.properties = field.bytes
    else if (field.number >= 10) metric.value = field
  }
  return metric
}

function textOf({ bytes }: Pick<WireField, 'bytes'>): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw new Malformed()
  }
}
