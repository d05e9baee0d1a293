// Text as bytes that sort as JavaScript's `<` sorts strings: UTF-8 of each UTF-16 code unit by itself (CESU-8). Without
// surrogates that is plain UTF-8; every string, also one with lone surrogates, comes back as it was.

/** Most bytes that a code unit takes. */
export const unitBytesMax = 3

/** Writes `text` at the start of `into`, which has room for 3 bytes a code unit; how many bytes it took. */
export function encodeUnits(text: string, into: Uint8Array): number {
  let end = 0
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit < 0x80) {
      into[end++] = unit
    } else if (unit < 0x800) {
      into[end++] = 0xc0 | (unit >> 6)
      into[end++] = 0x80 | (unit & 63)
    } else {
      into[end++] = 0xe0 | (unit >> 12)
      into[end++] = 0x80 | ((unit >> 6) & 63)
      into[end++] = 0x80 | (unit & 63)
    }
  }
  return end
}

/** The text of bytes that `encodeUnits` wrote. */
export function decodeUnits(bytes: Buffer, start: number, end: number): string {
  const text = bytes.toString('utf8', start, end)
  // Surrogates are no valid UTF-8: they read as U+FFFD, which may also be meant.
  return text.includes('\ufffd') ? decodeEachUnit(bytes, start, end) : text
}

function decodeEachUnit(bytes: Buffer, start: number, end: number): string {
  const units: number[] = []
  for (let at = start; at < end; ) {
    const lead = bytes[at++] as number
    if (lead < 0x80) units.push(lead)
    else if (lead < 0xe0) units.push(((lead & 31) << 6) | ((bytes[at++] as number) & 63))
    else
      units.push(((lead & 15) << 12) | (((bytes[at++] as number) & 63) << 6) | ((bytes[at++] as number) & 63))
  }
  let text = ''
  // Arguments stand on the stack: not all of a long name at once.
  for (let at = 0; at < units.length; at += 4096) text += String.fromCharCode(...units.slice(at, at + 4096))
  return text
}

/** Order of two byte ranges: negative, zero or positive. A range comes before its own continuation. */
export function compareBytes(
  a: Uint8Array,
  aStart: number,
  aLength: number,
  b: Uint8Array,
  bStart: number,
  bLength: number,
): number {
  const common = Math.min(aLength, bLength)
  for (let i = 0; i < common; i++) {
    const order = (a[aStart + i] as number) - (b[bStart + i] as number)
    if (order !== 0) return order
  }
  return aLength - bLength
}
