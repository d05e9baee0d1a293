// CBOR (RFC 8949) as the tree JSON would give. Lengths are believed only as far as bytes follow, tags that bend the meaning
// of a number are applied (big numbers, decimal fractions), others are read through.

import { Bytes, bytesText, exactInteger, Malformed } from './bytes.ts'

const breakCode = Symbol('break')
const bigNumberBytesMax = 64

/** The one item in `payload`, or `null` when it is no CBOR, or more than one item. Throws `TooLarge`. */
export function readCbor(payload: Uint8Array): { value: unknown } | null {
  const bytes = new Bytes(payload)
  try {
    const value = item(bytes, 0)
    return bytes.done && value !== breakCode ? { value } : null
  } catch (error) {
    if (error instanceof Malformed) return null
    throw error
  }
}

function item(bytes: Bytes, depth: number): unknown {
  bytes.node(depth)
  const first = bytes.u8()
  const major = first >> 5
  const info = first & 31
  if (major === 7) return simple(bytes, info)
  if (info === 31) return indefinite(bytes, major, depth)
  const argument = argumentOf(bytes, info)
  switch (major) {
    case 0:
      return exactInteger(argument)
    case 1:
      return exactInteger(-1n - argument)
    case 2:
      return bytesText(bytes.take(length(argument)))
    case 3:
      return bytes.text(length(argument))
    case 4:
      return array(bytes, length(argument), depth)
    case 5:
      return map(bytes, length(argument), depth)
    default:
      return tagged(bytes, argument, depth)
  }
}

function argumentOf(bytes: Bytes, info: number): bigint {
  if (info < 24) return BigInt(info)
  if (info === 24) return BigInt(bytes.u8())
  if (info === 25) return BigInt(bytes.u16())
  if (info === 26) return BigInt(bytes.u32())
  if (info === 27) return bytes.u64()
  throw new Malformed()
}

/** A length no payload reaches is no length. */
function length(argument: bigint): number {
  if (argument > 0xffffffffn) throw new Malformed()
  return Number(argument)
}

function simple(bytes: Bytes, info: number): unknown {
  if (info === 20 || info === 21) return info === 21
  if (info === 22 || info === 23) return null
  if (info === 25) return half(bytes.u16())
  if (info === 26) return bytes.f32()
  if (info === 27) return bytes.f64()
  if (info === 31) return breakCode
  throw new Malformed()
}

/** IEEE 754 binary16, as RFC 8949, appendix D reads it. */
function half(bits: number): number {
  const exponent = (bits >> 10) & 31
  const mantissa = bits & 1023
  const sign = bits & 0x8000 ? -1 : 1
  if (exponent === 0) return sign * mantissa * 2 ** -24
  if (exponent === 31) return mantissa === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN
  return sign * (mantissa + 1024) * 2 ** (exponent - 25)
}

function array(bytes: Bytes, count: number, depth: number): unknown[] {
  const values: unknown[] = []
  for (let i = 0; i < count; i++) values.push(whole(bytes, depth + 1))
  return values
}

function map(bytes: Bytes, count: number, depth: number): Record<string, unknown> {
  const object = Object.create(null) as Record<string, unknown>
  for (let i = 0; i < count; i++) object[keyOf(whole(bytes, depth + 1))] = whole(bytes, depth + 1)
  return object
}

function whole(bytes: Bytes, depth: number): unknown {
  const value = item(bytes, depth)
  if (value === breakCode) throw new Malformed()
  return value
}

function keyOf(key: unknown): string {
  if (typeof key !== 'string' && typeof key !== 'number' && typeof key !== 'bigint') throw new Malformed()
  return String(key)
}

function indefinite(bytes: Bytes, major: number, depth: number): unknown {
  if (major < 2 || major > 5) throw new Malformed()
  const values: unknown[] = []
  for (let value = item(bytes, depth + 1); value !== breakCode; value = item(bytes, depth + 1)) {
    values.push(value)
  }
  if (major === 4) return values
  if (major === 5) {
    if (values.length % 2 === 1) throw new Malformed()
    const object = Object.create(null) as Record<string, unknown>
    for (let i = 0; i < values.length; i += 2) object[keyOf(values[i])] = values[i + 1]
    return object
  }
  if (!values.every((chunk) => typeof chunk === 'string')) throw new Malformed()
  if (major === 3) return values.join('')
  return bytesText(Buffer.concat(values.map((chunk) => Buffer.from(chunk, 'base64url'))))
}

function tagged(bytes: Bytes, tag: bigint, depth: number): unknown {
  const value = whole(bytes, depth + 1)
  if ((tag === 2n || tag === 3n) && typeof value === 'string') {
    const raw = Buffer.from(value, 'base64url')
    if (raw.length > bigNumberBytesMax) throw new Malformed()
    const magnitude = raw.length === 0 ? 0n : BigInt(`0x${raw.toString('hex')}`)
    return exactInteger(tag === 2n ? magnitude : -1n - magnitude)
  }
  if ((tag === 4n || tag === 5n) && Array.isArray(value)) {
    const [exponent, mantissa] = value as unknown[]
    if (typeof exponent !== 'number' || (typeof mantissa !== 'number' && typeof mantissa !== 'bigint')) {
      throw new Malformed()
    }
    return tag === 4n ? Number(`${mantissa}e${exponent}`) : Number(mantissa) * 2 ** exponent
  }
  return value
}
