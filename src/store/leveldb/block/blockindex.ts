// The index of a block: its extent, and what every field came to in each slot of time, so that most aggregates never
// open the block. It can be made again from the block at any time.
//
//   seal | tmin | tmax - tmin | seqMin | seqMax - seqMin | count | payload bytes
//        | slot length's place in the ladder | first slot | slots | whole: 1 when every field with numbers is listed
//        | fields | size of the column | column
//
//   column, for each field: path | places + 1 (0: doubles) | 1 when its counts are those of the field before, else counts
//        places:  lowest, highest - lowest, first - lowest, last - lowest, sum and sum of squares of distances from the
//                 lowest; each a column of integers, or plain zigzag integers when there are at most 4 slots
//        doubles: sums, m2s, lowest, highest, first, last, 8 bytes each

import { ByteReader, ByteWriter } from '../binary.ts'
import { type ColumnReader, ColumnWriter, finishColumns, mapColumns, readColumn } from './columns.ts'
import { type BlockExtent, readExtent, writeExtent } from './extent.ts'
import type { Gathered } from './gather.ts'
import { decodeIntegers, encodeIntegers } from './integers.ts'
import { guarded, seal, sealBytes, unseal } from './seal.ts'
import {
  doubleSlots,
  emptySlots,
  type FieldSlots,
  type ScaledSlots,
  scaledSlots,
  type SlotGrid,
  slotLadder,
  unscaleSlots,
} from './slots.ts'
import { powersOfTen } from './tokens.ts'

/** Fields an index lists. */
export const indexFieldsMax = 256

const slotsMax = 65_536
const fewSlots = 4

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
  const out = new ColumnWriter()
  let before: Float64Array | null = null
  for (const [path, column] of listed) {
    const scaled = scaledSlots(column, grid)
    const slots = scaled ?? doubleSlots(column, grid)
    out.control.text(path)
    out.control.byte(scaled ? scaled.places + 1 : 0)
    const isSame = before !== null && Buffer.compare(asBytes(before), asBytes(slots.counts)) === 0
    out.control.byte(isSame ? 1 : 0)
    if (!isSame) writeIntegers(out, slots.counts)
    if (scaled) for (const name of scaledColumns) writeIntegers(out, scaled[name])
    else for (const name of doubleColumns) out.control.raw(asBytes((slots as FieldSlots)[name]))
    before = slots.counts
  }
  out.end()
  return seal(finishColumns(head, out), 'index')
}

const scaledColumns = ['mins', 'spans', 'firsts', 'lasts', 'sums', 'squares'] as const
const doubleColumns = ['sums', 'm2s', 'mins', 'maxs', 'firsts', 'lasts'] as const

/** Throws `store_corrupt` when the record is no index. */
export function decodeIndex(record: Uint8Array): BlockIndex {
  const view = unseal(record, 'index')
  return guarded('index', () => {
    const head = new ByteReader(view, sealBytes)
    const extent = readExtent(head)
    const slotMs = slotLadder[head.uint()]
    const firstSlot = head.int()
    const slots = head.uint()
    const isComplete = head.byte() === 1
    const count = head.uint()
    if (slotMs === undefined || slots > slotsMax || count > indexFieldsMax) {
      throw new RangeError('its slots are impossible')
    }
    const column = readColumn(mapColumns(view, head, 1), 0)
    const fields = new Map<string, FieldSlots>()
    let before: Float64Array = new Float64Array(slots)
    for (let i = 0; i < count; i++) {
      const path = column.control.text()
      const field = readField(column, slots, before)
      fields.set(path, field)
      before = field.counts
    }
    return { ...extent, slotMs, firstSlot, slots, isComplete, fields }
  })
}

function readField(column: ColumnReader, slots: number, before: Float64Array): FieldSlots {
  const { control } = column
  const places = control.byte() - 1
  if (places >= powersOfTen.length) throw new RangeError('a field has too many decimals')
  const counts = control.byte() === 1 ? before : readIntegers(column, slots)
  if (places >= 0) {
    const scaled: Partial<ScaledSlots> = { places, counts }
    for (const name of scaledColumns) scaled[name] = readIntegers(column, slots)
    return unscaleSlots(scaled as ScaledSlots)
  }
  const field = { ...emptySlots(0), counts }
  for (const name of doubleColumns) {
    const bytes = control.take(slots * 8)
    field[name] = Float64Array.from({ length: slots }, (_, slot) => bytes.readDoubleLE(slot * 8))
  }
  return field
}

function writeIntegers(out: ColumnWriter, values: Float64Array): void {
  if (values.length > fewSlots) encodeIntegers(out, values, values.length)
  else for (const value of values) out.control.int(value)
}

function readIntegers(column: ColumnReader, slots: number): Float64Array {
  const values = new Float64Array(slots)
  if (slots > fewSlots) decodeIntegers(column, slots, values)
  else for (let slot = 0; slot < slots; slot++) values[slot] = column.control.int()
  return values
}

const asBytes = (values: Float64Array): Uint8Array =>
  new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
