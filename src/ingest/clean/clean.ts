// What a publish becomes in the store: one reading, or, when its records have times of their own, one for each record and one
// for the message. Without rules only payloads that may hold such records are looked into.

import type { Cleaned, Fields, NewReading } from '../../domain/reading.ts'
import { canonicalUnits } from '../../domain/units.ts'
import { decode } from '../decode/decode.ts'
import { type Decoded, decodeBytesMax, type DecodedRecord, mergedRecord } from '../decode/decoded.ts'
import type { Aliases } from '../decode/sparkplugAliases.ts'
import { timeLimits, trustedTime } from './times.ts'

/** What to store of a publish, in order; nothing when a rule says so. Never throws for what a payload holds. */
export type Clean = (reading: NewReading) => readonly NewReading[] | Promise<readonly NewReading[]>

/** The same, at once. */
export type CleanNow = (reading: NewReading) => readonly NewReading[]

/** Without rules. */
export function createAutoClean({ aliases }: { aliases: Aliases }): CleanNow {
  return (reading) => {
    const { topic, payload, receivedAt } = reading
    const isSparkplug = topic.startsWith('spBv1.0/')
    const mayHold = isSparkplug || mayHoldRecords(payload)
    if (!mayHold && isPlain(payload)) return [reading]
    const decoded = decode(payload, { topic, receivedAt, aliases })
    const keepsFields = isSparkplug || saysMore(decoded)
    return mayHold || keepsFields ? readingsOf(reading, decoded, keepsFields) : [reading]
  }
}

/**
 * Aggregates and PromQL count the payload's own JSON leaves where no fields are stored: what other numbers it says must be,
 * and what looks like one and is none (`3e8`).
 */
function saysMore({ format, marks, records }: Decoded): boolean {
  if (format === 'json' && marks.length === 0) return false
  if (format === 'text') return /^\d+[eE]\d+$/.test(String(records[0]?.fields['value']))
  return records.some(({ fields }) => Object.values(fields).some(isNumber))
}

const isNumber = (value: unknown): boolean => typeof value === 'number' || typeof value === 'bigint'

/** Whether the fields of a payload must be stored beside it: its own JSON would be counted otherwise, or not at all. */
export function needsFields(decoded: Decoded, payload: Uint8Array): boolean {
  return !(decoded.format === 'scalar' && isPlain(payload)) && saysMore(decoded)
}

/** Whether a payload is, by its first and last byte, JSON or a number: what it says is what JSON says of it. */
export function looksPlain(payload: Uint8Array): boolean {
  const first = payload[0] ?? openBrace
  if (first === openBrace || first === openBracket) {
    return payload.length === 0 || lastByte(payload) === (first === openBrace ? closeBrace : closeBracket)
  }
  return isPlain(payload)
}

/** JSON whose leaves are all it says; a number is looked at without a string. */
function isPlain(payload: Uint8Array): boolean {
  const first = payload[0] ?? openBrace
  if (payload.length === 0 || payload.length > decodeBytesMax) return true
  if (first === openBrace || first === openBracket) {
    // What was cut off shows it at its end; an exception costs twenty times as much.
    if (lastByte(payload) !== (first === openBrace ? closeBrace : closeBracket)) return false
    try {
      JSON.parse(bytesOf(payload).toString())
      return true
    } catch {
      return false
    }
  }
  return payload.length <= 24 && /^-?(?:0|[1-9]\d*)(?:\.\d+)?$/.test(bytesOf(payload).toString('latin1'))
}

/** The last byte that is no white space. */
function lastByte(payload: Uint8Array): number {
  let at = payload.length - 1
  while (at > 0 && (payload[at] ?? 0) <= 0x20) at--
  return payload[at] ?? 0
}

const none = new Uint8Array(0)

/** Without rules. */
function readingsOf(reading: NewReading, decoded: Decoded, keepsFields: boolean): readonly NewReading[] {
  const { records, marks } = decoded
  const { receivedAt } = reading
  const [first] = records
  if (!first)
    return marks.length === 0 || marks[0] === 'deletion' ? [reading] : [{ ...reading, cleaned: { marks } }]
  const times = records.map(({ time }) => trustedTime(time, receivedAt, timeLimits))
  // Without a rule the time of a lone record is when it came; nothing is gained by taking apart what came at one moment.
  if (records.length === 1 || times.every((time) => time === null)) {
    const whole = mergedRecord(decoded)
    const cleaned = cleanedOf(whole, marks)
    const kept = keepsFields ? { ...reading, fields: whole.fields } : reading
    return [cleaned ? { ...kept, cleaned } : kept]
  }
  const made = records.map((record, index) => ({
    ...reading,
    time: times[index] ?? receivedAt,
    fields: record.fields,
    cleaned: cleanedOf(record, marks) ?? {},
  }))
  return withMessage(made, { ...reading, ...(marks.length > 0 ? { cleaned: { marks } } : {}) })
}

/** The records of a message as readings, and last the message itself with the payload. */
export function withMessage(records: readonly NewReading[], message: NewReading): readonly NewReading[] {
  const made = records.map((record, index) => ({
    ...record,
    payload: none,
    cleaned: { ...record.cleaned, record: records.length - index },
  }))
  const fields = Object.create(null) as Fields
  return [...made, { ...message, fields, cleaned: { ...message.cleaned, record: 0 } }]
}

function cleanedOf({ tags, units }: Partial<DecodedRecord>, marks: Decoded['marks']): Cleaned | undefined {
  if (!tags && !units && marks.length === 0) return undefined
  return {
    ...(tags ? { tags } : {}),
    ...(units ? { units: canonicalUnits(units) } : {}),
    ...(marks.length > 0 ? { marks } : {}),
  }
}

/** A cheap look: most payloads are one JSON object or one word, and hold one record without a time. */
export function mayHoldRecords(payload: Uint8Array): boolean {
  if (payload.length > decodeBytesMax) return false
  const first = payload[0] ?? 0
  if (first === openBrace) return holdsTwoDocuments(payload)
  if (first === openBracket) return bytesOf(payload).includes('"bn"') || bytesOf(payload).includes('"n"')
  // SenML in CBOR is an array (major type 4); Sparkplug B begins with its timestamp.
  if (first >> 5 === 4 || first === 0x08) return true
  const isDigit = first >= 0x30 && first <= 0x39
  if (isDigit && payload.length <= 24) return false
  return payload.includes(equals) || payload.includes(newline)
}

/** A brace closed on one line and opened on the next. */
function holdsTwoDocuments(payload: Uint8Array): boolean {
  for (let at = payload.indexOf(newline); at !== -1; at = payload.indexOf(newline, at + 1)) {
    const before = payload[at - 1] === carriageReturn ? payload[at - 2] : payload[at - 1]
    if (before === closeBrace && payload[at + 1] === openBrace) return true
  }
  return false
}

function bytesOf(payload: Uint8Array): Buffer {
  return Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength)
}

const newline = 10
const carriageReturn = 13
const equals = 61
const openBracket = 91
const openBrace = 123
const closeBrace = 125
const closeBracket = 93
