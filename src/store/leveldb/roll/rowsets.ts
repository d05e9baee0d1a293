// Rows of one topic on their way into blocks: taken from memory, put in (time, seq) order, joined with what a block held.

import type { Rows, Texts } from '../block/rows.ts'

/** Rows in the order of arrival as rows in (time, seq) order. */
export function inOrder(rows: Rows): Rows {
  const { times, seqs } = rows
  let isOrdered = true
  for (let i = 1; i < rows.count && isOrdered; i++) isOrdered = times[i]! >= times[i - 1]!
  if (isOrdered) return rows
  const order = Uint32Array.from({ length: rows.count }, (_, row) => row)
  return pickRows(
    rows,
    order.sort((a, b) => times[a]! - times[b]! || seqs[a]! - seqs[b]!),
  )
}

/** Sets that follow one another in (time, seq) order as one. */
export function joinRows(parts: readonly Rows[]): Rows {
  const [only] = parts
  if (only && parts.length === 1) return only
  const sum = (of: (rows: Rows) => number): number => parts.reduce((total, rows) => total + of(rows), 0)
  const count = sum((rows) => rows.count)
  const hasFields = parts.some(({ fields }) => fields !== null)
  const rows: Rows = {
    count,
    times: new Float64Array(count),
    seqs: new Float64Array(count),
    receivedAt: new Float64Array(count),
    metas: new Uint32Array(count),
    ...newTexts(count, sum(textBytes)),
    fields: hasFields
      ? newTexts(
          count,
          sum(({ fields }) => textBytes(fields)),
        )
      : null,
  }
  let row = 0
  let at = 0
  let fieldsAt = 0
  for (const part of parts) {
    rows.times.set(part.times, row)
    rows.seqs.set(part.seqs, row)
    rows.receivedAt.set(part.receivedAt, row)
    rows.metas.set(part.metas, row)
    at = putTexts(rows, row, at, part, part.count)
    if (rows.fields && part.fields) fieldsAt = putTexts(rows.fields, row, fieldsAt, part.fields, part.count)
    row += part.count
  }
  return rows
}

/** Copies texts to `row` and the rows after it; where their bytes end. */
function putTexts(to: Texts, row: number, at: number, from: Texts, count: number): number {
  if (count === 0) return at
  const size = textBytes(from)
  const first = from.offsets[0]!
  const last = from.offsets[count - 1]! + from.lengths[count - 1]!
  if (last - first !== size || !isAscending(from, count)) {
    let end = at
    for (let i = 0; i < count; i++) end = copyText(to, row + i, end, from, i)
    return end
  }
  // They lie one after another: one copy for all.
  to.bytes.set(from.bytes.subarray(first, last), at)
  to.lengths.set(from.lengths, row)
  for (let i = 0; i < count; i++) to.offsets[row + i] = from.offsets[i]! - first + at
  return at + size
}

function isAscending({ offsets, lengths }: Texts, count: number): boolean {
  for (let i = 1; i < count; i++) if (offsets[i] !== offsets[i - 1]! + lengths[i - 1]!) return false
  return true
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
  return pickRows(rows, Uint32Array.from({ length: rows.count }, (_, row) => row).filter(keep))
}

/** These rows, sharing their bytes. */
function pickRows(rows: Rows, picked: Uint32Array): Rows {
  const pick = (column: Float64Array): Float64Array => Float64Array.from(picked, (row) => column[row]!)
  const texts = (from: Texts): Texts => ({
    bytes: from.bytes,
    offsets: picked.map((row) => from.offsets[row]!),
    lengths: picked.map((row) => from.lengths[row]!),
  })
  return {
    count: picked.length,
    times: pick(rows.times),
    seqs: pick(rows.seqs),
    receivedAt: pick(rows.receivedAt),
    metas: picked.map((row) => rows.metas[row]!),
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

/** Bytes of all texts. */
export function textBytes(texts: Texts | null): number {
  let bytes = 0
  // A loop: a call for each row is felt where millions pass.
  if (texts) for (let row = 0; row < texts.lengths.length; row++) bytes += texts.lengths[row]!
  return bytes
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
