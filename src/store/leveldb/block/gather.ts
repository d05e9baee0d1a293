// The numbers of a block by path, one value a row: from every shape that has the path, from raw JSON, and from cleaned
// fields, which take the place of the payload's own leaves in the rows that have them.

import type { Texts } from './rows.ts'
import type { EncodedBody, NumberLeaf } from './body.ts'
import { integerMax } from './integers.ts'
import { visitLeaves } from './leaves.ts'
import { powersOfTen } from './tokens.ts'

/** Integers at `places`, or doubles when that is -1; NaN in rows without a number. */
export interface FieldColumn {
  values: Float64Array
  places: number
}

export interface Gathered {
  fields: Map<string, FieldColumn>
  /** Whether `fields` has every path with a number; false when there were more than `fieldsMax`. */
  isComplete: boolean
}

/** A body with the texts it was made from, whose first row is number `from`. */
export interface GatherSource {
  body: EncodedBody
  texts: Texts
  from: number
}

/** `fields` are those of the rows that have cleaned ones. */
export function gatherNumbers(
  count: number,
  payloads: GatherSource,
  fields: GatherSource | null,
  fieldsMax: number,
): Gathered {
  const gathered: Gathered = { fields: new Map(), isComplete: true }
  const hasFields = fields ? (row: number) => fields.texts.lengths[fields.from + row]! > 0 : () => false
  gatherBody(gathered, count, fieldsMax, payloads, fields ? (row) => !hasFields(row) : null)
  if (fields) gatherBody(gathered, count, fieldsMax, fields, hasFields)
  return gathered
}

function gatherBody(
  gathered: Gathered,
  count: number,
  fieldsMax: number,
  source: GatherSource,
  counts: ((row: number) => boolean) | null,
): void {
  const { body } = source
  for (const leaf of body.numbers) {
    const isWhole = leaf.values.length === count && !counts && !gathered.fields.has(leaf.path)
    if (isWhole && gathered.fields.size < fieldsMax) {
      gathered.fields.set(leaf.path, { values: leaf.values, places: leaf.places })
      continue
    }
    const column = columnFor(gathered, leaf.path, leaf.places, count, fieldsMax)
    if (column) scatter(column, leaf, body.groupOf, counts)
  }
  if (body.hasRawJson) gatherRaw(gathered, count, fieldsMax, source, counts)
}

function columnFor(
  gathered: Gathered,
  path: string,
  places: number,
  count: number,
  fieldsMax: number,
): FieldColumn | null {
  const { fields } = gathered
  const known = fields.get(path)
  if (known) return known
  if (fields.size >= fieldsMax) {
    gathered.isComplete = false
    return null
  }
  const column = { values: new Float64Array(count).fill(Number.NaN), places }
  fields.set(path, column)
  return column
}

function scatter(
  column: FieldColumn,
  leaf: NumberLeaf,
  groupOf: Uint8Array,
  counts: ((row: number) => boolean) | null,
): void {
  const factor = meet(column, leaf)
  let at = 0
  for (let row = 0; row < groupOf.length; row++) {
    if (groupOf[row] !== leaf.group) continue
    const value = leaf.values[at++]!
    if (!counts || counts(row)) column.values[row] = factor > 0 ? value * factor : value / -factor
  }
}

/** Brings both to one scale: what to multiply the leaf's values with, or, when negative, to divide them by. */
function meet(column: FieldColumn, leaf: NumberLeaf): number {
  if (column.places === leaf.places) return 1
  if (column.places >= 0 && leaf.places >= 0) {
    const places = Math.max(column.places, leaf.places)
    const own = powersOfTen[places - leaf.places]!
    const other = powersOfTen[places - column.places]!
    if (fits(leaf.values, own) && fits(column.values, other)) {
      column.values = column.values.map((value) => value * other)
      column.places = places
      return own
    }
  }
  toPlainDoubles(column)
  return leaf.places > 0 ? -powersOfTen[leaf.places]! : 1
}

const fits = (values: Float64Array, factor: number): boolean =>
  values.every((value) => !(Math.abs(value * factor) > integerMax))

function toPlainDoubles(column: FieldColumn): void {
  if (column.places > 0) {
    const factor = powersOfTen[column.places]!
    column.values = column.values.map((value) => value / factor)
  }
  column.places = -1
}

function gatherRaw(
  gathered: Gathered,
  count: number,
  fieldsMax: number,
  { body, texts, from }: GatherSource,
  counts: ((row: number) => boolean) | null,
): void {
  for (let row = 0; row < count; row++) {
    if (body.groupOf[row] !== 0 || (counts && !counts(row))) continue
    const start = texts.offsets[from + row]!
    const last = new Map<string, number>()
    visitLeaves(texts.bytes, start, start + texts.lengths[from + row]!, (path, value) => {
      if (typeof value === 'number' && Number.isFinite(value)) last.set(path, value)
      else last.delete(path)
    })
    for (const [path, value] of last) {
      const column = columnFor(gathered, path, -1, count, fieldsMax)
      if (!column) continue
      if (column.places >= 0) toPlainDoubles(column)
      column.values[row] = value
    }
  }
}
