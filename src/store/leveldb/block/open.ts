// A block opened for reading: its checksum holds and its head is known; each column is read when it is asked for, so that
// an aggregate over one field never touches the others and no payload is put together.

import { seqsPerMs } from '../../numbering.ts'
import { ByteReader } from '../binary.ts'
import { readBody } from './body.ts'
import { mapColumns, readColumn } from './columns.ts'
import { type BlockColumns, RowCursor } from './cursor.ts'
import { type BlockExtent, blockFlag, readExtent } from './extent.ts'
import { constantInteger, decodeIntegers } from './integers.ts'
import { type LeafType, type NumberSeries, readNumbers, readPaths, type Series } from './series.ts'
import { blockBytesLimit, blockRowsMax, type Rows } from './rows.ts'
import { guarded, sealBytes, unseal } from './seal.ts'
import type { Shapes } from './shapes.ts'

export interface OpenBlock extends BlockExtent {
  /** Times in order. May go into `target` when that is long enough, as in all that follow; not to be changed, as nothing here. */
  times(target?: Float64Array): Float64Array
  /** The same, read once for all who ask. */
  sharedTimes(): Float64Array
  seqs(target?: Float64Array): Float64Array
  receivedAt(): Float64Array
  metas(): Uint32Array
  /** What every row has in `metas`; `null` when they differ. */
  sameMeta(): number | null
  /** The first row at or after `time`; `count` when there is none. */
  rowAt(time: number): number
  /** Every number at `path`: from the cleaned fields of a row that has some, else from the payload's own leaves. */
  numbers(path: string, target?: Float64Array): NumberSeries
  /** The paths of all scalar leaves, with the types each has in this block. */
  paths(): Map<string, Set<LeafType>>
  /** Rows from…to with their payloads. */
  rows(from: number, to: number): Rows
  /** The same, at most `rowsMax` at a time. */
  cursor(from: number, to: number, rowsMax: number): RowCursor
}

/**
 * Checks the whole block, reads its head. Throws `store_corrupt`, as does every method. `mayKeep` is asked whether a column that
 * was read may stay in memory, with its bytes; without it only the times of `sharedTimes` do.
 */
export function openBlock(block: Uint8Array, shapes: Shapes, mayKeep: MayKeep = () => false): OpenBlock {
  const view = unseal(block, 'block')
  return guarded('block', () => new Opened(view, shapes, mayKeep))
}

type MayKeep = (bytes: number) => boolean

/** A block's extent without its columns. Throws `store_corrupt`. */
export function blockExtent(block: Uint8Array): BlockExtent {
  const view = unseal(block, 'block')
  return guarded('block', () => checkExtent(readExtent(new ByteReader(view, sealBytes))))
}

function checkExtent(extent: BlockExtent): BlockExtent {
  if (extent.count < 1 || extent.count > blockRowsMax || extent.payloadBytes > blockBytesLimit) {
    throw new RangeError('it is larger than a block can be')
  }
  return extent
}

class Opened implements OpenBlock {
  readonly count: number
  readonly tmin: number
  readonly tmax: number
  readonly seqMin: number
  readonly seqMax: number
  readonly payloadBytes: number
  readonly #series: Series
  readonly #hasReceivedAt: boolean
  readonly #hasClockSeqs: boolean
  readonly #mayKeep: MayKeep
  #times: Float64Array | null = null
  #metas: Uint32Array | null = null
  #sameMeta: number | null | undefined
  #paths: Map<string, Set<LeafType>> | null = null
  #numbers: Map<string, NumberSeries> | null = null

  constructor(view: Buffer, shapes: Shapes, mayKeep: MayKeep) {
    this.#mayKeep = mayKeep
    const head = new ByteReader(view, sealBytes)
    const { count, tmin, tmax, seqMin, seqMax, payloadBytes } = checkExtent(readExtent(head))
    this.count = count
    this.tmin = tmin
    this.tmax = tmax
    this.seqMin = seqMin
    this.seqMax = seqMax
    this.payloadBytes = payloadBytes
    const flags = head.byte()
    this.#hasReceivedAt = (flags & blockFlag.receivedAt) !== 0
    this.#hasClockSeqs = (flags & blockFlag.clockSeqs) !== 0
    const payloads = readBody(head, count, this.#metaColumn + 1, shapes)
    const fields = (flags & blockFlag.fields) === 0 ? null : readBody(head, count, payloads.end, shapes)
    this.#series = {
      map: mapColumns(view, head, (fields ?? payloads).end),
      payloads,
      fields,
      hasRawJson: (flags & blockFlag.rawJson) !== 0,
      hasRawFieldJson: (flags & blockFlag.rawFieldJson) !== 0,
    }
  }

