// MessagePack as the tree JSON would give. Lengths are believed only as far as bytes follow.

import { Bytes, bytesText, exactInteger, Malformed } from './bytes.ts'

/** The one value in `payload`, or `null` when it is no MessagePack, or more than one value. Throws `TooLarge`. */
export function readMsgpack(payload: Uint8Array): { value: unknown } | null {
  const bytes = new Bytes(payload)
  try {
    const value = item(bytes, 0)
    return bytes.done ? { value } : null
  } catch (error) {
    if (error instanceof Malformed) return null
    throw error
  }
}

function item(bytes: Bytes, depth: number): unknown {
  bytes.node(depth)
  const code = bytes.u8()
  if (code < 0x80) return code
  if (code < 0x90) return map(bytes, code & 15, depth)
  if (code < 0xa0) return array(bytes, code & 15, depth)
  if (code < 0xc0) return bytes.text(code & 31)
  if (code >= 0xe0) return code - 256
  return longForm(bytes, code, depth)
}

function longForm(bytes: Bytes, code: number, depth: number): unknown {
  if (code === 0xc0) return null
  if (code === 0xc2 || code === 0xc3) return code === 0xc3
  if (code >= 0xc4 && code <= 0xc6) return bytesText(bytes.take(size(bytes, code - 0xc4)))
  if (code >= 0xc7 && code <= 0xc9) return extension(bytes, size(bytes, code - 0xc7))
  if (code === 0xca) return bytes.f32()
  if (code === 0xcb) return bytes.f64()
  if (code >= 0xcc && code <= 0xce) return size(bytes, code - 0xcc)
  if (code === 0xcf) return exactInteger(bytes.u64())
  if (code === 0xd0) return bytes.i8()
  if (code === 0xd1) return bytes.i16()
  if (code === 0xd2) return bytes.i32()
  if (code === 0xd3) return exactInteger(bytes.i64())
  if (code >= 0xd4 && code <= 0xd8) return extension(bytes, 2 ** (code - 0xd4))
  if (code >= 0xd9 && code <= 0xdb) return bytes.text(size(bytes, code - 0xd9))
  if (code === 0xdc || code === 0xdd) return array(bytes, size(bytes, code - 0xdb), depth)
  if (code === 0xde || code === 0xdf) return map(bytes, size(bytes, code - 0xdd), depth)
  throw new Malformed()
}

/** An unsigned integer of 1, 2 or 4 bytes. */
function size(bytes: Bytes, width: number): number {
  return width === 0 ? bytes.u8() : width === 1 ? bytes.u16() : bytes.u32()
}

function array(bytes: Bytes, count: number, depth: number): unknown[] {
  const values: unknown[] = []
  for (let i = 0; i < count; i++) values.push(item(bytes, depth + 1))
  return values
}

function map(bytes: Bytes, count: number, depth: number): Record<string, unknown> {
  const object = Object.create(null) as Record<string, unknown>
  for (let i = 0; i < count; i++) {
    const key = item(bytes, depth + 1)
    if (typeof key !== 'string' && typeof key !== 'number' && typeof key !== 'bigint') throw new Malformed()
    object[String(key)] = item(bytes, depth + 1)
  }
  return object
}

/** A timestamp (type -1) as seconds since 1970; any other extension as its bytes. */
function extension(bytes: Bytes, length: number): unknown {
  const type = bytes.i8()
  const data = bytes.take(length)
  if (type !== -1) return bytesText(data)
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength)
  if (length === 4) return view.getUint32(0)
  if (length === 8) {
    const bits = view.getBigUint64(0)
    return Number(bits & 0x3ffffffffn) + Number(bits >> 34n) / 1e9
  }
  if (length === 12) return Number(view.getBigInt64(4)) + view.getUint32(0) / 1e9
  throw new Malformed()
}
