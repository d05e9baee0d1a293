// Where columns are written and read: small numbers and byte strings go to `control`, packed integers to `words`.
// Of each column a block remembers how much of both it took, so that a reader goes straight to the one it wants.

import { ByteReader, ByteWriter } from '../binary.ts'
import { WordWriter } from './bits.ts'

/** Integers are packed in runs of so many. */
export const runLength = 128

/** Takes columns, one after another. */
export class ColumnWriter {
  readonly control: ByteWriter
  readonly words: WordWriter
  /** Control bytes and words of each finished column, in turn. */
  readonly sizes: number[] = []
  #controlStart = 0
  #wordsStart = 0
  #scratch: readonly [Float64Array, Float64Array] | null = null

  /** `rows` that are expected in a column: most blocks of a large fleet are small. */
  constructor(rows: number) {
    this.control = new ByteWriter(Math.min(8192, 256 + 2 * rows))
    this.words = new WordWriter(Math.min(1024, 32 + 2 * rows))
  }

  /** Room for two runs, for whoever writes a column. */
  get scratch(): readonly [Float64Array, Float64Array] {
    this.#scratch ??= [new Float64Array(runLength), new Float64Array(runLength)]
    return this.#scratch
  }

  /** Ends a column. */
  end(): void {
    this.sizes.push(this.control.length - this.#controlStart, this.words.length - this.#wordsStart)
    this.#controlStart = this.control.length
    this.#wordsStart = this.words.length
  }
}

/** One column being read. */
export interface ColumnReader {
  control: ByteReader
  words: Uint32Array
  /** The next word. */
  at: number
}

/** Where each column begins. */
export interface ColumnMap {
  control: Uint8Array
  words: Uint32Array
  controlStarts: Uint32Array
  wordStarts: Uint32Array
}

/** A reader at the start of column `index`, which cannot run into the next one's control bytes. */
export function readColumn(map: ColumnMap, index: number): ColumnReader {
  const start = map.controlStarts[index]
  const end = map.controlStarts[index + 1]
  if (start === undefined || end === undefined) throw new RangeError('a column is missing')
  return {
    control: new ByteReader(map.control.subarray(start, end)),
    words: map.words,
    at: map.wordStarts[index]!,
  }
}

/** Reads the sizes of `count` columns and lays them over what follows in `record`, up to its end. */
export function mapColumns(record: Buffer, head: ByteReader, count: number): ColumnMap {
  const controlStarts = new Uint32Array(count + 1)
  const wordStarts = new Uint32Array(count + 1)
  let control = 0
  let words = 0
  for (let i = 0; i < count; i++) {
    control += head.uint()
    words += head.uint()
    if (control > record.length || words * 4 > record.length) throw new RangeError('columns are too long')
    controlStarts[i + 1] = control
    wordStarts[i + 1] = words
  }
  const wordsFrom = alignUp(head.offset + control)
  if (wordsFrom + words * 4 !== record.length) throw new RangeError('the columns do not fill it')
  return {
    control: record.subarray(head.offset, head.offset + control),
    words: alignedWords(record, wordsFrom, words),
    controlStarts,
    wordStarts,
  }
}

/** The record: head, sizes, control bytes, padding to a multiple of four, words. */
export function finishColumns(head: ByteWriter, columns: ColumnWriter): Buffer {
  for (const size of columns.sizes) head.uint(size)
  const control = columns.control.view()
  const words = columns.words.bytes()
  const wordsFrom = alignUp(head.length + control.length)
  const record = Buffer.allocUnsafeSlow(wordsFrom + words.length)
  record.set(head.view())
  record.set(control, head.length)
  record.fill(0, head.length + control.length, wordsFrom)
  record.set(words, wordsFrom)
  return record
}

const alignUp = (offset: number): number => (offset + 3) & ~3

/** Words as they lie in the record, or a copy when the record itself begins at an odd address. */
function alignedWords(record: Buffer, from: number, count: number): Uint32Array {
  const address = record.byteOffset + from
  if (address % 4 === 0) return new Uint32Array(record.buffer, address, count)
  return new Uint32Array(new Uint8Array(record.subarray(from, from + count * 4)).buffer)
}