  get #metaColumn(): number {
    return this.#hasReceivedAt ? 3 : 2
  }

  times(target?: Float64Array): Float64Array {
    if (this.#times) return this.#times
    if (!this.#mayKeep(8 * this.count)) return this.#integers(0, target)
    this.#times = this.#integers(0)
    return this.#times
  }

  sharedTimes(): Float64Array {
    return this.#ownTimes
  }

  get #ownTimes(): Float64Array {
    this.#times ??= this.#integers(0)
    return this.#times
  }

  seqs(target?: Float64Array): Float64Array {
    const seqs = this.#integers(1, target)
    if (!this.#hasClockSeqs) return seqs
    const times = this.#ownTimes
    const delays = this.#hasReceivedAt ? this.#integers(2) : null
    for (let i = 0; i < seqs.length; i++) seqs[i] = seqs[i]! + (times[i]! + (delays?.[i] ?? 0)) * seqsPerMs
    return seqs
  }

  receivedAt(): Float64Array {
    const times = this.#ownTimes
    if (!this.#hasReceivedAt) return times.slice()
    return this.#integers(2).map((delay, row) => times[row]! + delay)
  }

  metas(): Uint32Array {
    if (this.#metas) return this.#metas
    const metas = new Uint32Array(this.#integers(this.#metaColumn))
    if (this.#mayKeep(4 * this.count)) this.#metas = metas
    return metas
  }

  sameMeta(): number | null {
    if (this.#sameMeta === undefined) {
      const read = () => constantInteger(readColumn(this.#series.map, this.#metaColumn))
      this.#sameMeta = guarded('block', read)
    }
    return this.#sameMeta
  }

  rowAt(time: number): number {
    if (time <= this.tmin) return 0
    if (time > this.tmax) return this.count
    const times = this.#ownTimes
    let low = 0
    let high = this.count
    while (low < high) {
      const middle = (low + high) >>> 1
      if (times[middle]! < time) low = middle + 1
      else high = middle
    }
    return low
  }

  numbers(path: string, target?: Float64Array): NumberSeries {
    const known = this.#numbers?.get(path)
    if (known) return known
    const isKept = this.#mayKeep(8 * this.count)
    const read = guarded('block', () => readNumbers(this.#series, path, isKept ? undefined : target))
    if (isKept) (this.#numbers ??= new Map()).set(path, read)
    return read
  }

  paths(): Map<string, Set<LeafType>> {
    this.#paths ??= guarded('block', () => readPaths(this.#series))
    return this.#paths
  }

  rows(from: number, to: number): Rows {
    const rows = Math.max(0, Math.min(to, this.count) - Math.max(0, from))
    return this.cursor(from, to, rows).next()
  }

  cursor(from: number, to: number, rowsMax: number): RowCursor {
    const first = Math.max(0, Math.min(from, this.count))
    const last = Math.max(first, Math.min(to, this.count))
    const { map, payloads, fields } = this.#series
    const columns: BlockColumns = {
      map,
      count: this.count,
      receivedAtColumn: this.#hasReceivedAt ? 2 : -1,
      metaColumn: this.#metaColumn,
      hasClockSeqs: this.#hasClockSeqs,
      payloads,
      payloadBytes: this.payloadBytes,
      fields,
    }
    return guarded('block', () => new RowCursor(columns, first, last, rowsMax))
  }

  #integers(column: number, target?: Float64Array): Float64Array {
    const { map } = this.#series
    const values = target && target.length >= this.count ? target : new Float64Array(this.count)
    return guarded('block', () => decodeIntegers(readColumn(map, column), this.count, values)).subarray(
      0,
      this.count,
    )
  }
}
