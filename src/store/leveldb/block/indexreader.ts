// Reads the indexes of one block after another, field by field and into the same arrays: an aggregate goes through
// thousands of them and mostly wants one field of each. The layout is drawn in blockindex.ts.

import { ByteReader } from '../binary.ts'
import type { ColumnReader } from './columns.ts'
import { type BlockExtent, readExtent } from './extent.ts'
import { decodeIntegers } from './integers.ts'
import { guarded, sealBytes, unseal } from './seal.ts'
import { emptySlots, type FieldSlots, slotLadder, unscaleSlots } from './slots.ts'
import { powersOfTen } from './tokens.ts'

/** Up to so many slots are written one by one. */
export const fewSlots = 4

/** The columns of a field of decimals, by their place in `FieldSlots` once they are unscaled, and of one of doubles. */
export const scaledColumns = ['mins', 'spans', 'firsts', 'lasts', 'sums', 'squares'] as const
export const doubleColumns = ['sums', 'm2s', 'mins', 'maxs', 'firsts', 'lasts'] as const

const slotsMax = 65_536
const fieldsMax = 256
const noBytes = Buffer.alloc(0)
const noWords = new Uint32Array(0)

export class IndexReader implements BlockExtent {
  count = 0
  tmin = 0
  tmax = 0
  seqMin = 0
  seqMax = 0
  payloadBytes = 0
  slotMs = 0
  firstSlot = 0
  slots = 0
  isComplete = false
  /** Fields listed. */
  fields = 0
  #record: Buffer = noBytes
  #column: ColumnReader = { control: new ByteReader(noBytes), words: noWords, at: 0 }
  /** Where the path of each field begins, and what it takes. */
  readonly #paths = new Uint32Array(fieldsMax)
  readonly #pathBytes = new Uint32Array(fieldsMax)
  /** Where the control bytes and words of each column begin, and where the last one ends. */
  readonly #controls = new Uint32Array(fieldsMax + 2)
  readonly #words = new Uint32Array(fieldsMax + 2)
  #slotRows = new Float64Array(64)
  #isCounted = false
  #target: FieldSlots = emptySlots(64)

  /** Takes a record on. Throws `store_corrupt` when it is no index, as does `read`. */
  open(record: Uint8Array): void {
    const view = unseal(record, 'index')
    guarded('index', () => this.#open(view))
  }

  #open(view: Buffer): void {
    const head = new ByteReader(view, sealBytes)
    const extent = readExtent(head)
    this.count = extent.count
    this.tmin = extent.tmin
    this.tmax = extent.tmax
    this.seqMin = extent.seqMin
    this.seqMax = extent.seqMax
    this.payloadBytes = extent.payloadBytes
    const slotMs = slotLadder[head.uint()]
    this.firstSlot = head.int()
    this.slots = head.uint()
    this.isComplete = head.byte() === 1
    this.fields = head.uint()
    if (slotMs === undefined || this.slots > slotsMax || this.fields > fieldsMax) {
      throw new RangeError('its slots are impossible')
    }
    this.slotMs = slotMs
    for (let field = 0; field < this.fields; field++) {
      const size = head.uint()
      this.#pathBytes[field] = size
      this.#paths[field] = head.offset
      head.offset += size
    }
    this.#mapColumns(view, head)
    this.#record = view
    this.#isCounted = false
    if (this.slots > this.#slotRows.length) {
      this.#slotRows = new Float64Array(2 * this.slots)
      this.#target = emptySlots(2 * this.slots)
    }
  }

  #mapColumns(view: Buffer, head: ByteReader): void {
    const columns = this.fields + 1
    let control = 0
    let words = 0
    for (let column = 0; column < columns; column++) {
      this.#controls[column] = control
      this.#words[column] = words
      control += head.uint()
      words += head.uint()
      if (control > view.length || words * 4 > view.length) throw new RangeError('columns are too long')
    }
    const controlFrom = head.offset
    for (let column = 0; column < columns; column++) {
      this.#controls[column] = controlFrom + this.#controls[column]!
    }
    this.#controls[columns] = controlFrom + control
    this.#words[columns] = words
    const wordsFrom = (controlFrom + control + 3) & ~3
    if (wordsFrom + words * 4 !== view.length) throw new RangeError('the columns do not fill it')
    this.#column.control = head
    this.#column.words = wordsAt(view, wordsFrom, words)
  }

  /** Whether the path of field `field` is spelled with these bytes. */
  hasPath(field: number, path: Uint8Array): boolean {
    const size = path.length
    if (this.#pathBytes[field] !== size) return false
    const from = this.#paths[field]!
    for (let i = 0; i < size; i++) if (this.#record[from + i] !== path[i]) return false
    return true
  }

  path(field: number): string {
    return this.pathBytes(field).toString()
  }

  /** A view of the record. */
  pathBytes(field: number): Buffer {
    const from = this.#paths[field]!
    return this.#record.subarray(from, from + this.#pathBytes[field]!)
  }

  /** Field `field` in each slot: `slots` values in arrays that may be longer and are good until the next `read`. */
  read(field: number): FieldSlots {
    return guarded('index', () => this.#read(field))
  }

  #read(field: number): FieldSlots {
    const target = this.#target
    if (!this.#isCounted) {
      this.#start(0)
      this.#integers(this.#slotRows)
      this.#end(0)
      this.#isCounted = true
    }
    this.#start(field + 1)
    const { control } = this.#column
    const places = control.byte() - 1
    if (places >= powersOfTen.length) throw new RangeError('a field has too many decimals')
    if (control.byte() === 1)
      for (let slot = 0; slot < this.slots; slot++) target.counts[slot] = this.#slotRows[slot]!
    else this.#integers(target.counts)
    if (places >= 0) {
      this.#integers(target.mins)
      this.#integers(target.maxs)
      this.#integers(target.firsts)
      this.#integers(target.lasts)
      this.#integers(target.sums)
      this.#integers(target.m2s)
      unscaleSlots(target, this.slots, places)
    } else for (const name of doubleColumns) this.#doubles(target[name])
    this.#end(field + 1)
    return target
  }

  #start(column: number): void {
    this.#column.control.offset = this.#controls[column]!
    this.#column.at = this.#words[column]!
  }

  #end(column: number): void {
    const { control, at } = this.#column
    if (control.offset !== this.#controls[column + 1] || at !== this.#words[column + 1]) {
      throw new RangeError('a column has another size than stated')
    }
  }

  #integers(target: Float64Array): void {
    const { slots } = this
    const { control } = this.#column
    if (slots > fewSlots) decodeIntegers(this.#column, slots, target)
    else for (let slot = 0; slot < slots; slot++) target[slot] = control.int()
  }

  #doubles(target: Float64Array): void {
    const bytes = this.#column.control.take(this.slots * 8)
    for (let slot = 0; slot < this.slots; slot++) target[slot] = bytes.readDoubleLE(slot * 8)
  }
}

function wordsAt(record: Buffer, from: number, count: number): Uint32Array {
  if (count === 0) return noWords
  const address = record.byteOffset + from
  if (address % 4 === 0) return new Uint32Array(record.buffer, address, count)
  return new Uint32Array(new Uint8Array(record.subarray(from, from + count * 4)).buffer)
}
