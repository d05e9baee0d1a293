// The wire format of Protocol Buffers: numbered fields of varints, fixed words and lengths, without a schema.

import { Bytes, Malformed } from './bytes.ts'

export interface WireField {
  number: number
  /** 0 varint, 1 fixed 64, 2 length-delimited, 5 fixed 32. */
  type: 0 | 1 | 2 | 5
  /** Of types 0, 1 and 5; the bits as they stand. */
  bits: bigint
  /** Of type 2. */
  bytes: Uint8Array
}

const none = new Uint8Array(0)

/** The fields of one message in the order sent. Throws `Malformed` on bytes that are none. */
export function readWire(payload: Uint8Array): WireField[] {
  const bytes = new Bytes(payload)
  const fields: WireField[] = []
  while (!bytes.done) {
    bytes.node(0)
    const key = varint(bytes)
    const number = Number(key >> 3n)
    const type = Number(key & 7n)
    if (number < 1 || number > 536_870_911) throw new Malformed()
    if (type === 0) fields.push({ number, type, bits: varint(bytes), bytes: none })
    else if (type === 1) fields.push({ number, type, bits: swap64(bytes.u64()), bytes: none })
    else if (type === 2) fields.push({ number, type, bits: 0n, bytes: bytes.take(lengthOf(varint(bytes))) })
    else if (type === 5) fields.push({ number, type, bits: swap32(bytes.u32()), bytes: none })
    else throw new Malformed()
  }
  return fields
}

function lengthOf(value: bigint): number {
  if (value > 0xffffffffn) throw new Malformed()
  return Number(value)
}

function varint(bytes: Bytes): bigint {
  let value = 0n
  for (let shift = 0n; shift < 70n; shift += 7n) {
    const byte = bytes.u8()
    value |= BigInt(byte & 127) << shift
    if (byte < 128) return BigInt.asUintN(64, value)
  }
  throw new Malformed()
}

function swap32(value: number): bigint {
  const view = new DataView(new ArrayBuffer(4))
  view.setUint32(0, value)
  return BigInt(view.getUint32(0, true))
}

function swap64(value: bigint): bigint {
  const view = new DataView(new ArrayBuffer(8))
  view.setBigUint64(0, value)
  return view.getBigUint64(0, true)
}
