// Readings as an export writes them: the exact payload as text, or base64 when it is not UTF-8, and the fields asked for.
// Made for millions of rows: times and topics are written once for many. What it writes `import` reads back byte for byte.

import { isUtf8 } from 'node:buffer'
import type { Fields, Reading } from '../domain/reading.ts'
import { createTimeText } from '../domain/time.ts'
import { type ByteText, createTimeWriter } from './byteText.ts'
import { encodeProperties, propertiesJson } from './propertiesText.ts'
import { columnNameOf } from './parquet/columns.ts'
import { encodeCsvRow, encodeField } from './readingText.ts'

export interface ExportText {
  /** What stands before the first row. */
  head: string
  row(reading: Reading, to: ByteText): void
}

type FieldsOf = (reading: Reading) => Fields

const receivedAtKey = Buffer.from('","received_at":"')
const seqKey = Buffer.from('","seq":')
const payloadKey = Buffer.from('"payload":"')
const payloadEnd = Buffer.from('"')
const rowEnd = Buffer.from('}\n')

/** `names` undefined: no fields at all, which spares decoding. */
export function createNdjsonExport(names: readonly string[] | undefined, fieldsOf: FieldsOf): ExportText {
  const time = createTimeWriter()
  const receivedAt = createTimeWriter()
  const topicText = createMemo((topic) => `{"topic":${JSON.stringify(topic)},"time":"`)
  const clientText = createMemo((client) => `,"client_id":${JSON.stringify(client)},"qos":`)
  const lastText = [false, true].map((retain) =>
    [0, 1, 2].map((qos) => Buffer.from(`${qos},"retain":${retain},`)),
  )
  return {
    head: '',
    row(reading, to) {
      const { payload, properties } = reading
      to.bytes(topicText(reading.topic))
      time(reading.time, to)
      to.bytes(receivedAtKey)
      receivedAt(reading.receivedAt, to)
      to.bytes(seqKey)
      to.integer(reading.seq)
      to.bytes(clientText(reading.clientId))
      to.bytes(lastText[reading.retain ? 1 : 0]?.[reading.qos] ?? rowEnd)
      const start = to.length
      to.bytes(payloadKey)
      if (to.jsonText(payload)) to.bytes(payloadEnd)
      else {
        to.length = start
        to.text(`"payload_base64":"${Buffer.from(payload).toString('base64')}"`)
      }
      if (properties !== null) to.text(encodeProperties(properties))
      if (names !== undefined) to.text(`,"fields":${chosen(fieldsOf(reading), names)}`)
      // One of several records of a message whose payload stands in the first: the fields are all it has.
      else if (payload.length === 0 && reading.fields) to.text(`,"fields":${chosen(reading.fields, ['*'])}`)
      to.bytes(rowEnd)
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
    row(reading, to) {
      const { payload } = reading
      const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength)
      const isText = isUtf8(bytes)
      const fields = names === undefined ? null : fieldsOf(reading)
      const cells = [
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
      ]
      to.text(encodeCsvRow(cells))
    },
  }
}

function chosen(fields: Fields, names: readonly string[]): string {
  const members = Object.entries(fields)
    .filter(([name]) => names.some((one) => one === '*' || name === one || name.startsWith(`${one}.`)))
    .map(([name, value]) => `${JSON.stringify(name)}:${encodeField(value)}`)
  return `{${members.join(',')}}`
}

const memoMax = 10_000

function createMemo(work: (text: string) => string): (text: string) => Buffer {
  let known = new Map<string, Buffer>()
  return (text) => {
    let found = known.get(text)
    if (found === undefined) {
      if (known.size >= memoMax) known = new Map()
      known.set(text, (found = Buffer.from(work(text))))
    }
    return found
  }
}
