// What a Parquet export looks like: its columns, and a slice of readings as plain columns on the way to the thread that writes
// the file. A field asked for is a column of one type; a value of another type goes to the column `fields`, as JSON.

import type { Fields, FieldValue, Reading } from '../../domain/reading.ts'
import type { FieldType } from '../../query/fieldTypes.ts'
import { propertiesJson } from '../propertiesText.ts'
import { encodeField } from '../readingText.ts'

/** A field that has a column of its own. */
export interface FieldColumn {
  field: string
  /** The field's, or `fields.NAME` where a column of every reading has that name. */
  column: string
  type: FieldType
}

/** The columns of every reading. */
const readingColumns = new Set(
  'topic time received_at seq client_id qos retain payload payload_base64 properties fields'.split(' '),
)

/** Readings as columns of one length, cheap to hand to a thread. */
export interface Slice {
  topics: string[]
  times: Float64Array
  receivedAts: Float64Array
  seqs: Float64Array
  clients: string[]
  qos: Int32Array
  retains: boolean[]
  payloads: Uint8Array
  /** Where each payload ends in `payloads`. */
  payloadEnds: Uint32Array
  /** JSON of the MQTT 5 properties, or `null`. */
  properties: (string | null)[]
  /** One column for each field asked for. */
  fields: (number | boolean | string | null)[][]
  /** JSON of what no column holds, or `null`. */
  rest: (string | null)[]
}

export function columnNameOf(field: string): string {
  return readingColumns.has(field) ? `fields.${field}` : field
}

/** `fieldsOf` is asked only when fields are wanted. */
export function sliceOf(
  readings: readonly Reading[],
  columns: readonly FieldColumn[],
  fieldsOf: ((reading: Reading) => Fields) | null,
): Slice {
  const size = readings.reduce((sum, { payload }) => sum + payload.length, 0)
  const count = readings.length
  const slice: Slice = {
    topics: readings.map(({ topic }) => topic),
    times: Float64Array.from(readings, ({ time }) => time),
    receivedAts: Float64Array.from(readings, ({ receivedAt }) => receivedAt),
    seqs: Float64Array.from(readings, ({ seq }) => seq),
    clients: readings.map(({ clientId }) => clientId),
    qos: Int32Array.from(readings, ({ qos }) => qos),
    retains: readings.map(({ retain }) => retain),
    payloads: new Uint8Array(size),
    payloadEnds: new Uint32Array(count),
    properties: readings.map(({ properties }) => propertiesJson(properties)),
    fields: columns.map(() => Array.from<null>({ length: count }).fill(null)),
    rest: Array.from<null>({ length: count }).fill(null),
  }
  let end = 0
  for (const [at, reading] of readings.entries()) {
    slice.payloads.set(reading.payload, end)
    end += reading.payload.length
    slice.payloadEnds[at] = end
    // One of several records of a message whose payload stands in another reading: the fields are all it has.
    const fields = fieldsOf?.(reading) ?? (reading.payload.length === 0 ? reading.fields : null)
    if (fields) spread(fields, columns, slice, at)
  }
  return slice
}

function spread(fields: Fields, columns: readonly FieldColumn[], slice: Slice, at: number): void {
  const left = new Map(Object.entries(fields))
  for (const [index, { field, type }] of columns.entries()) {
    const value = left.get(field)
    const column = slice.fields[index]
    if (value === undefined || column === undefined) continue
    const fit = fitting(value, type)
    column[at] = fit
    // A long integer is rounded in its column; here every digit is kept.
    if (fit !== null && typeof value !== 'bigint') left.delete(field)
  }
  if (left.size === 0) return
  const members = Array.from(left, ([name, value]) => `${JSON.stringify(name)}:${encodeField(value)}`)
  slice.rest[at] = `{${members.join(',')}}`
}

function fitting(value: FieldValue, type: FieldType): number | boolean | string | null {
  if (type === 'number')
    return typeof value === 'bigint' ? Number(value) : typeof value === 'number' ? value : null
  if (type === 'boolean') return typeof value === 'boolean' ? value : null
  return typeof value === 'string' ? value : null
}
