// Values of Sparkplug B metrics by data type (Eclipse Sparkplug 3.0, 6.4.16): integers of the width and sign their type
// says, arrays, and data sets. A value whose type leaves its meaning open is `undefined`.

import { Bytes, bytesText, exactInteger, Malformed } from './bytes.ts'
import { readWire, type WireField } from './protobufWire.ts'

/** Data type → numbers of the wire fields that may carry it. */
export const types: ReadonlyMap<number, readonly number[]> = new Map<number, readonly number[]>([
  ...[1, 2, 3, 4, 5, 6, 7, 8].map((type) => [type, [10, 11]] as const),
  [9, [12]],
  [10, [13]],
  [11, [14]],
  [12, [15]],
  [13, [11]],
  [14, [15]],
  [15, [15]],
  [16, [17]],
  [17, [16]],
  [18, [16]],
  [19, [18]],
  ...Array.from({ length: 13 }, (_, i) => [22 + i, [16]] as const),
])

const widths = new Map([
  [1, 8],
  [2, 16],
  [3, 32],
  [4, 64],
])

export function isArrayType(datatype: number): boolean {
  return datatype >= 22 && datatype <= 34
}

/** The value of a metric that is one scalar. */
export function readScalar(datatype: number, { number, bits, bytes }: WireField): unknown {
  if (number === 10 || number === 11) return integer(datatype, bits, number === 10 ? 32 : 64)
  if (number === 12) return floatOf(bits, 4)
  if (number === 13) return floatOf(bits, 8)
  if (number === 14) return bits !== 0n
  if (number === 15) return textOf(bytes)
  return number === 16 ? bytesText(bytes) : undefined
}

function integer(datatype: number, bits: bigint, carrier: number): unknown {
  const width = widths.get(datatype)
  if (width !== undefined) return exactInteger(BigInt.asIntN(width, bits))
  if (datatype >= 5 && datatype <= 8) return exactInteger(bits)
  if (datatype === 11) return bits !== 0n
  if (datatype === 13) return exactInteger(bits)
  // Without a type the top bit may be a sign.
  return datatype === 0 && bits < 1n << BigInt(carrier - 1) ? exactInteger(bits) : undefined
}

function floatOf(bits: bigint, size: 4 | 8): number {
  const view = new DataView(new ArrayBuffer(8))
  if (size === 4) {
    view.setUint32(0, Number(bits & 0xffffffffn))
    return view.getFloat32(0)
  }
  view.setBigUint64(0, bits)
  return view.getFloat64(0)
}

function textOf(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw new Malformed()
  }
}

/** Types 22 to 34: packed little-endian numbers, bits after a count, or texts that end in NUL. */
export function readTypedArray(datatype: number, raw: Uint8Array): unknown[] {
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength)
  if (datatype === 32) return booleans(view)
  if (datatype === 33) return textOf(raw).split('\0').slice(0, -1)
  const reader = arrayReaders[datatype]
  if (!reader || raw.length % reader[0] !== 0) throw new Malformed()
  const [size, read] = reader
  return Array.from({ length: raw.length / size }, (_, i) => read(view, i * size))
}

const arrayReaders: Record<number, [size: number, read: (view: DataView, at: number) => unknown]> = {
  22: [1, (view, at) => view.getInt8(at)],
  23: [2, (view, at) => view.getInt16(at, true)],
  24: [4, (view, at) => view.getInt32(at, true)],
  25: [8, (view, at) => exactInteger(view.getBigInt64(at, true))],
  26: [1, (view, at) => view.getUint8(at)],
  27: [2, (view, at) => view.getUint16(at, true)],
  28: [4, (view, at) => view.getUint32(at, true)],
  29: [8, (view, at) => exactInteger(view.getBigUint64(at, true))],
  30: [4, (view, at) => view.getFloat32(at, true)],
  31: [8, (view, at) => view.getFloat64(at, true)],
  34: [8, (view, at) => exactInteger(view.getBigUint64(at, true))],
}

function booleans(view: DataView): boolean[] {
  if (view.byteLength < 4) throw new Malformed()
  const count = view.getUint32(0, true)
  if (count > (view.byteLength - 4) * 8) throw new Malformed()
  return Array.from({ length: count }, (_, i) => ((view.getUint8(4 + (i >> 3)) << (i & 7)) & 0x80) !== 0)
}

/** Calls `onCell` with `row.column` for each cell of a DataSet that has a value. */
export function readDataSet(raw: Uint8Array, onCell: (path: string, value: unknown) => void): void {
  const fields = readWire(raw)
  const columns = fields
    .filter(({ number, type }) => number === 2 && type === 2)
    .map(({ bytes }) => textOf(bytes))
  const columnTypes = fields.filter(({ number }) => number === 3).flatMap(packedIntegers)
  const rows = fields.filter(({ number, type }) => number === 4 && type === 2)
  for (const [row, { bytes }] of rows.entries()) {
    const cells = readWire(bytes).filter(({ number, type }) => number === 1 && type === 2)
    for (const [column, cell] of cells.entries()) {
      const [value] = readWire(cell.bytes)
      const name = columns[column]
      if (!value || name === undefined) continue
      // A DataSetValue counts its fields from 1: int, long, float, double, boolean, string.
      const shifted = { ...value, number: value.number + 9 }
      onCell(`${row}.${name}`, readScalar(columnTypes[column] ?? 0, shifted))
    }
  }
}

/** `repeated uint32`: packed, or one by one. */
function packedIntegers({ type, bits, bytes }: WireField): number[] {
  if (type !== 2) return [Number(bits)]
  const cursor = new Bytes(bytes)
  const found: number[] = []
  while (!cursor.done) found.push(cursor.u8())
  return found
}
