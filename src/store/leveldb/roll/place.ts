// Where new rows of a topic go: behind its last block, together with small blocks at the tail, or, when they are late,
// into the blocks whose time they fall in. Only those are opened.

import { blockEnd, type Rows } from '../block/rows.ts'
import type { BlockEntry } from '../directory.ts'
import { joinRows, mergeRows, sliceRows } from './rowsets.ts'

/** Readings in a full block; a remainder that is not worth a block of its own goes with the last. */
export const fullBlockRows = 4096
const remainderRows = fullBlockRows / 4

/** So many small blocks at the tail become one: then a reading is written about twice, however small the rolls are. */
const tailBlocks = 16

/** A block that stays, or the rows of one to be written. */
export type Piece = { kept: BlockEntry } | { rows: Rows }

/** Reads a block's rows; `null` when it is damaged: it stays as it is, and new rows go beside it. */
export type RowReader = (entry: BlockEntry) => Rows | null

/** The blocks of a topic once `fresh` is in them, oldest first. Numbers in `fresh` are larger than all in the blocks. */
export function placeRows(entries: readonly BlockEntry[], fresh: Rows, read: RowReader): Piece[] {
  const pieces: Piece[] = []
  let from = 0
  // Rows older than every block.
  const first = entries[0]
  if (first) {
    const to = rowAt(fresh, first.tmin, 0)
    pieces.push(...cut(sliceRows(fresh, 0, to)))
    from = to
  }
  for (const [i, entry] of entries.entries()) {
    const next = entries[i + 1]
    const to = next ? rowAt(fresh, next.tmin, from) : fresh.count
    const group = sliceRows(fresh, from, to)
    from = to
    if (group.count === 0) pieces.push({ kept: entry })
    else if (!next && isBehind(group, entry)) {
      pieces.push({ kept: entry })
      appendTail(pieces, group, read)
    } else {
      const rows = read(entry)
      if (rows) pieces.push(...cut(mergeRows(rows, group)))
      else pieces.push({ kept: entry }, ...cut(group))
    }
  }
  if (entries.length === 0) pieces.push(...cut(fresh))
  return pieces
}

/**
 * Small blocks at the tail are written again together with the new rows once they fill a block or are many, so that there are
 * never many of them and none is written again too often.
 */
function appendTail(pieces: Piece[], group: Rows, read: RowReader): void {
  const parts = [group]
  let rows = group.count
  for (;;) {
    const tail = smallTail(pieces, 2 * rows)
    const tailRows = tail.reduce((sum, { count }) => sum + count, 0)
    if (tail.length === 0 || (tail.length < tailBlocks - 1 && rows + tailRows < fullBlockRows)) break
    const before = tail.map(read)
    // A damaged block stays as it is, and so does what stands before it.
    const whole = before.slice(before.lastIndexOf(null) + 1).filter((each) => each !== null)
    if (whole.length === 0) break
    parts.unshift(...whole)
    pieces.length -= whole.length
    rows += whole.reduce((sum, { count }) => sum + count, 0)
  }
  pieces.push(...cut(joinRows(parts)))
}

/** The last blocks of at most `rowsMax` rows that are not full, oldest first. */
function smallTail(pieces: readonly Piece[], rowsMax: number): BlockEntry[] {
  const tail: BlockEntry[] = []
  for (let at = pieces.length - 1; at >= 0; at--) {
    const piece = pieces[at]!
    if (!('kept' in piece) || piece.kept.count >= fullBlockRows || piece.kept.count > rowsMax) break
    tail.unshift(piece.kept)
  }
  return tail
}

/** Rows as blocks: full ones, and what is left. */
export function cut(rows: Rows): Piece[] {
  const pieces: Piece[] = []
  for (let from = 0; from < rows.count; ) {
    const left = rows.count - from
    const to = blockEnd(rows, from, left <= fullBlockRows + remainderRows ? left : fullBlockRows)
    pieces.push({ rows: sliceRows(rows, from, to) })
    from = to
  }
  return pieces
}

function isBehind(group: Rows, entry: BlockEntry): boolean {
  const time = group.times[0]!
  return time > entry.tmax || (time === entry.tmax && group.seqs[0]! > entry.seqMax)
}

/** The first row from `from` on at or after `time`. */
function rowAt(rows: Rows, time: number, from: number): number {
  let low = from
  let high = rows.count
  while (low < high) {
    const middle = (low + high) >>> 1
    if (rows.times[middle]! < time) low = middle + 1
    else high = middle
  }
  return low
}
