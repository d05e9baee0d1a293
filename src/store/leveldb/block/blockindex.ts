// The index of a block: its extent, and what every field came to in each slot of time, so that most aggregates never
// open the block. It can be made again from the block at any time. `IndexReader` reads it field by field.
//
//   seal | tmin | tmax - tmin | seqMin | seqMax - seqMin | count | payload bytes
//        | slot length's place in the ladder | first slot | slots | whole: 1 when every field with numbers is listed
//        | fields | path of each | sizes of the columns | columns: rows of each slot, then one for each field
//
//   field: places + 1 (0: doubles) | 1 when its counts are the rows of the slots, else counts
//        places:  lowest, highest - lowest, first - lowest, last - lowest, sum and sum of squares of distances from the
//                 lowest; each a column of integers, or plain zigzag integers when there are at most 4 slots
//        doubles: sums, m2s, lowest, highest, first, last, 8 bytes each

import { AppError } from '../../../domain/errors.ts'
import { ByteReader, ByteWriter } from '../binary.ts'
import { ColumnWriter, finishColumns } from './columns.ts'
import { type BlockExtent, readExtent, writeExtent } from './extent.ts'
import type { Gathered } from './gather.ts'
import { doubleColumns, fewSlots, IndexReader, scaledColumns } from './indexreader.ts'
import { encodeIntegers } from './integers.ts'
import { guarded, seal, sealBytes, unseal } from './seal.ts'
import { doubleSlots, type FieldSlots, scaledSlots, type SlotGrid, slotLadder } from './slots.ts'

/** Fields an index lists. */
export const indexFieldsMax = 256

export interface BlockIndex extends BlockExtent {
  /** Slots begin at multiples of this since 1970; 0: there is one slot, the whole block. */
  slotMs: number
  /** Number of the first slot: it begins at firstSlot × slotMs. */
  firstSlot: number
  slots: number
  /** Whether a path that is not in `fields` has no number in this block; else only the block itself knows. */
  isComplete: boolean
  fields: Map<string, FieldSlots>
}

export function encodeIndex(extent: BlockExtent, grid: SlotGrid, gathered: Gathered): Buffer {
  const head = new ByteWriter(64)
  head.raw(Buffer.alloc(sealBytes))
  writeExtent(head, extent)
  head.uint(slotLadder.indexOf(grid.slotMs as (typeof slotLadder)[number]))
  head.int(grid.first)
  head.uint(grid.ends.length)
  // A key may hold half a surrogate pair (\ud800), which UTF-8 cannot spell: only the block itself knows of such a path.
  const listed = [...gathered.fields].filter(([path]) => !/\p{Surrogate}/u.test(path))
  head.byte(gathered.isComplete && listed.length === gathered.fields.size ? 1 : 0)
  head.uint(listed.length)
  for (const [path] of listed) head.text(path)
  const out = new ColumnWriter(4 * grid.ends.length * listed.length)
  const slotRows = Float64Array.from(grid.ends, (end, slot) => end - (grid.ends[slot - 1] ?? 0))
  writeIntegers(out, slotRows)
  out.end()
  for (const [, column] of listed) {
    const scaled = scaledSlots(column, grid)
    const slots = scaled ?? doubleSlots(column, grid)
    out.control.byte(scaled ? scaled.places + 1 : 0)
    const isWhole = slotRows.every((rows, slot) => rows === slots.counts[slot])
    out.control.byte(isWhole ? 1 : 0)
    if (!isWhole) writeIntegers(out, slots.counts)
    if (scaled) for (const name of scaledColumns) writeIntegers(out, scaled[name])
    else for (const name of doubleColumns) out.control.raw(asBytes((slots as FieldSlots)[name]))
    out.end()
  }
  return seal(finishColumns(head, out), 'index')
}

/** The whole index. Throws `store_corrupt` when the record is none. */
export function decodeIndex(record: Uint8Array): BlockIndex {
  const reader = new IndexReader()
  reader.open(record)
  const { count, tmin, tmax, seqMin, seqMax, payloadBytes, slotMs, firstSlot, slots, isComplete } = reader
  const fields = new Map<string, FieldSlots>()
  for (let field = 0; field < reader.fields; field++) {
    const { counts, sums, m2s, mins, maxs, firsts, lasts } = reader.read(field)
    const own = (values: Float64Array): Float64Array => values.slice(0, slots)
    fields.set(reader.path(field), {
      counts: own(counts),
      sums: own(sums),
      m2s: own(m2s),
      mins: own(mins),
      maxs: own(maxs),
      firsts: own(firsts),
      lasts: own(lasts),
    })
  }
  return { count, tmin, tmax, seqMin, seqMax, payloadBytes, slotMs, firstSlot, slots, isComplete, fields }
}

function writeIntegers(out: ColumnWriter, values: Float64Array): void {
  if (values.length > fewSlots) encodeIntegers(out, values, values.length)
  else for (const value of values) out.control.int(value)
}

const asBytes = (values: Float64Array): Uint8Array =>
  new Uint8Array(values.buffer, values.byteOffset, values.byteLength)

/** From where to where the block of an index reaches; `null` when the record is damaged. */
export function readIndexExtent(record: Uint8Array): BlockExtent | null {
  try {
    const view = unseal(record, 'index')
    return guarded('index', () => readExtent(new ByteReader(view, sealBytes)))
  } catch (error) {
    if (error instanceof AppError && error.code === 'store_corrupt') return null
    throw error
  }
}
