// Readings as an export writes them: the exact payload as text, or base64 when it is not UTF-8, and the fields asked for.
// Made for millions of rows: times and topics are written once for many. What it writes `import` reads back byte for byte.

import { isUtf8 } from 'node:buffer'
import type { Fields, Reading } from '../domain/reading.ts'
import { formatTime } from '../domain/time.ts'
import { encodeProperties, propertiesJson } from './propertiesText.ts'
import { columnNameOf } from './parquet/columns.ts'
import { encodeCsvRow, encodeField } from './readingText.ts'

export interface ExportText {
  /** What stands before the first row. */
  head: string
  row(reading: Reading): string
}

type FieldsOf = (reading: Reading) => Fields

/** `names` undefined: no fields at all, which spares decoding. */
export function createNdjsonExport(names: readonly string[] | undefined, fieldsOf: FieldsOf): ExportText {
  const time = createTimeText()
  const receivedAt = createTimeText()
  const topicText = createMemo((topic) => `{"topic":${JSON.stringify(topic)},"time":"`)
  const clientText = createMemo((client) => `,"client_id":${JSON.stringify(client)},"qos":`)
  const fieldsText = (reading: Reading): string => {
    if (names !== undefined) return `,"fields":${chosen(fieldsOf(reading), names)}`
    // One of several records of a message whose payload stands in the first: the fields are all it has.
    return reading.payload.length === 0 && reading.fields ? `,"fields":${chosen(reading.fields, ['*'])}` : ''
  }
  return {
    head: '',
    row(reading) {
      const { payload } = reading
      const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength)
      const body = isUtf8(bytes)
        ? `"payload":${JSON.stringify(bytes.toString())}`
        : `"payload_base64":"${bytes.toString('base64')}"`
      return (
        `${topicText(reading.topic)}${time(reading.time)}","received_at":"${receivedAt(reading.receivedAt)}","seq":${reading.seq}` +
        `${clientText(reading.clientId)}${reading.qos},"retain":${reading.retain},${body}` +
        `${encodeProperties(reading.properties)}${fieldsText(reading)}}\n`
      )
    },
  }
}

/** Each field asked for is a column of its own; `fields` is for the records of a message, which have no payload. */
export function createCsvExport(names: readonly string[] | undefined, fieldsOf: FieldsOf): ExportText {
  const time = createTimeText()
  const receivedAt = createTimeText()
  const columns = [
    'topic',
    'time',
    'received_at',
    'seq',
    'client_id',
    'qos',
    'retain',
    'payload',
    'payload_base64',
    'properties',
    'fields',
  ]
  return {
    head: encodeCsvRow([...columns, ...(names ?? []).map(columnNameOf)]),
    row(reading) {
      const { payload } = reading
      const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength)
      const isText = isUtf8(bytes)
      const fields = names === undefined ? null : fieldsOf(reading)
      return encodeCsvRow([
        reading.topic,
        time(reading.time),
        receivedAt(reading.receivedAt),
        String(reading.seq),
        reading.clientId,
        String(reading.qos),
        String(reading.retain),
        isText ? bytes.toString() : '',
        isText ? '' : bytes.toString('base64'),
        propertiesJson(reading.properties) ?? '',
        payload.length === 0 && reading.fields ? chosen(reading.fields, ['*']) : '',
        ...(names ?? []).map((name) => String(fields?.[name] ?? '')),
      ])
    },
  }
}

function chosen(fields: Fields, names: readonly string[]): string {
  const members = Object.entries(fields)
    .filter(([name]) => names.some((one) => one === '*' || name === one || name.startsWith(`${one}.`)))
    .map(([name, value]) => `${JSON.stringify(name)}:${encodeField(value)}`)
  return `{${members.join(',')}}`
}

/** RFC 3339: the part up to the minute is kept from one row to the next, so each column has its own. */
export function createTimeText(): (ms: number) => string {
  let minute = Number.NaN
  let prefix = ''
  return (ms) => {
    const at = Math.floor(ms / 60_000)
    if (at !== minute) {
      minute = at
      prefix = formatTime(ms).slice(0, -7)
    }
    const rest = ms - at * 60_000
    const seconds = Math.floor(rest / 1000)
    const millis = rest - seconds * 1000
    return `${prefix}${seconds < 10 ? '0' : ''}${seconds}.${millis < 10 ? '00' : millis < 100 ? '0' : ''}${millis}Z`
  }
}

const memoMax = 10_000

function createMemo(work: (text: string) => string): (text: string) => string {
  let known = new Map<string, string>()
  return (text) => {
    let found = known.get(text)
    if (found === undefined) {
      if (known.size >= memoMax) known = new Map()
      known.set(text, (found = work(text)))
    }
    return found
  }
}
