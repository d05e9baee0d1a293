// Bytes as text: UTF-8, UTF-16 as Windows writes it, ISO 8859-1 as small devices write their °C. What is no text is `null`.

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const utf16 = {
  little: new TextDecoder('utf-16le', { fatal: true }),
  big: new TextDecoder('utf-16be', { fatal: true }),
}

/** UTF-8 with its byte order mark, if it has one. */
export function textOf(payload: Uint8Array): string | null {
  try {
    return utf8.decode(payload)
  } catch {
    return null
  }
}

/** UTF-16 with a byte order mark, or little-endian without one when it is JSON of ASCII alone. */
export function utf16Of(payload: Uint8Array): string | null {
  if (payload.length % 2 !== 0) return null
  const [first, second] = payload
  const order =
    first === 0xff && second === 0xfe
      ? 'little'
      : first === 0xfe && second === 0xff
        ? 'big'
        : isWideAscii(payload)
          ? 'little'
          : null
  if (order === null) return null
  try {
    const text = withoutNuls(utf16[order].decode(payload)).trim()
    // oxlint-disable-next-line no-control-regex -- bytes of something else have these
    return /[\u0000-\u0008\u000e-\u001f]/.test(text) ? null : text
  } catch {
    return null
  }
}

/** A brace or bracket and more, each followed by a NUL; there may be NULs behind them. Other text may as well be numbers. */
function isWideAscii(payload: Uint8Array): boolean {
  if (payload[0] !== 0x7b && payload[0] !== 0x5b) return false
  let at = 0
  while (at < payload.length && payload[at] !== 0) {
    if ((payload[at] as number) >= 0x80 || payload[at + 1] !== 0) return false
    at += 2
  }
  return at >= 4 && payload.subarray(at).every((byte) => byte === 0)
}

/** ISO 8859-1; `null` when so much else than ASCII is in it that it is no text. */
export function latinOf(payload: Uint8Array): string | null {
  let high = 0
  for (const byte of payload) {
    const isText = (byte >= 0x20 && byte < 0x7f) || byte >= 0xa0 || (byte >= 0x09 && byte <= 0x0d)
    if (!isText) return null
    if (byte >= 0xa0) high++
  }
  return high * 5 <= payload.length ? Buffer.from(payload).toString('latin1') : null
}

/** Without the NULs at its end; by hand: a pattern would look at every run of NULs once for each of them. */
export function withoutNuls(text: string): string {
  let end = text.length
  while (end > 0 && text.charCodeAt(end - 1) === 0) end--
  return end === text.length ? text : text.slice(0, end)
}

/** Without a byte order mark. */
export function withoutMark(text: string): string {
  return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text
}
