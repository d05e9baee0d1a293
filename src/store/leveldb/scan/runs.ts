// Runs: rows of one topic from one place (its blocks, or one epoch in memory), in the order asked for. A run is opened only
// when the merge comes to it; until then it stands at a bound that none of its rows comes before.

import type { BlockEntry } from '../directory.ts'
import type { HotRows } from '../hot/pages.ts'
import { readBody } from '../segment.ts'
import type { RowCursor } from '../block/cursor.ts'
import type { OpenBlock } from '../block/open.ts'
import type { Rows } from '../block/rows.ts'
import type { ChunkWriter } from './chunk.ts'

/** Which rows, and in which order. `after` continues strictly behind a row. */
export interface Bounds {
  /** Milliseconds; `from` ≤ time < `to`. */
  from: number
  to: number
  order: 'asc' | 'desc'
  after?: { time: number; seq: number }
}

export interface Run {
  /** The row it stands at, or a bound while it is not `isOpen`. */
  time: number
  seq: number
  isOpen: boolean
  /** Reads what must be read to stand at a row; false when there is none. */
  open(): boolean
  /** Gives the row away and goes on to the next; false when there is none. */
  give(to: ChunkWriter): boolean
}

/** A run in the order of time. */
export interface TimedRun extends Run {
  /** The time of a row up to `rows` further on, of those at hand; while it is open. */
  timeAhead(rows: number): number
}

/** How much of a block is put together at a time: rows, and bytes of their texts. */
export interface SliceSize {
  rows: number
  bytes: number
}

/** Opens a block; throws `store_corrupt` with topic and time range. */
export type BlockOpener = (topicId: number, entry: BlockEntry) => OpenBlock

/** Whether a row comes within the bounds. */
function isWithin(time: number, seq: number, { from, to, order, after }: Bounds): boolean {
  if (time < from || time >= to) return false
  if (!after) return true
  const behind = time - after.time || seq - after.seq
  return order === 'asc' ? behind > 0 : behind < 0
}

/** The blocks of one topic. */
export class BlockRun implements TimedRun {
  time = 0
  seq = 0
  isOpen = false
  readonly #topicId: number
  readonly #entries: BlockEntry[]
  readonly #bounds: Bounds
  readonly #openBlock: BlockOpener
  readonly #slice: SliceSize
  #block: OpenBlock | null = null
  /** Oldest first. */
  #cursor: RowCursor | null = null
  /** Newest first: rows of the block that are still to be read: #from ≤ row < #to. */
  #from = 0
  #to = 0
  #rows: Rows | null = null
  #at = 0

  /** `entries` in the order of the bounds. At most a slice of rows is put together at a time. */
  constructor(
    topicId: number,
    entries: BlockEntry[],
    bounds: Bounds,
    { openBlock, slice }: { openBlock: BlockOpener; slice: SliceSize },
  ) {
    this.#topicId = topicId
    this.#entries = entries
    this.#bounds = bounds
    this.#openBlock = openBlock
    this.#slice = slice
    this.#standAtBound()
  }

  open(): boolean {
    while (!this.#hasMore) {
      const entry = this.#entries.shift()
      if (!entry) return false
      this.#openNext(entry)
    }
    this.#readSlice()
    this.isOpen = true
    this.#stand()
    return true
  }

