// Rows of one topic on their way into blocks: taken from memory, put in (time, seq) order, joined with what a block held.

import type { Rows, Texts } from '../block/rows.ts'
import type { HotRows } from '../hot/pages.ts'
import { readBody, type RowBody } from '../segment.ts'

/** The given rows of an epoch, in (time, seq) order. */
export function rowsOfHot(hot: HotRows, found: Uint32Array): Rows {
  const ordered = inOrder(hot, found)
  const count = ordered.length
  const bodies: RowBody[] = Array.from({ length: count })
  let payloadBytes = 0
  let fieldBytes = 0
  for (let i = 0; i < count; i++) {
    const row = ordered[i]!
    const body = readBody(hot.chunkOf(row), hot.offsetOf(row), hot.time(row))
    bodies[i] = body
    payloadBytes += body.payloadEnd - body.payloadAt
    fieldBytes += body.fieldsEnd - body.fieldsAt
  }
  const rows: Rows = {
    count,
    times: new Float64Array(count),
    seqs: new Float64Array(count),
    receivedAt: new Float64Array(count),
    metas: new Uint32Array(count),
    ...newTexts(count, payloadBytes),
    fields: fieldBytes > 0 ? newTexts(count, fieldBytes) : null,
  }
  let at = 0
  let fieldsAt = 0
  for (let i = 0; i < count; i++) {
    const row = ordered[i]!
    const body = bodies[i]!
    const chunk = hot.chunkOf(row)
    rows.times[i] = hot.time(row)
    rows.seqs[i] = hot.seq(row)
    rows.receivedAt[i] = body.receivedAt
    rows.metas[i] = body.captureId
    at = putText(rows, i, at, chunk, body.payloadAt, body.payloadEnd)
    if (rows.fields) fieldsAt = putText(rows.fields, i, fieldsAt, chunk, body.fieldsAt, body.fieldsEnd)
  }
  return rows
}

function inOrder(hot: HotRows, found: Uint32Array): Uint32Array {
  let isOrdered = true
  for (let i = 1; i < found.length && isOrdered; i++)
    isOrdered = hot.time(found[i]!) >= hot.time(found[i - 1]!)
  return isOrdered ? found : found.slice().sort((a, b) => hot.time(a) - hot.time(b) || a - b)
}

/** Both sets as one, in (time, seq) order. */
export function mergeRows(a: Rows, b: Rows): Rows {
  const count = a.count + b.count
  const rows: Rows = {
    count,
    times: new Float64Array(count),
    seqs: new Float64Array(count),
    receivedAt: new Float64Array(count),
    metas: new Uint32Array(count),
    ...newTexts(count, textBytes(a) + textBytes(b)),
    fields: a.fields || b.fields ? newTexts(count, textBytes(a.fields) + textBytes(b.fields)) : null,
  }
  let at = 0
  let fieldsAt = 0
  let nextA = 0
  let nextB = 0
  for (let i = 0; i < count; i++) {
    const isA = nextB >= b.count || (nextA < a.count && isBefore(a, nextA, b, nextB))
    const source = isA ? a : b
    const row = isA ? nextA++ : nextB++
    rows.times[i] = source.times[row]!
    rows.seqs[i] = source.seqs[row]!
    rows.receivedAt[i] = source.receivedAt[row]!
    rows.metas[i] = source.metas[row]!
    at = copyText(rows, i, at, source, row)
    if (rows.fields) fieldsAt = copyText(rows.fields, i, fieldsAt, source.fields, row)
  }
  return rows
}

function isBefore(a: Rows, rowA: number, b: Rows, rowB: number): boolean {
  return (a.times[rowA]! - b.times[rowB]! || a.seqs[rowA]! - b.seqs[rowB]!) < 0
}

/** The rows that `keep` answers true for. */
export function filterRows(rows: Rows, keep: (row: number) => boolean): Rows {
  const kept = Uint32Array.from({ length: rows.count }, (_, row) => row).filter(keep)
  const pick = (column: Float64Array): Float64Array => Float64Array.from(kept, (row) => column[row]!)
  const texts = (from: Texts): Texts => ({
    bytes: from.bytes,
    offsets: kept.map((row) => from.offsets[row]!),
    lengths: kept.map((row) => from.lengths[row]!),
  })
  return {
    count: kept.length,
    times: pick(rows.times),
    seqs: pick(rows.seqs),
    receivedAt: pick(rows.receivedAt),
    metas: kept.map((row) => rows.metas[row]!),
    ...texts(rows),
    fields: rows.fields && texts(rows.fields),
  }
}

/** Rows from…to, sharing their bytes. */
export function sliceRows(rows: Rows, from: number, to: number): Rows {
  const texts = (all: Texts): Texts => ({
    bytes: all.bytes,
    offsets: all.offsets.subarray(from, to),
    lengths: all.lengths.subarray(from, to),
  })
  return {
    count: to - from,
    times: rows.times.subarray(from, to),
    seqs: rows.seqs.subarray(from, to),
    receivedAt: rows.receivedAt.subarray(from, to),
    metas: rows.metas.subarray(from, to),
    ...texts(rows),
    fields: rows.fields && texts(rows.fields),
  }
}

function newTexts(count: number, bytes: number): Texts {
  return { bytes: new Uint8Array(bytes), offsets: new Uint32Array(count), lengths: new Uint32Array(count) }
}

function textBytes(texts: Texts | null): number {
  return texts ? texts.lengths.reduce((sum, length) => sum + length, 0) : 0
}

function copyText(to: Texts, row: number, at: number, from: Texts | null, source: number): number {
  const offset = from?.offsets[source] ?? 0
  return putText(to, row, at, from?.bytes ?? to.bytes, offset, offset + (from?.lengths[source] ?? 0))
}

function putText(to: Texts, row: number, at: number, source: Uint8Array, from: number, end: number): number {
  const size = end - from
  to.offsets[row] = at
  to.lengths[row] = size
  if (size > 64) to.bytes.set(source.subarray(from, end), at)
  else for (let i = 0; i < size; i++) to.bytes[at + i] = source[from + i]!
  return at + size
}
