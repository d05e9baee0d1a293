// One text of every row as columns: the payloads of a block, or its cleaned fields. A text is a shape and its leaves;
// raw texts are a column of their own.
//
//   in the head   count of groups; for each: shape number (0: raw), rows
//   columns       when there are several groups: integers: which group each row is of; then for each group in turn:
//                 raw: texts; else for each leaf: numbers, texts (what stands between the quotes) or integers (words)

import type { ByteReader, ByteWriter } from '../binary.ts'
import type { Texts } from './rows.ts'
import { type ColumnMap, type ColumnWriter, readColumn } from './columns.ts'
import { type Group, groupTexts, type LeafColumn } from './groups.ts'
import { decodeIntegers, encodeIntegers } from './integers.ts'
import { leafKind } from './json.ts'
import { encodeNumbers, type NumberValues } from './numbers.ts'
import type { Shape } from './shape.ts'
import type { Shapes } from './shapes.ts'
import { encodeTexts } from './texts.ts'

/** Numbers that a body has at a path, for the index. */
export interface NumberLeaf extends NumberValues {
  path: string
  group: number
}

/** What encoding a body tells. */
export interface EncodedBody {
  numbers: NumberLeaf[]
  groupOf: Uint8Array
  /** The first group is of raw texts, and some of them may be JSON. */
  hasRawJson: boolean
}

export function encodeBody(
  { head, columns }: { head: ByteWriter; columns: ColumnWriter },
  texts: Texts,
  [from, to]: readonly [number, number],
  shapes: Shapes,
): EncodedBody {
  const { groups, groupOf, hasRawJson } = groupTexts(texts, from, to, shapes)
  head.uint(groups.length)
  for (const { shape, count } of groups) {
    head.uint(shape ? shape.id : 0)
    head.uint(count)
  }
  if (groups.length > 1) {
    encodeIntegers(columns, new Float64Array(groupOf), groupOf.length)
    columns.end()
  }
  const bytes = Buffer.from(texts.bytes.buffer, texts.bytes.byteOffset, texts.bytes.length)
  const numbers: NumberLeaf[] = []
  for (const [place, group] of groups.entries()) {
    for (const [leaf, column] of group.columns.entries()) {
      const values = encodeLeaf(columns, bytes, group, leaf, column)
      columns.end()
      const path = group.shape?.paths[leaf] ?? null
      if (values && path !== null) numbers.push({ ...values, path, group: place })
    }
  }
  return { numbers, groupOf, hasRawJson }
}

function encodeLeaf(
  out: ColumnWriter,
  bytes: Buffer,
  { shape, count }: Group,
  leaf: number,
  column: LeafColumn,
): NumberValues | null {
  const kind = shape ? shape.kinds[leaf] : leafKind.string
  if (kind === leafKind.number) return encodeNumbers(out, { ...column, bytes, count })
  if (kind === leafKind.string) encodeTexts(out, { ...column, bytes, count })
  else encodeIntegers(out, column.mantissas, count)
  return null
}

/** A group of a stored body. */
export interface StoredGroup {
  /** `null`: raw texts. */
  shape: Shape | null
  count: number
  /** Its first column; one follows for each leaf. */
  column: number
}

/** A stored body, of which nothing but the head is read yet. */
export interface StoredBody {
  rows: number
  groups: StoredGroup[]
  /** The column that says which group each row is of, or -1 when there is but one. */
  groupColumn: number
  /** The column after the last. */
  end: number
}

/** Reads the head of a body whose columns begin with `column`. */
export function readBody(head: ByteReader, rows: number, column: number, shapes: Shapes): StoredBody {
  const count = head.uint()
  if (count > 255 || (count === 0) !== (rows === 0))
    throw new RangeError('a body has no such number of groups')
  const groups: StoredGroup[] = []
  let at = count > 1 ? column + 1 : column
  let total = 0
  for (let i = 0; i < count; i++) {
    const id = head.uint()
    const shape = id === 0 ? null : shapes.get(id)
    const groupRows = head.uint()
    total += groupRows
    groups.push({ shape, count: groupRows, column: at })
    at += shape ? shape.kinds.length : 1
  }
  if (total !== rows) throw new RangeError('the groups of a body are not all its rows')
  return { rows, groups, groupColumn: count > 1 ? column : -1, end: at }
}

/** Which group each row is of; `null` when there is but one. */
export function readGroupOf(map: ColumnMap, body: StoredBody): Uint8Array | null {
  if (body.groupColumn < 0) return null
  const places = decodeIntegers(readColumn(map, body.groupColumn), body.rows, new Float64Array(body.rows))
  const groupOf = new Uint8Array(body.rows)
  const counts = new Uint32Array(body.groups.length)
  for (let row = 0; row < body.rows; row++) {
    const place = places[row]!
    if (!(place >= 0 && place < counts.length)) throw new RangeError('a row is of no group')
    groupOf[row] = place
    counts[place] = counts[place]! + 1
  }
  if (body.groups.some(({ count }, place) => count !== counts[place])) {
    throw new RangeError('a group has another number of rows than stated')
  }
  return groupOf
}

/** The rows of group `place`, in order. */
export function rowsOfGroup(body: StoredBody, groupOf: Uint8Array | null, place: number): Uint32Array {
  const rows = new Uint32Array(body.groups[place]!.count)
  let at = 0
  for (let row = 0; row < body.rows; row++) if (!groupOf || groupOf[row] === place) rows[at++] = row
  return rows
}
