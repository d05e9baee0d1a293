// Frames of smart meters on the HAN port: HDLC type 3 (IEC 62056-46) around a DLMS data notification (IEC 62056-5-3). Values
// with an OBIS code are taken with their scaler; without one only the lists whose order the makers publish.
//
//   7E | A len | addresses, control, HCS | E6 E7 00 | 0F | invoke id | clock | data | FCS | 7E

import { Bytes, exactInteger, Malformed } from './bytes.ts'
import { crcX25 } from './crc.ts'
import { type Decoded, Leaves, nothing } from './decoded.ts'

interface Tree {
  tag: number
  value: unknown
}

/** `null` when `payload` is no such frame. */
export function decodeHdlc(payload: Uint8Array): Decoded | null {
  const length = (((payload[1] ?? 0) & 7) << 8) | (payload[2] ?? 0)
  const framed = payload[0] === flag && payload.length === length + 2 && payload[length + 1] === flag
  if (!framed || ((payload[1] ?? 0) & 0xf8) !== 0xa0 || length < 12) return null
  const frame = payload.subarray(1, length + 1)
  const fcs = (frame[length - 2] ?? 0) | ((frame[length - 1] ?? 0) << 8)
  if (crcX25(frame.subarray(0, -2)) !== fcs) return nothing('hdlc-dlms', 'checksum')
  try {
    const apdu = notification(frame.subarray(0, -2))
    return apdu && fieldsOf(apdu)
  } catch (error) {
    if (error instanceof Malformed) return nothing('hdlc-dlms', 'invalid')
    throw error
  }
}

const flag = 0x7e
const octets = 9
const text = 10
const array = 1
const structure = 2
const doubleLongUnsigned = 6
const enumeration = 22

/** The data of the notification in a frame that is not segmented. */
function notification(frame: Uint8Array): Tree | null {
  let at = 2
  // Two addresses, each ending in a byte whose lowest bit is set; control; header checksum.
  for (let address = 0; address < 2; address++) while (((frame[at++] ?? 1) & 1) === 0);
  at += 3
  if (frame[at] !== 0xe6 || frame[at + 2] !== 0 || frame[at + 3] !== 0x0f) return null
  const bytes = new Bytes(frame.subarray(at + 8))
  const clock = bytes.u8()
  // The clock is 12 octets, with its tag or without, or absent.
  if (clock === octets) bytes.take(bytes.u8())
  else if (clock === 12) bytes.take(12)
  else if (clock !== 0) throw new Malformed()
  const tree = item(bytes, 0)
  if (!bytes.done) throw new Malformed()
  return tree
}

function item(bytes: Bytes, depth: number): Tree {
  bytes.node(depth)
  const tag = bytes.u8()
  return { tag, value: valueOf(bytes, tag, depth) }
}

function valueOf(bytes: Bytes, tag: number, depth: number): unknown {
  if (tag === array || tag === structure) {
    return Array.from({ length: bytes.u8() }, () => item(bytes, depth + 1))
  }
  if (tag === octets || tag === text) return bytes.take(bytes.u8())
  const read = readers[tag]
  if (!read) throw new Malformed()
  return read(bytes)
}

const readers: Record<number, (bytes: Bytes) => unknown> = {
  0: () => null,
  3: (bytes) => bytes.u8() !== 0,
  5: (bytes) => bytes.i32(),
  6: (bytes) => bytes.u32(),
  15: (bytes) => bytes.i8(),
  16: (bytes) => bytes.i16(),
  17: (bytes) => bytes.u8(),
  18: (bytes) => bytes.u16(),
  20: (bytes) => exactInteger(bytes.i64()),
  21: (bytes) => exactInteger(bytes.u64()),
  22: (bytes) => bytes.u8(),
  23: (bytes) => bytes.f32(),
  24: (bytes) => bytes.f64(),
}

