// The marks of QoS 2 publishes that are stored and not released yet: in memory, as they stand on the disk.

import type { Receipts } from '../store.ts'

export function createReceipts(marks: ReadonlySet<string>, settle: Receipts['settle']): Receipts {
  return {
    has: (receipt) => marks.has(receipt),
    list: (prefix) => [...marks].filter((receipt) => receipt.startsWith(prefix)),
    settle,
  }
}
