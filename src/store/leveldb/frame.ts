// Every value of the store in one frame: a version byte, a CRC-32 of the body, the body. LevelDB itself may hand out
// a damaged value without a word, so nothing is believed before its own checksum holds.
//
//   0        1        5
//   +--------+--------+------------
//   | version| CRC-32 | body …
//   +--------+--------+------------

import { crc32 } from 'node:zlib'

/** Raised when the layout of any body changes; an older server refuses a newer store. */
export const formatVersion = 2

const headBytes = 5

export function encodeFrame(body: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(headBytes + body.length)
  frame[0] = formatVersion
  frame.writeUInt32BE(crc32(body), 1)
  frame.set(body, headBytes)
  return frame
}

/** The body, or `null` when the frame is damaged. */
export function decodeFrame(frame: Uint8Array): Buffer | null {
  if (frame.length < headBytes || frame[0] !== formatVersion) return null
  const view = Buffer.from(frame.buffer, frame.byteOffset, frame.length)
  const body = view.subarray(headBytes)
  return crc32(body) === view.readUInt32BE(1) ? body : null
}
