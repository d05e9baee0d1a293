// Row groups: slices gathered until a group is large enough to compress well and small enough to hold, and the schema of the file.

import type { ParquetWriter } from 'hyparquet-writer'
import type { FieldType } from '../../query/fieldTypes.ts'
import type { FieldColumn, Slice } from './columns.ts'

type Schema = ConstructorParameters<typeof ParquetWriter>[0]['schema']
type ColumnData = Parameters<ParquetWriter['write']>[0]['columnData']

export interface Groups {
  schema: Schema
  add(slice: Slice): void
  readonly isFull: boolean
  /** The group gathered so far; begins a new one. */
  take(): { rows: number; columnData: ColumnData }
}

const rowsMax = 20_000
const bytesMax = 8_000_000

const timestamp = {
  type: 'INT64',
  converted_type: 'TIMESTAMP_MILLIS',
  logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'MILLIS' },
} as const
const text = { type: 'BYTE_ARRAY', converted_type: 'UTF8', logical_type: { type: 'STRING' } } as const
const json = { type: 'BYTE_ARRAY', converted_type: 'JSON', logical_type: { type: 'JSON' } } as const
const typeOf = {
  number: { type: 'DOUBLE' },
  boolean: { type: 'BOOLEAN' },
  string: text,
} as const satisfies Record<FieldType, object>

export function createGroups(columns: readonly FieldColumn[]): Groups {
  let slices: Slice[] = []
  let rows = 0
  let bytes = 0
  return {
    schema: schemaOf(columns),
    add(slice) {
      slices.push(slice)
      rows += slice.topics.length
      bytes += slice.payloads.length
    },
    get isFull() {
      return rows >= rowsMax || bytes >= bytesMax
    },
    take() {
      const group = { rows, columnData: columnDataOf(slices, columns) }
      slices = []
      rows = 0
      bytes = 0
      return group
    },
  }
}

function schemaOf(columns: readonly FieldColumn[]): Schema {
  const required = { repetition_type: 'REQUIRED' } as const
  const optional = { repetition_type: 'OPTIONAL' } as const
  const fields = columns.map(({ column, type }) => ({ name: column, ...typeOf[type], ...optional }))
  return [
    { name: 'readings', num_children: 10 + fields.length },
    { name: 'topic', ...text, ...required },
    { name: 'time', ...timestamp, ...required },
    { name: 'received_at', ...timestamp, ...required },
    { name: 'seq', type: 'INT64', ...required },
    { name: 'client_id', ...text, ...required },
    { name: 'qos', type: 'INT32', ...required },
    { name: 'retain', type: 'BOOLEAN', ...required },
    { name: 'payload', type: 'BYTE_ARRAY', ...required },
    { name: 'properties', ...json, ...optional },
    ...fields,
    { name: 'fields', ...json, ...optional },
  ]
}

function columnDataOf(slices: readonly Slice[], columns: readonly FieldColumn[]): ColumnData {
  const whole = (of: (slice: Slice) => Float64Array): BigInt64Array =>
    BigInt64Array.from(slices.flatMap((slice) => Array.from(of(slice), BigInt)))
  const delta = { encoding: 'DELTA_BINARY_PACKED', offsetIndex: false } as const
  const plain = { encoding: 'PLAIN', offsetIndex: false, statistics: false } as const
  return [
    { name: 'topic', data: slices.flatMap(({ topics }) => topics), offsetIndex: false },
    { name: 'time', data: whole(({ times }) => times), ...delta },
    { name: 'received_at', data: whole(({ receivedAts }) => receivedAts), ...delta },
    { name: 'seq', data: whole(({ seqs }) => seqs), ...delta },
    { name: 'client_id', data: slices.flatMap(({ clients }) => clients), offsetIndex: false },
    { name: 'qos', data: slices.flatMap(({ qos }) => Array.from(qos)), offsetIndex: false },
    { name: 'retain', data: slices.flatMap(({ retains }) => retains), offsetIndex: false },
    { name: 'payload', data: slices.flatMap(payloadsOf), ...plain },
    { name: 'properties', data: slices.flatMap(({ properties }) => properties), offsetIndex: false },
    ...columns.map(({ column }, index) => ({
      name: column,
      data: slices.flatMap(({ fields }) => fields[index] ?? []),
      offsetIndex: false,
    })),
    { name: 'fields', data: slices.flatMap(({ rest }) => rest), ...plain },
  ]
}

function payloadsOf({ payloads, payloadEnds }: Slice): Uint8Array[] {
  return Array.from(payloadEnds, (end, at) => payloads.subarray(at === 0 ? 0 : payloadEnds[at - 1], end))
}
