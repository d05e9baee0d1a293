// Every value of the store in one frame: a version byte, a CRC-32 of the body, the body. LevelDB itself may hand out
// a damaged value without a word, so nothing is believed before its own checksum holds.
//
//   0        1        5
//   +--------+--------+------------
//   | version| CRC-32 | body …
//   +--------+--------+------------
//
// The CRC-32 starts from the version (of version 2: from 0), so that no version is taken for another.

import { crc32 } from 'node:zlib'

/** Raised when the layout of any body changes; an older server refuses a newer store. */
export const formatVersion = 3

/** The oldest version that is read. */
export const formatVersionMin = 2

const headBytes = 5

export function encodeFrame(body: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(headBytes + body.length)
  frame.set(body, headBytes)
  return sealFrame(frame)
}

/** Fills in the head before a body. */
export function sealFrame(frame: Buffer): Buffer {
  frame[0] = formatVersion
  frame.writeUInt32BE(checksum(frame.subarray(headBytes), formatVersion), 1)
  return frame
}

const checksum = (body: Uint8Array, version: number): number => crc32(body, version === 2 ? 0 : version)

/** The body, or `null` when the frame is damaged. */
export function decodeFrame(frame: Uint8Array): Buffer | null {
  const version = frame[0] ?? 0
  if (frame.length < headBytes || version < formatVersionMin || version > formatVersion) return null
  const view = Buffer.from(frame.buffer, frame.byteOffset, frame.length)
  const body = view.subarray(headBytes)
  return checksum(body, version) === view.readUInt32BE(1) ? body : null
}
