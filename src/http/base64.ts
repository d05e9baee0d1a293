// Base64 (RFC 4648, 4) of any length. A pattern over the whole of it would overflow the stack of the engine at a few megabytes.

const lastFour = /^(?:[A-Za-z0-9+/]{4}|[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)$/

/** The bytes; `null` for what is no base64, is cut off or has other characters in it. */
export function decodeBase64(text: string): Buffer | null {
  if (text === '') return Buffer.alloc(0)
  const head = text.slice(0, -4)
  if (text.length % 4 !== 0 || !lastFour.test(text.slice(-4))) return null
  // Node passes by what is no base64, and then comes to another text.
  if (Buffer.from(head, 'base64').toString('base64') !== head) return null
  return Buffer.from(text, 'base64')
}
