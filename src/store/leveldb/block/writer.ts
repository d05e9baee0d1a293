// Puts the texts of a body together again from its columns: literal, leaf, literal, leaf … into one growing buffer.

import { blockBytesLimit, type Texts } from './rows.ts'
import { readGroupOf, type StoredBody, type StoredGroup } from './body.ts'
import { type ColumnMap, type ColumnReader, readColumn } from './columns.ts'
import { decimalBytesMax, writeDecimal, writeShortDecimal } from './decimal.ts'
import { IntegerWindow } from './integers.ts'
import { leafKind, words } from './json.ts'
import { checkPlaces, type NumberStream, openNumbers, spelling } from './numbers.ts'
import { decodeTexts } from './texts.ts'

/** The texts of a body, row after row from `from`. */
export class BodyWriter {
  readonly #groupOf: Uint8Array | null
  readonly #groups: GroupWriter[]
  /** The next text of each group. */
  readonly #next: Uint32Array
  readonly #out: TextBuffer
  #row: number

  /** Of some `sizeHint` bytes for the rows that are written at a time. */
  constructor(map: ColumnMap, body: StoredBody, from: number, sizeHint: number) {
    this.#groupOf = readGroupOf(map, body)
    this.#groups = body.groups.map((group) => createGroupWriter(map, group))
    this.#next = countBefore(this.#groupOf, this.#groups.length, from)
    this.#out = new TextBuffer(sizeHint + 64)
    this.#row = from
  }

  /** Begins anew: what was written before is gone. */
  clear(): void {
    this.#out.length = 0
  }

  /** Writes the next text; gives where it ends. */
  write(): number {
    const place = this.#groupOf ? this.#groupOf[this.#row]! : 0
    this.#row++
    const index = this.#next[place]!
    this.#next[place] = index + 1
    this.#groups[place]!(this.#out, index)
    return this.#out.length
  }

  get bytes(): Buffer {
    return this.#out.bytes.subarray(0, this.#out.length)
  }
}

function countBefore(groupOf: Uint8Array | null, groups: number, row: number): Uint32Array {
  const counts = new Uint32Array(groups)
  if (groupOf) for (let i = 0; i < row; i++) counts[groupOf[i]!] = counts[groupOf[i]!]! + 1
  else if (groups > 0) counts[0] = row
  return counts
}

/** Appends text `index` of a group. */
type GroupWriter = (out: TextBuffer, index: number) => void

function createGroupWriter(map: ColumnMap, { shape, count, column }: StoredGroup): GroupWriter {
  if (!shape) return createTextWriter(decodeTexts(readColumn(map, column), count))
  const leaves = shape.kinds.map((kind, leaf) =>
    createLeafWriter(readColumn(map, column + leaf), kind, count),
  )
  const pieces = shape.literalEnds
  const { literals } = shape
  return (out, index) => {
    out.need(literals.length + leaves.length * decimalBytesMax)
    let from = 0
    for (let leaf = 0; leaf < leaves.length; leaf++) {
      out.literal(literals, from, pieces[leaf]!)
      from = pieces[leaf]!
      leaves[leaf]!(out, index)
    }
    out.literal(literals, from, literals.length)
  }
}

function createLeafWriter(column: ColumnReader, kind: number, count: number): GroupWriter {
  if (kind === leafKind.number) return createNumberWriter(openNumbers(column, count), count)
  if (kind === leafKind.string) return createTextWriter(decodeTexts(column, count))
  const places = new IntegerWindow(column, count)
  return (out, index) => {
    const word = words[places.at(index)]
    if (!word) throw new RangeError('a word is none of JSON')
    out.literal(word, 0, word.length)
  }
}

function createTextWriter({ bytes, offsets, lengths }: Texts): GroupWriter {
  return (out, index) => out.append(bytes, offsets[index]!, lengths[index]!)
}

function createNumberWriter(column: NumberStream, count: number): GroupWriter {
  if (column.spelling === spelling.text) return createTextWriter(column.texts!)
  const plain = createPlainWriter(column)
  if (column.oddRows.length === 0) return plain
  const odd = createTextWriter(column.texts!)
  const oddOf = new Int32Array(count).fill(-1)
  for (const [i, row] of column.oddRows.entries()) oddOf[row] = i
  return (out, index) => {
    const place = oddOf[index]!
    if (place < 0) plain(out, index)
    else odd(out, place)
  }
}

function createPlainWriter({ places, integers, doubles, decimals, ...column }: NumberStream): GroupWriter {
  if (!integers) {
    return (out, index) => {
      const text = Buffer.from(String(doubles[index]), 'latin1')
      out.append(text, 0, text.length)
    }
  }
  if (column.spelling === spelling.canonical) {
    return (out, index) => {
      out.length = writeShortDecimal(out.bytes, out.length, integers.at(index), places)
    }
  }
  return (out, index) => {
    const own = decimals ? decimals.at(index) : places
    checkPlaces(own, places)
    out.length = writeDecimal(out.bytes, out.length, integers.at(index), places, own)
  }
}

/** Short pieces are copied byte by byte: below this a call of `set` costs more. */
const shortBytes = 32

class TextBuffer {
  bytes: Buffer
  length = 0
  /** Room that is promised to literals and numbers of the text being written. */
  #promised = 0

  constructor(capacityBytes: number) {
    this.bytes = Buffer.allocUnsafeSlow(Math.min(capacityBytes, blockBytesLimit))
  }

  /** Makes room for a text's literals and numbers, which are then written without looking. */
  need(count: number): void {
    this.#promised = count
    this.#reserve(count)
  }

  literal(source: Uint8Array, from: number, to: number): void {
    const { bytes } = this
    let at = this.length
    if (to - from <= shortBytes) for (let i = from; i < to; i++) bytes[at++] = source[i]!
    else {
      bytes.set(source.subarray(from, to), at)
      at += to - from
    }
    this.length = at
  }

  append(source: Uint8Array, from: number, count: number): void {
    if (from + count > source.length) throw new RangeError('a text lies outside its column')
    this.#reserve(count + this.#promised)
    this.literal(source, from, from + count)
  }

  #reserve(count: number): void {
    const wanted = this.length + count
    if (wanted <= this.bytes.length) return
    if (wanted > 2 * blockBytesLimit) throw new RangeError('texts are longer than a block may be')
    const grown = Buffer.allocUnsafeSlow(Math.max(this.bytes.length * 2, wanted))
    grown.set(this.bytes.subarray(0, this.length))
    this.bytes = grown
  }
}
