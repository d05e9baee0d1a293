// Text as bytes: is it well-formed UTF-8 without U+0000 [MQTT-1.5.4-1, 1.5.4-2]? Asked of the bytes,
// because a decoder has already put U+FFFD where the fault was.

import { isUtf8 } from 'node:buffer'

/** Why bytes `start` to `end` are no MQTT text, or `null`. */
export function utf8Fault(bytes: Buffer, start: number, end: number): string | null {
  let ascii = true
  for (let i = start; i < end; i++) {
    const byte = bytes[i] as number
    if (byte === 0) return 'text holds U+0000 [MQTT-1.5.4-2]'
    if (byte > 0x7f) ascii = false
  }
  if (ascii || isUtf8(bytes.subarray(start, end))) return null
  return 'text is not well-formed UTF-8 [MQTT-1.5.4-1]'
}