  give(to: ChunkWriter): boolean {
    const rows = this.#rows!
    to.pushDecoded(rows, this.#topicId, this.#at)
    this.#at += this.#bounds.order === 'asc' ? 1 : -1
    if (this.#at >= 0 && this.#at < rows.count) {
      this.#stand()
      return true
    }
    this.#rows = null
    if (this.#hasMore) {
      this.#readSlice()
      this.#stand()
      return true
    }
    this.isOpen = false
    this.#block = null
    this.#cursor = null
    return this.#standAtBound()
  }

  timeAhead(rows: number): number {
    const { times, count } = this.#rows!
    return this.#bounds.order === 'asc'
      ? times[Math.min(count - 1, this.#at + rows)]!
      : times[Math.max(0, this.#at - rows)]!
  }

  get #hasMore(): boolean {
    return this.#cursor ? !this.#cursor.isAtEnd : this.#from < this.#to
  }

  #openNext(entry: BlockEntry): void {
    const block = this.#openBlock(this.#topicId, entry)
    const { from, to } = rowsWithin(block, this.#bounds)
    if (this.#bounds.order === 'asc') {
      this.#cursor = from < to ? block.cursor(from, to, this.#slice.rows) : null
    } else {
      this.#block = block
      this.#from = from
      this.#to = to
    }
  }

  #readSlice(): void {
    if (this.#cursor) {
      this.#rows = this.#cursor.next(this.#slice.bytes)
      this.#at = 0
      return
    }
    const rows = Math.min(this.#slice.rows, this.#to - this.#from)
    this.#rows = this.#block!.rows(this.#to - rows, this.#to)
    this.#to -= rows
    this.#at = rows - 1
  }

  #stand(): void {
    this.time = this.#rows!.times[this.#at]!
    this.seq = this.#rows!.seqs[this.#at]!
  }

  #standAtBound(): boolean {
    const [entry] = this.#entries
    if (!entry) return false
    const isAscending = this.#bounds.order === 'asc'
    this.time = isAscending ? entry.tmin : entry.tmax
    this.seq = isAscending ? 0 : Number.MAX_SAFE_INTEGER
    return true
  }
}

function rowsWithin(block: OpenBlock, bounds: Bounds): { from: number; to: number } {
  let from = block.rowAt(bounds.from)
  let to = block.rowAt(bounds.to)
  const isWhole = !bounds.after || isBehind(block, bounds, bounds.after.time)
  if (isWhole) return { from, to }
  const times = block.times()
  const seqs = block.seqs()
  if (bounds.order === 'asc') while (from < to && !isWithin(times[from]!, seqs[from]!, bounds)) from++
  else while (to > from && !isWithin(times[to - 1]!, seqs[to - 1]!, bounds)) to--
  return { from, to }
}

/** Whether all of a block comes after a time in the order asked for. */
const isBehind = ({ tmin, tmax }: OpenBlock, { order }: Bounds, time: number): boolean =>
  order === 'asc' ? tmin > time : tmax < time

/** One topic's rows in one epoch. */
export interface HotTopic {
  rows: HotRows
  topicId: number
  /** The newest row by arrival that the query may see. */
  head: number
  /** Whether its rows came in the order of time. */
  isOrdered: boolean
}

export class HotRun implements TimedRun {
  time: number
  seq: number
  isOpen = false
  readonly #hot: HotTopic
  readonly #bounds: Bounds
  #found: Uint32Array = new Uint32Array(0)
  #at = 0

  constructor(hot: HotTopic, bounds: Bounds) {
    this.#hot = hot
    this.#bounds = bounds
    const isAscending = bounds.order === 'asc'
    // Newest first an ordered topic stands at its head; else nothing is known before its rows are looked at.
    this.time = isAscending ? bounds.from : hot.isOrdered ? hot.rows.time(hot.head) : bounds.to
    this.seq = isAscending ? 0 : Number.MAX_SAFE_INTEGER
  }

  open(): boolean {
    this.#found = hotRows(this.#hot, this.#bounds)
    this.isOpen = true
    return this.#stand()
  }

  give(to: ChunkWriter): boolean {
    const { rows, topicId } = this.#hot
    giveHotRow(rows, topicId, this.#found[this.#at]!, to)
    this.#at++
    return this.#stand()
  }

  timeAhead(rows: number): number {
    return this.#hot.rows.time(this.#found[Math.min(this.#found.length - 1, this.#at + rows)]!)
  }

  #stand(): boolean {
    if (this.#at >= this.#found.length) return false
    const row = this.#found[this.#at]!
    this.time = this.#hot.rows.time(row)
    this.seq = this.#hot.rows.seq(row)
    return true
  }
}

/** The topic's rows within the bounds, in their order. */
export function hotRows({ rows, head, isOrdered }: HotTopic, bounds: Bounds): Uint32Array {
  let found = new Uint32Array(64)
  let count = 0
  for (let row = head; row >= 0; row = rows.previous(row)) {
    const time = rows.time(row)
    if (isOrdered && time < bounds.from) break
    if (!isWithin(time, rows.seq(row), bounds)) continue
    if (count === found.length) {
      const grown = new Uint32Array(count * 2)
      grown.set(found)
      found = grown
    }
    found[count++] = row
  }
  found = found.subarray(0, count)
  const sign = bounds.order === 'asc' ? 1 : -1
  if (!isOrdered) return found.sort((a, b) => sign * (rows.time(a) - rows.time(b) || a - b))
  return sign === 1 ? found.reverse() : found
}

export function giveHotRow(rows: HotRows, topicId: number, row: number, to: ChunkWriter): void {
  const bytes = rows.chunkOf(row)
  const time = rows.time(row)
  const body = readBody(bytes, rows.offsetOf(row), time)
  to.push(
    { topicId, time, seq: rows.seq(row), receivedAt: body.receivedAt, captureId: body.captureId },
    { fields: bytes, payload: bytes, ...body },
  )
}
