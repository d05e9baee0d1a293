// A column of JSON numbers that come back spelled as they were. Plain decimals are integers at one scale (21.5 is 215
// at one place); how each was spelled costs nothing when all follow one rule. Odd ones (-0, 1E5, 30 digits) stand aside
// while they are few; else the column is one of doubles or, at worst, of texts.
//
//   form byte                   canonical, fixed, mixed, double, text
//   canonical, fixed, mixed     places; integers: value × 10^places; mixed: integers: decimals of each
//   double                      doubles
//   all but text                count of odd ones; when not 0: integers: their rows; texts: their spelling
//   text                        texts

import type { Texts } from './rows.ts'
import type { ColumnReader, ColumnWriter } from './columns.ts'
import { decodeDoubles, encodeDoubles } from './doubles.ts'
import { decodeIntegers, encodeIntegers, integerMax, IntegerWindow, skipIntegers } from './integers.ts'
import { decodeTexts, encodeTexts, type Slices } from './texts.ts'
import { oddNumber, powersOfTen } from './tokens.ts'

/** canonical: no zero at the end of a fraction. fixed: as many decimals as the scale has. mixed: any. */
export const spelling = { canonical: 0, fixed: 1, mixed: 2, double: 3, text: 4 } as const

type Spelling = (typeof spelling)[keyof typeof spelling]

const placesMax = powersOfTen.length - 1

/** Number tokens, and what matching found in them (see tokens.ts). */
export interface NumberSlices extends Slices {
  mantissas: Float64Array
  decimals: Uint8Array
}

/** The values of a column, whatever their spelling. */
export interface NumberValues {
  /** Integers at `places`, or doubles when `places` is -1; NaN for what no double holds (1e400). */
  values: Float64Array
  places: number
}

/** A column as read. */
export interface NumberColumn {
  spelling: Spelling
  places: number
  /** Integers at `places`, or doubles; empty in a column of texts. */
  values: Float64Array
  /** In a mixed column, the decimals of each. */
  decimals: Float64Array | null
  /** Rows of the odd ones, in order. */
  oddRows: Float64Array
  /** Their spelling; in a column of texts, everything. */
  texts: Texts | null
}

/** Writes the column and gives back its values, for the index. */
export function encodeNumbers(out: ColumnWriter, slices: NumberSlices): NumberValues {
  return encodeScaled(out, slices) ?? encodeAsDoubles(out, slices)
}

function encodeScaled(out: ColumnWriter, slices: NumberSlices): NumberValues | null {
  const { mantissas, decimals, count } = slices
  const odd: number[] = []
  let places = 0
  let isCanonical = true
  let least = placesMax
  for (let i = 0; i < count; i++) {
    const own = decimals[i]!
    if (own === oddNumber) {
      odd.push(i)
      continue
    }
    if (own > places) places = own
    if (own < least) least = own
    if (own > 0 && mantissas[i]! % 10 === 0) isCanonical = false
  }
  if (odd.length > oddMax(count)) return null
  const values = scale(slices, places)
  if (!values) return null
  const { control } = out
  const form = isCanonical ? spelling.canonical : least === places ? spelling.fixed : spelling.mixed
  control.byte(form)
  control.byte(places)
  encodeIntegers(out, values, count)
  if (form === spelling.mixed) {
    const own = new Float64Array(decimals.subarray(0, count))
    for (const row of odd) own[row] = places
    encodeIntegers(out, own, count)
  }
  encodeOdd(out, slices, odd)
  if (odd.length === 0) return { values, places }
  const scaleFactor = powersOfTen[places]!
  const doubles = values.map((value) => value / scaleFactor)
  for (const row of odd) doubles[row] = finite(Number(tokenText(slices, row)))
  return { values: doubles, places: -1 }
}

/** All plain decimals at one scale, odd ones as their predecessor; `null` when some get too large. */
function scale({ mantissas, decimals, count }: NumberSlices, places: number): Float64Array | null {
  const values = new Float64Array(count)
  let before = 0
  for (let i = 0; i < count; i++) {
    const own = decimals[i]!
    if (own !== oddNumber) before = mantissas[i]! * powersOfTen[places - own]!
    if (before > integerMax || before < -integerMax) return null
    values[i] = before
  }
  return values
}

function encodeAsDoubles(out: ColumnWriter, slices: NumberSlices): NumberValues {
  const { count } = slices
  const values = new Float64Array(count)
  const odd: number[] = []
  for (let i = 0; i < count; i++) {
    const text = tokenText(slices, i)
    const value = Number(text)
    values[i] = finite(value)
    if (String(value) !== text) odd.push(i)
  }
  if (odd.length > oddMax(count)) {
    out.control.byte(spelling.text)
    encodeTexts(out, slices)
  } else {
    out.control.byte(spelling.double)
    encodeDoubles(out, values, count)
    encodeOdd(out, slices, odd)
  }
  return { values, places: -1 }
}

const oddMax = (count: number): number => count >>> 4

const finite = (value: number): number => (Number.isFinite(value) ? value : Number.NaN)

