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
  const raw = rawNumbers(series, path)
  const shaped = [payloads, fields].flatMap((body) => (body ? shapedAt(body, path) : []))
  if (shaped.length === 0)
    return raw?.rows?.length === payloads.rows ? { ...raw, rows: null } : (raw ?? nothing)
  const values = new Float64Array(payloads.rows).fill(Number.NaN)
  const counts = countsOf(series)
  for (const { body, place, leaf } of shaped) {
    const { count, column } = body.groups[place]!
    const found = toDoubles(decodeNumbers(readColumn(map, column + leaf), count), count)
    const rows = rowsOfGroup(body, readGroupOf(map, body), place)
    for (let i = 0; i < count; i++) if (counts(body, rows[i]!)) values[rows[i]!] = found[i]!
  }
  if (raw?.rows) for (const [i, row] of raw.rows.entries()) values[row] = raw.values[i]!
  return withoutGaps(values)
}

const nothing: NumberSeries = { rows: new Uint32Array(0), values: new Float64Array(0) }

/** The groups of a body that have numbers at a path. */
function shapedAt(body: StoredBody, path: string): { body: StoredBody; place: number; leaf: number }[] {
  return body.groups.flatMap(({ shape }, place) => {
    const leaf = shape?.paths.indexOf(path) ?? -1
    return shape && leaf >= 0 && shape.kinds[leaf] === leafKind.number ? [{ body, place, leaf }] : []
  })
}

/** Whether a row answers from this body: from its cleaned fields where it has some. */
function countsOf({ map, fields }: Series): (body: StoredBody, row: number) => boolean {
  const cleaned = fields ? cleanedRows(map, fields) : null
  return (body, row) => (cleaned?.[row] === 1) === (body === fields)
}

/**
 * Of the block looked at last: whoever asks for a second path asks for all of them, mostly, and a text is read once for all
 * its leaves, not once for each: a message of four thousand numbers took half a minute.
 */
let latest: { series: Series; numbers: Map<string, NumberSeries> | null } | null = null

/** Numbers of raw texts at a path. */
function rawNumbers(series: Series, path: string): NumberSeries | undefined {
  if (!series.hasRawJson && !series.hasRawFieldJson) return undefined
  if (latest?.series !== series) {
    latest = { series, numbers: null }
    return gatherRaw(series, path).get(path)
  }
  latest.numbers ??= gatherRaw(series, null)
  return latest.numbers.get(path)
}

/** By path, or those of one path. */
function gatherRaw(series: Series, only: string | null): Map<string, NumberSeries> {
  const { map, payloads, fields } = series
  const counts = countsOf(series)
  const found = new Map<string, { rows: number[]; values: number[] }>()
  const visit = (row: number, path: string, value: LeafValue): void => {
    if (only !== null && path !== only) return
    const isNumber = typeof value === 'number' && Number.isFinite(value)
    let own = found.get(path)
    if (!own) {
      if (!isNumber) return
      found.set(path, (own = { rows: [], values: [] }))
    }
    // Of paths that meet the last counts.
    if (own.rows.at(-1) === row) {
      own.rows.pop()
      own.values.pop()
    }
    if (!isNumber) return
    own.rows.push(row)
    own.values.push(value)
  }
  for (const body of fields ? [payloads, fields] : [payloads]) {
    if (!(body === fields ? series.hasRawFieldJson : series.hasRawJson)) continue
    for (const [place, { shape, count, column }] of body.groups.entries()) {
      if (shape) continue
      const rows = rowsOfGroup(body, readGroupOf(map, body), place)
      visitRaw(decodeTexts(readColumn(map, column), count), rows, {
        counts: (row) => counts(body, row),
        visit,
      })
    }
  }
  return new Map([...found].map(([path, own]) => [path, inRowOrder(own)]))
}

/** What came from payloads stands before what came from fields. */
function inRowOrder({ rows, values }: { rows: number[]; values: number[] }): NumberSeries {
  const places = rows.map((_, at) => at)
  if (rows.some((row, at) => at > 0 && row < rows[at - 1]!)) places.sort((a, b) => rows[a]! - rows[b]!)
  return {
    rows: Uint32Array.from(places, (at) => rows[at]!),
    values: Float64Array.from(places, (at) => values[at]!),
  }
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
