// One reading as bytes, the same in log segments and in blocks: differences to the row before, then metadata number,
// cleaned fields (empty: the payload's own leaves) and the exact payload.
//
//   topic id | Δtime | Δseq | received − time | capture id | fields length, fields | payload length, payload

import type { Fields, FieldValue } from '../../domain/reading.ts'
import { ByteReader, ByteWriter } from './binary.ts'

/** A reading with its topic and capture data as numbers. */
export interface Row {
  topicId: number
  time: number
  seq: number
  receivedAt: number
  captureId: number
  /** Encoded fields; empty for `null`. */
  fields: Uint8Array
  payload: Uint8Array
}

/** A body of rows: their count, then each. */
export function encodeRows(rows: readonly Row[]): Buffer {
  const size = rows.reduce((sum, { payload, fields }) => sum + payload.length + fields.length + 40, 16)
  const out = new ByteWriter(size)
  out.uint(rows.length)
  let time = 0
  let seq = 0
  for (const row of rows) {
    out.uint(row.topicId)
    out.int(row.time - time)
    out.int(row.seq - seq)
    out.int(row.receivedAt - row.time)
    out.uint(row.captureId)
    out.bytes(row.fields)
    out.bytes(row.payload)
    time = row.time
    seq = row.seq
  }
  return out.finish()
}

/** Rows whose `payload` and `fields` are views into `body`. Throws `RangeError` on bytes that are no rows. */
export function decodeRows(body: Uint8Array): Row[] {
  const input = new ByteReader(body)
  const count = input.uint()
  const rows: Row[] = []
  let time = 0
  let seq = 0
  for (let i = 0; i < count; i++) {
    const topicId = input.uint()
    time += input.int()
    seq += input.int()
    const receivedAt = time + input.int()
    const captureId = input.uint()
    rows.push({ topicId, time, seq, receivedAt, captureId, fields: input.bytes(), payload: input.bytes() })
  }
  if (!input.done) throw new RangeError('bytes are left after the last row')
  return rows
}

/** (time, seq) order: the order of a topic's readings everywhere. */
export function byTime(a: { time: number; seq: number }, b: { time: number; seq: number }): number {
  return a.time - b.time || a.seq - b.seq
}

const none = new Uint8Array(0)

/** `null` costs nothing. Integers beyond 2^53 keep every digit. */
export function encodeFields(fields: Fields | null): Uint8Array {
  if (fields === null) return none
  const entries = Object.entries(fields).map(([name, value]) => [
    name,
    typeof value === 'bigint' ? { integer: String(value) } : value,
  ])
  return Buffer.from(JSON.stringify(entries))
}

export function decodeFields(bytes: Uint8Array): Fields | null {
  if (bytes.length === 0) return null
  const entries = JSON.parse(Buffer.from(bytes).toString()) as [
    string,
    Exclude<FieldValue, bigint> | { integer: string },
  ][]
  const fields: Fields = Object.create(null) as Fields
  for (const [name, value] of entries) {
    fields[name] = typeof value === 'object' ? BigInt(value.integer) : value
  }
  return fields
}