function tokenText({ bytes, starts, ends }: NumberSlices, row: number): string {
  return bytes.toString('latin1', starts[row], ends[row])
}

function encodeOdd(out: ColumnWriter, { bytes, starts, ends }: Slices, rows: number[]): void {
  out.control.uint(rows.length)
  if (rows.length === 0) return
  encodeIntegers(out, Float64Array.from(rows), rows.length)
  encodeTexts(out, {
    bytes,
    starts: Uint32Array.from(rows, (row) => starts[row]!),
    ends: Uint32Array.from(rows, (row) => ends[row]!),
    count: rows.length,
  })
}

/** A column of `count`; its integers go to `target` when that is long enough. */
export function decodeNumbers(column: ColumnReader, count: number, target?: Float64Array): NumberColumn {
  const { form, places } = readForm(column)
  const result: NumberColumn = {
    spelling: form,
    places,
    values: none,
    decimals: null,
    oddRows: none,
    texts: null,
  }
  if (form === spelling.text) {
    result.texts = decodeTexts(column, count)
    return result
  }
  if (form === spelling.double) result.values = decodeDoubles(column, count)
  else {
    const all = target && target.length >= count ? target : new Float64Array(count)
    result.values = decodeIntegers(column, count, all)
    if (form === spelling.mixed) result.decimals = decodeIntegers(column, count, new Float64Array(count))
  }
  const odd = readOdd(column, count)
  if (odd) Object.assign(result, odd)
  checkDecimals(result, count)
  return result
}

/** A column as it is written again: its integers are read as they are asked for. */
export interface NumberStream {
  spelling: Spelling
  places: number
  /** `null` in a column of doubles or texts. */
  integers: IntegerWindow | null
  doubles: Float64Array
  /** In a mixed column, the decimals of each. */
  decimals: IntegerWindow | null
  oddRows: Float64Array
  texts: Texts | null
}

export function openNumbers(column: ColumnReader, count: number): NumberStream {
  const { form, places } = readForm(column)
  const result: NumberStream = {
    spelling: form,
    places,
    integers: null,
    doubles: none,
    decimals: null,
    oddRows: none,
    texts: null,
  }
  const window = (): IntegerWindow => {
    const opened = new IntegerWindow({ ...column, control: column.control.fork() }, count)
    skipIntegers(column, count)
    return opened
  }
  if (form === spelling.text) {
    result.texts = decodeTexts(column, count)
    return result
  }
  if (form === spelling.double) result.doubles = decodeDoubles(column, count)
  else {
    result.integers = window()
    if (form === spelling.mixed) result.decimals = window()
  }
  const odd = readOdd(column, count)
  if (odd) Object.assign(result, odd)
  return result
}

function readForm({ control }: ColumnReader): { form: Spelling; places: number } {
  const form = control.byte()
  if (form > spelling.text) throw new RangeError(`there is no form ${form} of number columns`)
  const places = form < spelling.double ? control.byte() : 0
  if (places > placesMax) throw new RangeError('a number has too many decimals')
  return { form: form as Spelling, places }
}

/** Rows of the odd ones, in order and inside, and their spelling; `null` when there are none. */
function readOdd(column: ColumnReader, count: number): { oddRows: Float64Array; texts: Texts } | null {
  const odd = column.control.uint()
  if (odd > oddMax(count)) throw new RangeError('a column has too many odd numbers')
  if (odd === 0) return null
  const oddRows = decodeIntegers(column, odd, new Float64Array(odd))
  let before = -1
  for (const row of oddRows) {
    if (!(row > before && row < count)) throw new RangeError('an odd number lies outside its column')
    before = row
  }
  return { oddRows, texts: decodeTexts(column, odd) }
}

const none = new Float64Array(0)

/** What later steps rely on: decimals no longer than the scale. */
function checkDecimals({ decimals, places }: NumberColumn, count: number): void {
  if (!decimals) return
  for (let i = 0; i < count; i++) checkPlaces(decimals[i]!, places)
}

/** Throws when a number cannot have so many decimals. */
export function checkPlaces(decimals: number, places: number): void {
  if (!(decimals >= 0 && decimals <= places)) throw new RangeError('a number has too many decimals')
}

/** The column as doubles, correctly rounded, in place where that is possible; NaN for what no double holds. */
export function toDoubles(column: NumberColumn, count: number): Float64Array {
  const { texts, oddRows, places, values } = column
  if (column.spelling === spelling.text) {
    return Float64Array.from({ length: count }, (_, i) => finite(Number(textAt(texts!, i))))
  }
  if (places > 0) {
    const factor = powersOfTen[places]!
    for (let i = 0; i < count; i++) values[i] = values[i]! / factor
  }
  for (const [i, row] of oddRows.entries()) values[row] = finite(Number(textAt(texts!, i)))
  return values
}

function textAt({ bytes, offsets, lengths }: Texts, index: number): string {
  const offset = offsets[index]!
  return Buffer.from(bytes.buffer, bytes.byteOffset + offset, lengths[index]!).toString('latin1')
}
