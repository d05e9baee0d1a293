// A log segment: the rows of one commit, or of a part of it, as they lie in memory and on the disk. The number of the first
// stands in the segment's key; the others follow from their receive times (numbering.ts). Up to version 2 of the format they
// counted up by one.
//
//   version | CRC-32 | time of the first row | rows: topic id | time - first time | capture data
//   capture data: received - time | capture id | fields length, fields | payload length, payload

import { seqAfter } from '../numbering.ts'
import { ByteReader } from './binary.ts'
import { decodeFrame } from './frame.ts'

/** The largest number of bytes a row takes beside its payload and fields. */
export const rowOverheadBytes = 6 * 8

/** What stands in a row after topic and time. */
export interface RowBody {
  receivedAt: number
  captureId: number
  /** Offsets in the bytes that were read. */
  fieldsAt: number
  fieldsEnd: number
  payloadAt: number
  payloadEnd: number
}

/** Writes LEB128 at `at`; where it ends. */
export function writeUint(bytes: Uint8Array, at: number, value: number): number {
  let rest = value
  let end = at
  while (rest >= 0x80000000) {
    bytes[end++] = (rest % 128) | 128
    rest = Math.floor(rest / 128)
  }
  while (rest > 127) {
    bytes[end++] = (rest & 127) | 128
    rest >>>= 7
  }
  bytes[end++] = rest
  return end
}

/** Zigzag LEB128. */
export const writeInt = (bytes: Uint8Array, at: number, value: number): number =>
  writeUint(bytes, at, value < 0 ? -2 * value - 1 : 2 * value)

/** Copies `source` to `at`; where it ends. */
export function writeRaw(bytes: Uint8Array, at: number, source: Uint8Array): number {
  const length = source.length
  if (length > 64) bytes.set(source, at)
  // A call costs more than a short copy.
  else for (let i = 0; i < length; i++) bytes[at + i] = source[i]!
  return at + length
}

/** The capture data at `offset`. */
export function readBody(bytes: Uint8Array, offset: number, time: number): RowBody {
  const input = new ByteReader(bytes, offset)
  const receivedAt = time + input.int()
  const captureId = input.uint()
  const fieldsLength = input.uint()
  const fieldsAt = input.offset
  input.offset += fieldsLength
  const payloadLength = input.uint()
  const payloadAt = input.offset
  return {
    receivedAt,
    captureId,
    fieldsAt,
    fieldsEnd: fieldsAt + fieldsLength,
    payloadAt,
    payloadEnd: payloadAt + payloadLength,
  }
}

/** Reads the capture data of one row after another without an object for each. */
export class BodyReader {
  /** Milliseconds from the reading's time until it was received. */
  delay = 0
  captureId = 0
  fieldsAt = 0
  fieldsEnd = 0
  payloadAt = 0
  payloadEnd = 0
  #at = 0

  /** Takes in what stands at `offset`, which was written here: it is not checked. */
  read(bytes: Uint8Array, offset: number): void {
    this.#at = offset
    const delay = this.#uint(bytes)
    this.delay = delay % 2 === 1 ? -(delay + 1) / 2 : delay / 2
    this.captureId = this.#uint(bytes)
    const fieldsLength = this.#uint(bytes)
    this.fieldsAt = this.#at
    this.fieldsEnd = this.#at += fieldsLength
    const payloadLength = this.#uint(bytes)
    this.payloadAt = this.#at
    this.payloadEnd = this.#at + payloadLength
  }

  #uint(bytes: Uint8Array): number {
    let byte = bytes[this.#at++]!
    if (byte < 128) return byte
    let value = byte & 127
    for (let scale = 128; ; scale *= 128) {
      byte = bytes[this.#at++]!
      value += (byte & 127) * scale
      if (byte < 128) return value
    }
  }
}

/** One row of a segment read from the disk. */
export interface SegmentRow {
  /** JSON text of the cleaned fields; empty for none. */
  fields: Buffer
  payload: Buffer
  receivedAt: number
  captureId: number
  topicId: number
  time: number
  seq: number
}

/** Rows of a segment, the first with number `firstSeq`. Throws `RangeError` on bytes that are no rows or are damaged. */
export function* readSegment(record: Uint8Array, firstSeq: number): Generator<SegmentRow> {
  const body = decodeFrame(record)
  if (!body) throw new RangeError('its checksum does not hold')
  const countsUp = record[0] === 2
  const input = new ByteReader(body)
  const firstTime = input.int()
  let seq = firstSeq - 1
  while (!input.done) {
    const topicId = input.uint()
    const time = firstTime + input.int()
    const row = readBody(body, input.offset, time)
    if (row.payloadEnd > body.length || row.fieldsEnd > body.length)
      throw new RangeError('cut off inside a row')
    input.offset = row.payloadEnd
    seq = seq < firstSeq ? firstSeq : countsUp ? seq + 1 : seqAfter(seq, row.receivedAt)
    yield {
      topicId,
      time,
      seq,
      receivedAt: row.receivedAt,
      captureId: row.captureId,
      fields: body.subarray(row.fieldsAt, row.fieldsEnd),
      payload: body.subarray(row.payloadAt, row.payloadEnd),
    }
  }
}
