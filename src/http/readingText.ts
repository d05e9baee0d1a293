// A reading as JSON and CSV text. JSON payloads are embedded byte for byte, so every digit of a long
// integer, a key given twice and a lone surrogate escape come out as they came in.

import { isUtf8 } from 'node:buffer'
import type { Fields, FieldValue, Reading } from '../domain/reading.ts'
import { createTimeText, formatTime, type TimeUnit, wholeText } from '../domain/time.ts'
import type { FoundReading } from '../query/found.ts'
import { encodeProperties } from './propertiesText.ts'

export interface ReadingStyle {
  time: TimeUnit | undefined
  raw: boolean
  /** Only these fields; all when undefined. */
  fields: readonly string[] | undefined
}

/** One JSON object a reading, for many in a row: what the last ones had is not written anew. */
export function createReadingText(style: ReadingStyle): (found: FoundReading, oneLine: boolean) => string {
  const time = style.time === undefined ? createTimeText() : null
  const receivedAt = createTimeText()
  const topicText = createLast((topic: string) => `{"topic":${JSON.stringify(topic)},"time":`)
  const clientText = createLast((client: string) => `,"client_id":${JSON.stringify(client)},"qos":`)
  return (found, oneLine) => {
    const { reading, flat } = found
    if (flat === null || style.fields !== undefined || style.raw) {
      return encodeReading(reading, found.fields, style, oneLine)
    }
    const times = time
      ? `"${time(reading.time)}","received_at":"${receivedAt(reading.receivedAt)}"`
      : `${encodeTime(reading.time, style.time)},"received_at":${encodeTime(reading.receivedAt, style.time)}`
    const part = encodeProperties(reading.properties) + encodeCleaned(reading)
    return (
      `${topicText(reading.topic)}${times},"seq":${wholeText(reading.seq)}${clientText(reading.clientId)}${reading.qos},` +
      `"retain":${reading.retain}${part},"value":${flat},"fields":${flat}}`
    )
  }
}

function createLast(work: (text: string) => string): (text: string) => string {
  let last: string | null = null
  let made = ''
  return (text) => {
    if (text !== last) {
      last = text
      made = work(text)
    }
    return made
  }
}

/** One JSON object. `oneLine` turns line ends between tokens into spaces (within strings JSON has none). */
export function encodeReading(
  reading: Reading,
  fields: Fields,
  style: ReadingStyle,
  oneLine: boolean,
): string {
  const head =
    `{"topic":${JSON.stringify(reading.topic)},"time":${encodeTime(reading.time, style.time)},` +
    `"received_at":${encodeTime(reading.receivedAt, style.time)},"seq":${reading.seq},` +
    `"client_id":${JSON.stringify(reading.clientId)},"qos":${reading.qos},"retain":${reading.retain}`
  const part = encodeProperties(reading.properties) + encodeCleaned(reading)
  return `${head}${part}${encodeValue(reading.payload, style.raw, oneLine)},"fields":${encodeFields(fields, style.fields)}}`
}

/** What cleaning knows beside the fields; a record of a message names the reading that holds its payload. */
function encodeCleaned({ seq, cleaned }: Reading): string {
  if (!cleaned) return ''
  const { record, ...rest } = cleaned
  const of = record === undefined ? '' : `,"record":${record},"message_seq":${seq + record}`
  const members = Object.entries(rest).map(
    ([name, value]) => `,${JSON.stringify(name)}:${JSON.stringify(value)}`,
  )
  return of + members.join('')
}

/** RFC 3339 as a JSON string, or a number of the unit; micro- and nanoseconds keep every digit. */
export function encodeTime(ms: number, unit: TimeUnit | undefined): string {
  if (unit === undefined) return `"${formatTime(ms)}"`
  if (unit === 's') return String(ms / 1000)
  if (unit === 'ms') return wholeText(ms)
  return ms === 0 ? '0' : `${wholeText(ms)}${unit === 'us' ? '000' : '000000'}`
}

export const csvColumns = [
  'topic',
  'time',
  'received_at',
  'seq',
  'client_id',
  'qos',
  'retain',
  'payload',
  'payload_base64',
  'fields',
]

/** One cell for each of `csvColumns`. */
export function csvCells(reading: Reading, fields: Fields, style: ReadingStyle): string[] {
  const time = (ms: number): string => encodeTime(ms, style.time).replaceAll('"', '')
  return [
    reading.topic,
    time(reading.time),
    time(reading.receivedAt),
    String(reading.seq),
    reading.clientId,
    String(reading.qos),
    String(reading.retain),
    ...payloadCells(reading.payload),
    encodeFields(fields, style.fields),
  ]
}

/** Text, or base64 in the cell beside it. */
export function payloadCells(payload: Uint8Array): [string, string] {
  return isUtf8(payload) ? [bytesOf(payload).toString(), ''] : ['', bytesOf(payload).toString('base64')]
}

/** RFC 4180. */
export function encodeCsvRow(cells: readonly string[]): string {
  return `${cells.map((cell) => (/[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell)).join(',')}\r\n`
}

/** `,"value":…`, or `,"payload_base64":…`. */
export function encodeValue(payload: Uint8Array, raw: boolean, oneLine: boolean): string {
  const bytes = bytesOf(payload)
  if (!isUtf8(bytes)) return `,"payload_base64":"${bytes.toString('base64')}"`
  const text = bytes.toString()
  const value = text === '' ? 'null' : isJson(text) ? text : JSON.stringify(text)
  const kept = raw ? `,"payload":${JSON.stringify(text)}` : ''
  return `,"value":${oneLine ? value.replaceAll(/[\r\n]/g, ' ') : value}${kept}`
}

function isJson(text: string): boolean {
  // Most text that is no JSON shows it at once, and the error of JSON.parse costs more than the rest of a row.
  if (!mayBeJson(text)) return false
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

function mayBeJson(text: string): boolean {
  let at = 0
  while (at < text.length && text.charCodeAt(at) <= 0x20) at++
  return '{["-0123456789'.includes(text[at] ?? ' ') || jsonWords.some((word) => text.startsWith(word, at))
}

const jsonWords = ['true', 'false', 'null']

function encodeFields(fields: Fields, only: readonly string[] | undefined): string {
  const members = Object.entries(fields)
    .filter(([name]) => only?.some((one) => name === one || name.startsWith(`${one}.`)) ?? true)
    .map(([name, value]) => `${JSON.stringify(name)}:${encodeField(value)}`)
  return `{${members.join(',')}}`
}

export function encodeField(value: FieldValue): string {
  if (typeof value === 'bigint') return String(value)
  // JSON has no NaN and no infinity (RFC 8259, 6).
  if (typeof value === 'number' && !Number.isFinite(value)) return `"${value}"`
  return JSON.stringify(value)
}

function bytesOf(payload: Uint8Array): Buffer {
  return Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength)
}
