// Text gathered as bytes, for exports of millions of rows: what is ASCII is written byte by byte, without a string for each value.

import { isUtf8 } from 'node:buffer'
import { formatTime } from '../domain/time.ts'

const startBytes = 384 * 1024
const [quote, backslash, firstOther] = [0x22, 0x5c, 0x80]

/** What JSON.stringify writes for the characters below space, the quote and the backslash. */
const escapes: (Buffer | undefined)[] = []
for (const code of [...Array(0x20).keys(), quote, backslash]) {
  escapes[code] = Buffer.from(JSON.stringify(String.fromCharCode(code)).slice(1, -1))
}

export class ByteText {
  #bytes = Buffer.allocUnsafeSlow(startBytes)
  length = 0

  /** What was written; begins anew. */
  take(): Buffer {
    const taken = this.#bytes.subarray(0, this.length)
    this.#bytes = Buffer.allocUnsafeSlow(startBytes)
    this.length = 0
    return taken
  }

  text(text: string): void {
    this.#ensure(text.length * 3)
    this.length += this.#bytes.write(text, this.length)
  }

  bytes(given: Uint8Array): void {
    const size = given.length
    this.#ensure(size)
    const bytes = this.#bytes
    const at = this.length
    // A call for a few bytes costs more than the bytes.
    if (size < 64) for (let i = 0; i < size; i++) bytes[at + i] = given[i] ?? 0
    else bytes.set(given, at)
    this.length = at + size
  }

  /** A whole number from 0 on. */
  integer(value: number): void {
    if (value > 0xffff_ffff) {
      const high = Math.floor(value / 1e9)
      this.integer(high)
      this.#digits(value - high * 1e9, 9)
      return
    }
    let size = 1
    for (let most = 10; value >= most && size < 10; most *= 10) size++
    this.#digits(value, size)
  }

  #digits(value: number, size: number): void {
    this.#ensure(size)
    let rest = value
    for (let at = this.length + size - 1; at >= this.length; at--) {
      const tenth = Math.floor(rest / 10)
      this.#bytes[at] = 0x30 + rest - tenth * 10
      rest = tenth
    }
    this.length += size
  }

  /** A payload as a JSON string without its quotes; false when it is not UTF-8, and then nothing is written. */
  jsonText(payload: Uint8Array): boolean {
    const size = payload.length
    // Six bytes for one, at most.
    this.#ensure(size * 6)
    const bytes = this.#bytes
    let at = this.length
    for (let i = 0; i < size; i++) {
      const byte = payload[i] ?? 0
      if (byte >= firstOther) return this.#wideText(payload)
      const escape = escapes[byte]
      if (escape === undefined) bytes[at++] = byte
      else for (let k = 0; k < escape.length; k++) bytes[at++] = escape[k] ?? 0
    }
    this.length = at
    return true
  }

  #wideText(payload: Uint8Array): boolean {
    if (!isUtf8(payload)) return false
    const text = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength).toString()
    this.text(JSON.stringify(text).slice(1, -1))
    return true
  }

  #ensure(more: number): void {
    if (this.length + more <= this.#bytes.length) return
    const grown = Buffer.allocUnsafeSlow(Math.max(this.#bytes.length * 2, this.length + more))
    this.#bytes.copy(grown, 0, 0, this.length)
    this.#bytes = grown
  }
}

/** Writes times as RFC 3339: the part up to the minute is kept from one row to the next, so each column has its own. */
export function createTimeWriter(): (ms: number, to: ByteText) => void {
  let minute = Number.NaN
  let text = Buffer.alloc(0)
  return (ms, to) => {
    const at = Math.floor(ms / 60_000)
    if (at !== minute) {
      minute = at
      text = Buffer.from(formatTime(ms))
    }
    const rest = ms - at * 60_000
    const seconds = Math.floor(rest / 1000)
    const millis = rest - seconds * 1000
    const tens = Math.floor(seconds / 10)
    const hundreds = Math.floor(millis / 100)
    const tenths = Math.floor(millis / 10)
    // …:SS.mmmZ
    const size = text.length
    text[size - 7] = 0x30 + tens
    text[size - 6] = 0x30 + seconds - tens * 10
    text[size - 4] = 0x30 + hundreds
    text[size - 3] = 0x30 + tenths - hundreds * 10
    text[size - 2] = 0x30 + millis - tenths * 10
    to.bytes(text)
  }
}
