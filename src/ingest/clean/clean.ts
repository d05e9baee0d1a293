// What a publish becomes in the store: one reading, or one for each record of its message, the first of them with the
// payload. Without rules only payloads that may hold several records or a time of their own are looked into.

import type { Cleaned, NewReading } from '../../domain/reading.ts'
import { canonicalUnits } from '../../domain/units.ts'
import { decode } from '../decode/decode.ts'
import type { Decoded, DecodedRecord } from '../decode/decoded.ts'
import type { Aliases } from '../decode/sparkplugAliases.ts'
import { type TimeLimits, timeLimits, trustedTime } from './times.ts'

/** What to store of a publish, in order; nothing when a rule says so. Never throws for what a payload holds. */
export type Clean = (reading: NewReading) => readonly NewReading[] | Promise<readonly NewReading[]>

/** The same, at once. */
export type CleanNow = (reading: NewReading) => readonly NewReading[]

/** Without rules. */
export function createAutoClean({ aliases }: { aliases: Aliases }): CleanNow {
  return (reading) => {
    const { topic, payload, receivedAt } = reading
    const isSparkplug = topic.startsWith('spBv1.0/')
    if (!isSparkplug && !mayHoldRecords(payload)) return [reading]
    const decoded = decode(payload, { topic, receivedAt, aliases })
    return readingsOf(reading, decoded, { keepsFields: isSparkplug, limits: timeLimits })
  }
}

export interface RecordOptions {
  /** Whether the fields differ from what decoding the payload again would give. */
  keepsFields: boolean
  limits: TimeLimits
  cleaned?: Cleaned
}

const none = new Uint8Array(0)

/** One reading for each record. A single record without more than its fields is the reading as it came. */
export function readingsOf(
  reading: NewReading,
  decoded: Decoded,
  { keepsFields, limits, cleaned }: RecordOptions,
): readonly NewReading[] {
  const { records, marks } = decoded
  const [first, ...others] = records
  if (!first) {
    return marks.length === 0 || marks[0] === 'deletion'
      ? [withCleaned(reading, cleaned)]
      : [marked(reading, marks, cleaned)]
  }
  const base = cleanedOf(first, marks, cleaned)
  const stores = keepsFields || others.length > 0
  const head: NewReading = {
    ...reading,
    time: trustedTime(first.time, reading.receivedAt, limits) ?? reading.time,
    fields: stores ? first.fields : reading.fields,
  }
  if (others.length === 0) return [withCleaned(head, base)]
  return [
    withCleaned(head, { ...base, record: 0 }),
    ...others.map((record, index) => ({
      ...reading,
      payload: none,
      time: trustedTime(record.time, reading.receivedAt, limits) ?? reading.time,
      fields: record.fields,
      cleaned: { ...cleanedOf(record, marks, cleaned), record: index + 1 },
    })),
  ]
}

function cleanedOf(
  { tags, units }: DecodedRecord,
  marks: Decoded['marks'],
  cleaned: Cleaned | undefined,
): Cleaned | undefined {
  if (!tags && !units && marks.length === 0) return cleaned
  return {
    ...cleaned,
    ...(tags ? { tags: { ...tags, ...cleaned?.tags } } : {}),
    ...(units ? { units: { ...canonicalUnits(units), ...cleaned?.units } } : {}),
    ...(marks.length > 0 ? { marks } : {}),
  }
}

function marked(reading: NewReading, marks: Decoded['marks'], cleaned: Cleaned | undefined): NewReading {
  return { ...reading, cleaned: { ...cleaned, marks } }
}

function withCleaned(reading: NewReading, cleaned: Cleaned | undefined): NewReading {
  return cleaned ? { ...reading, cleaned } : reading
}

/** A cheap look: most payloads are one JSON object or one word, and hold one record without a time. */
export function mayHoldRecords(payload: Uint8Array): boolean {
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
