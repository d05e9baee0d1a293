// A block: up to 8,192 readings of one topic, column by column, under one checksum, and its index. Encoding and decoding
// are pure; every payload comes back byte for byte, and a damaged block is an error, never a wrong value. The layout is
// drawn in docs/storage-format.md.

import { AppError } from '../../../domain/errors.ts'
import { seqsPerMs } from '../../numbering.ts'
import { ByteWriter } from '../binary.ts'
import { encodeBody, type EncodedBody } from './body.ts'
import { encodeIndex, indexFieldsMax } from './blockindex.ts'
import { type BlockExtent, blockFlag, writeExtent } from './extent.ts'
import { ColumnWriter, finishColumns } from './columns.ts'
import { gatherNumbers } from './gather.ts'
import { encodeIntegers } from './integers.ts'
import { blockBytesLimit, blockRowsMax, type Rows, type Texts } from './rows.ts'
import { seal, sealBytes } from './seal.ts'
import type { Shapes } from './shapes.ts'
import { chooseGrid } from './slots.ts'
import { openBlock } from './open.ts'

export interface EncodedBlock {
  block: Buffer
  index: Buffer
}

/**
 * Encodes rows from…to, at most `blockEnd(rows, from)` of them, in (time, seq) order. New layouts are given numbers in
 * `shapes`; their records belong into the same batch as the block.
 */
export function encodeBlock(rows: Rows, from: number, to: number, shapes: Shapes): EncodedBlock {
  const count = to - from
  const extent = extentOf(rows, from, to)
  const times = rows.times.subarray(from, to)
  const receivedAt = rows.receivedAt.subarray(from, to)
  const hasReceivedAt = !isSame(receivedAt, times)
  const fields = rows.fields && hasAny(rows.fields, from, to) ? rows.fields : null

  const columns = new ColumnWriter(count)
  const column = (values: Float64Array): void => {
    encodeIntegers(columns, values, count)
    columns.end()
  }
  column(times)
  const seqs = rows.seqs.subarray(from, to)
  const afterClock = seqsAfterClock(seqs, receivedAt)
  column(afterClock ?? seqs)
  if (hasReceivedAt) column(receivedAt.map((received, row) => received - times[row]!))
  column(new Float64Array(rows.metas.subarray(from, to)))

  const bodies = new ByteWriter(256)
  const range = [from, to] as const
  const payloads = encodeBody({ head: bodies, columns }, rows, range, shapes)
  const cleaned = fields ? encodeBody({ head: bodies, columns }, fields, range, shapes) : null

  const head = new ByteWriter(512)
  head.raw(Buffer.alloc(sealBytes))
  writeExtent(head, extent)
  head.byte(flagsOf(hasReceivedAt, payloads, cleaned) | (afterClock ? blockFlag.clockSeqs : 0))
  head.raw(bodies.view())
  const block = seal(finishColumns(head, columns), 'block')

  const gathered = gatherNumbers(
    count,
    { body: payloads, texts: rows, from },
    fields && cleaned ? { body: cleaned, texts: fields, from } : null,
    indexFieldsMax,
  )
  return { block, index: encodeIndex(extent, chooseGrid(times, count), gathered) }
}

/** Which rows: by time in milliseconds, or by row number; `from` ≤ x < `to`. */
export interface RowRange {
  by: 'time' | 'row'
  from: number
  to: number
}

/** All rows of a block, or those of `range`. Throws `store_corrupt`. */
export function decodeBlock(block: Uint8Array, shapes: Shapes, range?: RowRange): Rows {
  const opened = openBlock(block, shapes)
  if (!range) return opened.rows(0, opened.count)
  if (range.by === 'row') return opened.rows(range.from, range.to)
  return opened.rows(opened.rowAt(range.from), opened.rowAt(range.to))
}

function extentOf(rows: Rows, from: number, to: number): BlockExtent {
  let seqMin = rows.seqs[from] ?? 0
  let seqMax = seqMin
  let payloadBytes = 0
  let fieldBytes = 0
  for (let row = from; row < to; row++) {
    const seq = rows.seqs[row]!
    if (seq < seqMin) seqMin = seq
    if (seq > seqMax) seqMax = seq
    payloadBytes += rows.lengths[row]!
    fieldBytes += rows.fields?.lengths[row] ?? 0
  }
  if (from >= to || to - from > blockRowsMax || payloadBytes + fieldBytes > blockBytesLimit) {
    throw new AppError('internal', `a block cannot hold rows ${from} to ${to}, ${payloadBytes} bytes`)
  }
  return {
    count: to - from,
    tmin: rows.times[from]!,
    tmax: rows.times[to - 1]!,
    seqMin,
    seqMax,
    payloadBytes,
  }
}

function isSame(a: Float64Array, b: Float64Array): boolean {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}

/** How far a number may be ahead of its reading's clock to be stored as that distance: a thousand full milliseconds. */
const aheadMax = 2 ** 20

/** Distances of the numbers from those of their milliseconds; `null` when some do not follow the clock. */
function seqsAfterClock(seqs: Float64Array, receivedAt: Float64Array): Float64Array | null {
  const ahead = new Float64Array(seqs.length)
  for (let i = 0; i < seqs.length; i++) {
    const clock = receivedAt[i]! * seqsPerMs
    const distance = seqs[i]! - clock
    if (!(distance >= 0 && distance < aheadMax) || clock + distance !== seqs[i]!) return null
    ahead[i] = distance
  }
  return ahead
}

function hasAny({ lengths }: Texts, from: number, to: number): boolean {
  return lengths.subarray(from, to).some((length) => length > 0)
}

function flagsOf(hasReceivedAt: boolean, payloads: EncodedBody, cleaned: EncodedBody | null): number {
  return (
    (hasReceivedAt ? blockFlag.receivedAt : 0) |
    (cleaned ? blockFlag.fields : 0) |
    (payloads.hasRawJson ? blockFlag.rawJson : 0) |
    (cleaned?.hasRawJson ? blockFlag.rawFieldJson : 0)
  )
}
