// The marks of QoS 2 publishes that are stored and not released yet: in memory, as they stand on the disk.

import { crc32 } from 'node:zlib'
import type { Receipts } from '../store.ts'

export function createReceipts(marks: ReadonlySet<string>, settle: Receipts['settle']): Receipts {
  return {
    has: (receipt) => marks.has(receipt),
    list: (prefix) => [...marks].filter((receipt) => receipt.startsWith(prefix)),
    settle,
  }
}

/** The value of a receipt's record: a checksum of its key, which has no other. */
export function receiptValue(key: Uint8Array): Buffer {
  const value = Buffer.alloc(4)
  value.writeUInt32BE(crc32(key))
  return value
}