function fieldsOf(root: Tree): Decoded {
  const leaves = new Leaves()
  const items = root.tag === structure || root.tag === array ? (root.value as Tree[]) : []
  const [first] = items
  if (items.length === 1 && first?.tag === doubleLongUnsigned)
    leaves.set('active_power_import_W', first.value)
  else if (first && textOf(first)?.startsWith('KFM_')) setKaifa(leaves, items)
  else setObis(leaves, items)
  return leaves.decoded('hdlc-dlms')
}

/** Kaifa's lists, in the order its description gives: name, scale. Energy follows the clock of the hourly list. */
const kaifa: [name: string, scale: number][] = [
  ['active_power_import_W', 1],
  ['active_power_export_W', 1],
  ['reactive_power_import_var', 1],
  ['reactive_power_export_var', 1],
]
const kaifaPhases: [name: string, scale: number][] = [
  ['current_L1_A', 1e3],
  ['current_L2_A', 1e3],
  ['current_L3_A', 1e3],
  ['voltage_L1_V', 10],
  ['voltage_L2_V', 10],
  ['voltage_L3_V', 10],
]
const kaifaPhase: [name: string, scale: number][] = [
  ['current_L1_A', 1e3],
  ['voltage_L1_V', 10],
]
const kaifaEnergy: [name: string, scale: number][] = [
  ['energy_import_Wh', 1],
  ['energy_export_Wh', 1],
  ['reactive_energy_import_varh', 1],
  ['reactive_energy_export_varh', 1],
]

function setKaifa(leaves: Leaves, items: readonly Tree[]): void {
  const phases = items.length === 13 || items.length === 18 ? kaifaPhases : kaifaPhase
  if (![9, 13, 14, 18].includes(items.length)) {
    leaves.marks.add('dropped')
    return
  }
  for (const [index, name] of ['list_version', 'meter_id', 'meter_type'].entries()) {
    const words = textOf(items[index])
    if (words !== null) leaves.set(name, words)
  }
  const names = [...kaifa, ...phases]
  const energy = items.length === 14 || items.length === 18 ? kaifaEnergy : []
  const values = items.slice(3, 3 + names.length).concat(items.slice(4 + names.length))
  for (const [index, [name, scale]] of [...names, ...energy].entries()) {
    const value = values[index]?.value
    if (typeof value === 'number') leaves.set(name, value / scale)
  }
}

/** OBIS code, value and, where given, scaler and unit: flat one after another, or a structure for each. */
function setObis(leaves: Leaves, items: readonly Tree[]): void {
  for (const [index, one] of items.entries()) {
    if (one.tag === structure) setObis(leaves, one.value as Tree[])
    const code = obisOf(one)
    const value = items[index + 1]
    if (code === null || !value) continue
    const scaled = scalerOf(items[index + 2])
    if (typeof value.value === 'number')
      leaves.set(code, scaled === null ? value.value : scale(value.value, scaled))
    else if (textOf(value) !== null) leaves.set(code, textOf(value))
  }
}

function scale(value: number, exponent: number): number {
  return Number(`${value}e${exponent}`)
}

/** A structure of scaler (int8) and unit (enumeration). */
function scalerOf(tree: Tree | undefined): number | null {
  if (tree?.tag !== structure) return null
  const [scaler, unit] = tree.value as Tree[]
  return unit?.tag === enumeration && typeof scaler?.value === 'number' ? scaler.value : null
}

function obisOf({ tag, value }: Tree): string | null {
  if (tag !== octets || !(value instanceof Uint8Array) || value.length !== 6) return null
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = value
  return a <= 1 && (f === 255 || f === 0) ? `${a}-${b}:${c}.${d}.${e}` : null
}

function textOf(tree: Tree | undefined): string | null {
  if (!(tree?.value instanceof Uint8Array) || tree.value.length === 0) return null
  const words = Buffer.from(tree.value).toString('latin1')
  return /^[\x20-\x7e]+$/.test(words) ? words : null
}
