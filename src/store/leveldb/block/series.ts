// The numbers at one path of a stored block, without putting a payload together; and which paths there are.
// A row with cleaned fields answers from them alone, every other row from its payload's own leaves.

import { readGroupOf, rowsOfGroup, type StoredBody } from './body.ts'
import { type ColumnMap, readColumn } from './columns.ts'
import { decodeIntegers } from './integers.ts'
import { leafKind } from './json.ts'
import { type LeafValue, visitLeaves } from './leaves.ts'
import { decodeNumbers, toDoubles } from './numbers.ts'
import type { Texts } from './rows.ts'
import { decodeTexts } from './texts.ts'

/** What of an opened block the numbers are read from. */
export interface Series {
  map: ColumnMap
  payloads: StoredBody
  fields: StoredBody | null
  hasRawJson: boolean
  hasRawFieldJson: boolean
}

export interface NumberSeries {
  /** The row of each value, in order; `null` when every row has one. */
  rows: Uint32Array | null
  /** Doubles, each the nearest to what was sent; a number beyond all doubles (1e400) is none. */
  values: Float64Array
}

export type LeafType = 'number' | 'string' | 'boolean' | 'null'

export function readNumbers(series: Series, path: string, target?: Float64Array): NumberSeries {
  const { map, payloads, fields } = series
  const only = payloads.groups.length === 1 && !fields ? payloads.groups[0] : undefined
  if (only?.shape) {
    const leaf = only.shape.paths.indexOf(path)
    if (leaf < 0 || only.shape.kinds[leaf] !== leafKind.number) {
      return { rows: new Uint32Array(0), values: new Float64Array(0) }
    }
    const column = decodeNumbers(readColumn(map, only.column + leaf), only.count, target)
    const values = toDoubles(column, only.count).subarray(0, only.count)
    return column.texts ? withoutGaps(values) : { rows: null, values }
  }
  const values = new Float64Array(payloads.rows).fill(Number.NaN)
  const cleaned = fields ? cleanedRows(map, fields) : null
  scatterBody(series, payloads, path, values, (row) => cleaned?.[row] !== 1)
  if (fields) scatterBody(series, fields, path, values, (row) => cleaned?.[row] === 1)
  return withoutGaps(values)
}

function withoutGaps(values: Float64Array): NumberSeries {
  const count = values.length
  const rows = new Uint32Array(count)
  let found = 0
  for (let row = 0; row < count; row++) {
    if (values[row]! === values[row]!) rows[found++] = row
  }
  if (found === count) return { rows: null, values }
  for (let i = 0; i < found; i++) values[i] = values[rows[i]!]!
  return { rows: rows.subarray(0, found), values: values.subarray(0, found) }
}

function scatterBody(
  series: Series,
  body: StoredBody,
  path: string,
  target: Float64Array,
  counts: (row: number) => boolean,
): void {
  const { map } = series
  const groupOf = readGroupOf(map, body)
  const hasRawJson = body === series.fields ? series.hasRawFieldJson : series.hasRawJson
  for (const [place, { shape, count, column }] of body.groups.entries()) {
    if (!shape) {
      if (hasRawJson) {
        visitRaw(decodeTexts(readColumn(map, column), count), rowsOfGroup(body, groupOf, place), {
          counts,
          visit: (row, at, value) => {
            if (at !== path) return
            target[row] = typeof value === 'number' && Number.isFinite(value) ? value : Number.NaN
          },
        })
      }
      continue
    }
    const leaf = shape.paths.indexOf(path)
    if (leaf < 0 || shape.kinds[leaf] !== leafKind.number) continue
    const values = toDoubles(decodeNumbers(readColumn(map, column + leaf), count), count)
    const rows = rowsOfGroup(body, groupOf, place)
    for (let i = 0; i < count; i++) if (counts(rows[i]!)) target[rows[i]!] = values[i]!
  }
}

interface RawVisitor {
  counts: (row: number) => boolean
  visit: (row: number, path: string, value: LeafValue) => void
}

function visitRaw(
  { bytes, offsets, lengths }: Texts,
  rows: Uint32Array,
  { counts, visit }: RawVisitor,
): void {
  for (const [i, row] of rows.entries()) {
    if (!counts(row)) continue
    const start = offsets[i]!
    visitLeaves(bytes, start, start + lengths[i]!, (path, value) => visit(row, path, value))
  }
}

/** 1 for each row that has cleaned fields: one whose text is not empty. */
function cleanedRows(map: ColumnMap, fields: StoredBody): Uint8Array {
  const cleaned = new Uint8Array(fields.rows).fill(1)
  const place = fields.groups.findIndex(({ shape }) => shape === null)
  const group = fields.groups[place]
  if (!group) return cleaned
  const { lengths } = decodeTexts(readColumn(map, group.column), group.count)
  for (const [i, row] of rowsOfGroup(fields, readGroupOf(map, fields), place).entries()) {
    if (lengths[i] === 0) cleaned[row] = 0
  }
  return cleaned
}

export function readPaths(series: Series): Map<string, Set<LeafType>> {
  const { map, payloads, fields } = series
  const types = new Map<string, Set<LeafType>>()
  const cleaned = fields ? cleanedRows(map, fields) : null
  addPaths(series, payloads, types, (row) => cleaned?.[row] !== 1)
  if (fields) addPaths(series, fields, types, (row) => cleaned?.[row] === 1)
  return types
}

function addPaths(
  series: Series,
  body: StoredBody,
  types: Map<string, Set<LeafType>>,
  counts: (row: number) => boolean,
): void {
  const { map } = series
  const add = (path: string, type: LeafType): void => {
    const known = types.get(path)
    if (known) known.add(type)
    else types.set(path, new Set([type]))
  }
  const groupOf = readGroupOf(map, body)
  const hasRawJson = body === series.fields ? series.hasRawFieldJson : series.hasRawJson
  for (const [place, { shape, count, column }] of body.groups.entries()) {
    const rows = rowsOfGroup(body, groupOf, place)
    if (!shape) {
      if (hasRawJson) {
        const texts = decodeTexts(readColumn(map, column), count)
        visitRaw(texts, rows, { counts, visit: (_, path, value) => add(path, typeOf(value)) })
      }
      continue
    }
    if (!rows.some(counts)) continue
    for (const [leaf, path] of shape.paths.entries()) {
      if (path === null) continue
      const kind = shape.kinds[leaf]
      if (kind === leafKind.number) add(path, 'number')
      else if (kind === leafKind.string) add(path, 'string')
      else {
        const words = decodeIntegers(readColumn(map, column + leaf), count, new Float64Array(count))
        for (const [i, row] of rows.entries()) if (counts(row)) add(path, words[i]! < 2 ? 'boolean' : 'null')
      }
    }
  }
}

function typeOf(value: LeafValue): LeafType {
  return value === null ? 'null' : (typeof value as LeafType)
}
