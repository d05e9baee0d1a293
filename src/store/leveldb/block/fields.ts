// Cleaned fields as JSON text, so that a block keeps them in columns like any payload: one object, each field under its
// dotted path. An integer spelled without point or exponent beyond 2^53 is a bigint; every other number is a
// double, and every value comes back.

import type { Fields, FieldValue } from '../../../domain/reading.ts'
import { AppError } from '../../../domain/errors.ts'
import { leafKind, readJson, stringText } from './json.ts'

const limits = { leavesMax: 2 ** 20, depthMax: 1 }

/** The text of `fields`; empty for `null`. */
export function fieldsText(fields: Fields | null): string {
  if (fields === null) return ''
  let text = '{'
  for (const path in fields) {
    const name = plainName.test(path) ? `"${path}"` : JSON.stringify(path)
    text += `${text.length > 1 ? ',' : ''}${name}:${valueText(fields[path] as FieldValue)}`
  }
  return `${text}}`
}

/** Needs no escape. */
const plainName = /^[\w. :/-]*$/

function valueText(value: FieldValue): string {
  if (typeof value === 'bigint') return String(value)
  if (typeof value !== 'number') return JSON.stringify(value)
  if (Number.isSafeInteger(value)) return Object.is(value, -0) ? '-0' : String(value)
  if (!Number.isFinite(value)) throw new AppError('internal', `${value} is no value of a field`)
  const text = String(value)
  // Else it would be read back as a bigint.
  return text.includes('.') || text.includes('e') ? text : `${text}.0`
}

/** Throws `store_corrupt` when the text is none of `fieldsText`. */
export function parseFields(text: Uint8Array): Fields | null {
  if (text.length === 0) return null
  const leaves = readJson(text, 0, text.length, limits)
  if (typeof leaves !== 'object' || leaves.paths.some((path) => path === null) || text[0] !== brace)
    throw noFields()
  const fields = Object.create(null) as Fields
  for (const [leaf, path] of leaves.paths.entries()) {
    fields[path!] = leafValue(text, leaves.kinds[leaf]!, leaves.starts[leaf]!, leaves.ends[leaf]!)
  }
  return fields
}

const brace = 123

function noFields(): AppError {
  return new AppError('store_corrupt', 'cleaned fields are damaged: they are no object of scalars')
}

function leafValue(bytes: Uint8Array, kind: number, start: number, end: number): FieldValue {
  if (kind === leafKind.string) return stringText(bytes, start, end)
  const token = Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('latin1')
  if (token === 'null') throw noFields()
  if (kind === leafKind.word) return token === 'true'
  const value = Number(token)
  return Number.isSafeInteger(value) || /[.eE]/.test(token) ? value : BigInt(token)
}
