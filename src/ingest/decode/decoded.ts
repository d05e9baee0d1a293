// What a decoder makes of a payload: records of flat fields, each with a time of its own or none, and marks that say how
// far to trust them. `Leaves` bounds what one message may become, whatever the format.

import type { Fields, FieldValue } from '../../domain/reading.ts'

export const formats = [
  'auto',
  'json',
  'json-lines',
  'scalar',
  'text',
  'binary',
  'senml-json',
  'senml-cbor',
  'sparkplug-b',
  'influx-line',
  'csv',
  'form',
  'collectd',
  'graphite',
  'prometheus',
  'pairs',
  'cbor',
  'msgpack',
  'dsmr-p1',
  'hdlc-dlms',
  'sml',
  'protobuf',
] as const

/** What a rule may ask for. */
export type FormatName = (typeof formats)[number]

/** What a payload turned out to be. */
export type Format = Exclude<FormatName, 'auto'> | 'empty' | 'nmea'

/**
 * `deletion`: empty, on a retained topic the deletion of the retained message [MQTT-3.3.1-10]. `mended`: not quite the
 * format, read where only one reading of it is possible. `truncated`: cut off; what stood before the cut. `invalid`: not
 * the format it should be, so no fields. `too_large`: beyond the bounds, so no fields. `checksum`: its checksum does not
 * fit. `collision`: two leaves at one path, the last one counts. `unknown_alias`: no birth certificate names it.
 * `dropped`: some values whose meaning is not certain are left out.
 */
export type Mark =
  | 'deletion'
  | 'mended'
  | 'truncated'
  | 'invalid'
  | 'too_large'
  | 'checksum'
  | 'collision'
  | 'unknown_alias'
  | 'dropped'

export interface DecodedRecord {
  /** Milliseconds since 1970, when the format gives this record one. */
  time: number | null
  fields: Fields
  tags?: Record<string, string>
  /** Field → unit as the format writes it. */
  units?: Record<string, string>
  /** Its place among all records, when one before it said nothing and is left out. */
  place?: number
}

export interface Decoded {
  format: Format
  /** None when the payload has no fields. */
  records: DecodedRecord[]
  marks: Mark[]
  /** How several records become one set of fields: the last value of a name, or the record's number in front. */
  merge: 'last' | 'index'
}

/** Bytes of a payload that are looked into; a longer one is kept and has no fields. */
export const decodeBytesMax = 1_048_576
export const depthMax = 32
/** Fields that one message may become. */
export const leavesMax = 10_000
/** A long key over many leaves would be many long paths. */
const pathCharsMax = 4_194_304

/** Thrown inside a decoder when a message would become too much; `decode` turns it into the mark `too_large`. */
export class TooLarge extends Error {}

/** The fields of one message, counted over all its records. */
export class Leaves {
  readonly marks = new Set<Mark>()
  readonly records: DecodedRecord[] = []
  #fields: Fields = Object.create(null) as Fields
  #isEmpty = true
  #ended = 0
  #leaves = 0
  #chars = 0

  /** Sets one leaf. `null`, NaN and infinities are missing: they are left out. */
  set(path: string, value: unknown): void {
    const kept = leafOf(value)
    if (kept === null) return
    this.#leaves++
    this.#chars += path.length
    if (this.#leaves > leavesMax || this.#chars > pathCharsMax) throw new TooLarge()
    if (path in this.#fields) this.marks.add('collision')
    this.#fields[path] = kept
    this.#isEmpty = false
  }

  /** Sets every leaf of a tree of objects, arrays and scalars; a bare scalar as `value`. */
  setTree(value: unknown, path = ''): void {
    if (typeof value !== 'object' || value === null) this.set(path === '' ? 'value' : path, value)
    else this.#walk(value, path, path !== '', 0)
  }

  #walk(value: object, path: string, named: boolean, depth: number): void {
    if (depth >= depthMax) throw new TooLarge()
    for (const [key, child] of Object.entries(value) as [string, unknown][]) {
      const name = named ? `${path}.${key}` : key
      if (typeof child === 'object' && child !== null) {
        this.#chars += name.length
        if (this.#chars > pathCharsMax) throw new TooLarge()
        this.#walk(child, name, true, depth + 1)
      } else this.set(name, child)
    }
  }

  /** Ends a record: what was set since the last one. Nothing set is no record. */
  end(rest?: Omit<DecodedRecord, 'fields'>): void {
    const place = this.#ended++
    if (this.#isEmpty) return
    const fields = this.#fields
    const record = rest ? { ...rest, fields } : { time: null, fields }
    this.records.push(place === this.records.length ? record : { ...record, place })
    this.#fields = Object.create(null) as Fields
    this.#isEmpty = true
  }

  decoded(format: Format, merge: Decoded['merge'] = 'last'): Decoded {
    this.end()
    return { format, records: this.records, marks: [...this.marks], merge }
  }
}

function leafOf(value: unknown): FieldValue | null {
  if (typeof value === 'number') return Number.isFinite(value) ? value : null
  if (typeof value === 'string') return isNaNText(value) ? null : value
  return typeof value === 'boolean' || typeof value === 'bigint' ? value : null
}

/** "NaN" in any case and sign: what printf makes of a float that is none. */
function isNaNText(text: string): boolean {
  return (text.length === 3 || text.length === 4) && /^[+-]?nan$/i.test(text)
}

/** A payload without fields. */
export function nothing(format: Format, ...marks: Mark[]): Decoded {
  return { format, records: [], marks, merge: 'last' }
}

/**
 * One set of fields for the whole message; `null` when it has none. A name that stands for several quantities (SenML allows
 * one name with several units) has no one value.
 */
export function mergedFields({ records, merge }: Decoded): Fields | null {
  const [first] = records
  if (!first) return null
  if (records.length === 1) return first.fields
  const fields = Object.create(null) as Fields
  const units = new Map<string, string | undefined>()
  const several = new Set<string>()
  for (const [index, record] of records.entries()) {
    for (const [path, value] of Object.entries(record.fields)) {
      const name = merge === 'last' ? path : `${record.place ?? index}.${path}`
      const unit = record.units?.[path]
      if (units.has(name) && units.get(name) !== unit) several.add(name)
      units.set(name, unit)
      fields[name] = value
    }
  }
  for (const name of several) delete fields[name]
  for (const _ in fields) return fields
  return null
}

/** The whole message as one record: its fields and their units. A payload without fields is an empty one. */
export function mergedRecord(decoded: Decoded): DecodedRecord {
  const { records, merge } = decoded
  const [only] = records
  if (only && records.length === 1) return only
  const fields = mergedFields(decoded) ?? (Object.create(null) as Fields)
  const units = Object.create(null) as Record<string, string>
  if (merge === 'last') for (const record of records) Object.assign(units, record.units)
  // Units of names that have no one value say nothing.
  for (const name of Object.keys(units)) if (fields[name] === undefined) delete units[name]
  return Object.keys(units).length > 0 ? { time: null, fields, units } : { time: null, fields }
}
