// From where to where a block reaches, and what it holds beside the columns that every block has: what can be known of it
// without reading a column.

import type { ByteReader, ByteWriter } from '../binary.ts'

/** From where to where a block reaches. */
export interface BlockExtent {
  count: number
  tmin: number
  tmax: number
  seqMin: number
  seqMax: number
  payloadBytes: number
}

/** The first fields of a block and of its index alike. */
export function writeExtent(head: ByteWriter, extent: BlockExtent): void {
  head.int(extent.tmin)
  head.uint(extent.tmax - extent.tmin)
  head.int(extent.seqMin)
  head.uint(extent.seqMax - extent.seqMin)
  head.uint(extent.count)
  head.uint(extent.payloadBytes)
}

export function readExtent(head: ByteReader): BlockExtent {
  const tmin = head.int()
  const tmax = tmin + head.uint()
  const seqMin = head.int()
  const seqMax = seqMin + head.uint()
  return { tmin, tmax, seqMin, seqMax, count: head.uint(), payloadBytes: head.uint() }
}

/** Columns that are there only when needed, whether raw texts may be JSON all the same, and whether numbers are told from receive times. */
export const blockFlag = { receivedAt: 1, fields: 2, rawJson: 4, rawFieldJson: 8, clockSeqs: 16 } as const
