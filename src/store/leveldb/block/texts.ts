// A column of byte strings: what a JSON string holds between its quotes, a number spelled in an odd way, a payload that
// is no JSON. Few distinct ones make a dictionary; else all stand in a row, deflated when that helps.
//
//   column      form byte, then by form
//   dictionary  distinct ones: count, each with its length; a column of integers: which
//   stored      a column of integers: lengths; all the bytes with their length
//   deflated    a column of integers: lengths; size of all the bytes; the deflated bytes with their length

import { blockBytesLimit, type Texts } from './rows.ts'
import type { ColumnReader, ColumnWriter } from './columns.ts'
import { deflate, inflate } from './deflate.ts'
import { decodeIntegers, encodeIntegers } from './integers.ts'

const form = { dictionary: 0, stored: 1, deflated: 2 } as const

const dictionaryMax = 1024
const entryBytesMax = 4096

/** `count` texts that lie in `bytes` from `starts[i]` to `ends[i]`. */
export interface Slices {
  bytes: Buffer
  starts: Uint32Array
  ends: Uint32Array
  count: number
}

export function encodeTexts(out: ColumnWriter, slices: Slices): void {
  const { bytes, starts, ends, count } = slices
  const { control } = out
  const numbers = new Float64Array(count)
  const dictionary = buildDictionary(slices, numbers)
  if (dictionary) {
    control.byte(form.dictionary)
    control.uint(dictionary.length)
    for (const entry of dictionary) control.bytes(entry)
    encodeIntegers(out, numbers, count)
    return
  }
  let size = 0
  for (let i = 0; i < count; i++) size += numbers[i] = ends[i]! - starts[i]!
  const all = Buffer.allocUnsafe(size)
  let at = 0
  for (let i = 0; i < count; i++) at += bytes.copy(all, at, starts[i], ends[i])
  const deflated = deflate(all)
  control.byte(deflated ? form.deflated : form.stored)
  encodeIntegers(out, numbers, count)
  if (deflated) control.uint(size)
  control.bytes(deflated ?? all)
}

/** The distinct texts in order of appearance, and in `numbers` which one each is; `null` when they are too many. */
function buildDictionary({ bytes, starts, ends, count }: Slices, numbers: Float64Array): Buffer[] | null {
  const places = new Map<string, number>()
  const entries: Buffer[] = []
  for (let i = 0; i < count; i++) {
    const start = starts[i]!
    const end = ends[i]!
    if (end - start > entryBytesMax) return null
    if (i > 0 && isSame(bytes, starts[i - 1]!, ends[i - 1]!, start, end)) {
      numbers[i] = numbers[i - 1]!
      continue
    }
    const text = bytes.toString('latin1', start, end)
    let place = places.get(text)
    if (place === undefined) {
      place = entries.length
      // Texts that are all new are better deflated together; the first ones tell.
      if (place >= dictionaryMax || place > 16 + (i >>> 2)) return null
      places.set(text, place)
      entries.push(bytes.subarray(start, end))
    }
    numbers[i] = place
  }
  return entries
}

function isSame(bytes: Buffer, a: number, aEnd: number, b: number, bEnd: number): boolean {
  const length = aEnd - a
  if (length !== bEnd - b) return false
  for (let i = 0; i < length; i++) if (bytes[a + i] !== bytes[b + i]) return false
  return true
}

/** The texts of a column of `count`. Throws `RangeError` on damage. */
export function decodeTexts(column: ColumnReader, count: number): Texts {
  const { control } = column
  const kind = control.byte()
  if (kind === form.dictionary) return decodeDictionary(column, count)
  if (kind !== form.stored && kind !== form.deflated) {
    throw new RangeError(`there is no form ${kind} of text columns`)
  }
  const numbers = decodeIntegers(column, count, new Float64Array(count))
  const offsets = new Uint32Array(count)
  const lengths = new Uint32Array(count)
  let at = 0
  for (let i = 0; i < count; i++) {
    const length = numbers[i]!
    if (!(length >= 0) || length > blockBytesLimit) throw new RangeError('a text has an impossible length')
    offsets[i] = at
    lengths[i] = length
    at += length
  }
  if (at > blockBytesLimit) throw new RangeError('texts are longer than a block may be')
  const size = kind === form.deflated ? control.uint() : at
  if (size !== at) throw new RangeError('texts have another size than their lengths')
  const bytes = kind === form.deflated ? inflate(control.bytes(), size) : control.bytes()
  if (bytes.length !== size) throw new RangeError('texts have another size than their lengths')
  return { bytes, offsets, lengths }
}

function decodeDictionary(column: ColumnReader, count: number): Texts {
  const { control } = column
  const distinct = control.uint()
  if (distinct > dictionaryMax) throw new RangeError('a dictionary has too many entries')
  const starts = new Uint32Array(distinct)
  const sizes = new Uint32Array(distinct)
  const from = control.offset
  for (let i = 0; i < distinct; i++) {
    const size = control.bytes().length
    starts[i] = control.offset - from - size
    sizes[i] = size
  }
  const bytes = control.since(from)
  const numbers = decodeIntegers(column, count, new Float64Array(count))
  const offsets = new Uint32Array(count)
  const lengths = new Uint32Array(count)
  for (let i = 0; i < count; i++) {
    const place = numbers[i]!
    if (!(place >= 0 && place < distinct) || Math.floor(place) !== place) {
      throw new RangeError('a text is not in its dictionary')
    }
    offsets[i] = starts[place]!
    lengths[i] = sizes[place]!
  }
  return { bytes, offsets, lengths }
}
