// What blocks, indexes and shapes begin with: the version of this codec and a CRC-32 of the rest, which differs by kind and
// version so that a block is never taken for an index. LevelDB may hand out a damaged value without a word; this notices.
//
//   0         1        5
//   +---------+--------+----------
//   | version | CRC-32 | body …
//   +---------+--------+----------

import { endianness } from 'node:os'
import { crc32 } from 'node:zlib'
import { AppError } from '../../../domain/errors.ts'

/** Raised when anything that this codec writes changes its meaning; older versions stay readable. */
export const codecVersion = 2

export const sealBytes = 5

/** The record's key letter: `B`, `I` or `H`. */
export type SealKind = 'block' | 'index' | 'shape'

const letters: Record<SealKind, number> = { block: 66, index: 73, shape: 72 }

/** What a checksum starts from: no kind and no version is taken for another. */
const seedOf = (kind: SealKind, version: number): number => letters[kind] + 256 * (version - 1)

/** Fills in the first five bytes of a finished record. */
export function seal(record: Buffer, kind: SealKind): Buffer {
  record[0] = codecVersion
  record.writeUInt32LE(crc32(record.subarray(sealBytes), seedOf(kind, codecVersion)), 1)
  return record
}

/** The record as a Buffer, once its checksum holds. Throws `store_corrupt` otherwise. */
export function unseal(record: Uint8Array, kind: SealKind): Buffer {
  if (endianness() !== 'LE') {
    throw new AppError('store_unavailable', 'blocks are read and written on little-endian machines only')
  }
  const view = Buffer.from(record.buffer, record.byteOffset, record.length)
  if (view.length < sealBytes) throw damaged(kind, 'it is cut off')
  const version = view[0]!
  if (version < 1 || version > codecVersion) {
    throw damaged(kind, `its version is ${version}, and this server reads up to ${codecVersion}`)
  }
  if (view.readUInt32LE(1) !== crc32(view.subarray(sealBytes), seedOf(kind, version))) {
    throw damaged(kind, 'its checksum does not hold')
  }
  return view
}

/** Runs a decoder; what it finds malformed (a `RangeError`) becomes `store_corrupt`. */
export function guarded<T>(kind: SealKind, decode: () => T): T {
  try {
    return decode()
  } catch (error) {
    if (error instanceof RangeError) throw damaged(kind, error.message, error)
    throw error
  }
}

export function damaged(kind: SealKind, why: string, cause?: unknown): AppError {
  return new AppError('store_corrupt', `this ${kind} is damaged: ${why}`, { cause })
}
