// JSON within JSON: gateways put a device's message into a text of their own (`"payload":"{\"t\":21}"`). Its leaves are read below that
// text, which stays as it is. One level deep, and only where the whole text is one JSON object or list of such.

import type { Fields, FieldValue } from '../../domain/reading.ts'
import { type Decoded, type DecodedRecord, Leaves, leavesMax, TooLarge } from '../decode/decoded.ts'
import { readJson } from '../decode/json.ts'
import { globMatcher } from './fieldStep.ts'

/** The message with what such texts say; `null` where it holds none. */
export type ParsedJson = (decoded: Decoded) => Decoded | null

/** `patterns`: which fields may hold JSON. */
export function compileParsedJson(patterns: readonly string[]): ParsedJson {
  const matchers = patterns.map(globMatcher)
  const mayHold = (name: string, value: FieldValue): value is string =>
    typeof value === 'string' && isDocument(value) && matchers.some((fits) => fits(name))
  return (decoded) => {
    if (decoded.format !== 'json' && decoded.format !== 'json-lines') return null
    if (!decoded.records.some((record) => holdsAny(record, mayHold))) return null
    let isRead = false
    const records = decoded.records.map((record) => {
      const fields = withDocuments(record, mayHold)
      isRead ||= fields !== null
      return fields ? { ...record, fields } : record
    })
    return isRead ? { ...decoded, records } : null
  }
}

function holdsAny(
  { fields }: DecodedRecord,
  mayHold: (name: string, value: FieldValue) => value is string,
): boolean {
  for (const name in fields) if (mayHold(name, fields[name] as FieldValue)) return true
  return false
}

/** By its first and last characters; a template (`{{ value }}`) is none. */
function isDocument(text: string): boolean {
  return /^\s{0,8}(?:\{\s{0,8}"|\[\s{0,8}\{)/.test(text) && /[}\]]\s{0,8}$/.test(text.slice(-9))
}

function withDocuments(
  { fields }: DecodedRecord,
  mayHold: (name: string, value: FieldValue) => value is string,
): Fields | null {
  let made: Fields | null = null
  let count = 0
  for (const _ in fields) count++
  for (const name in fields) {
    const value = fields[name] as FieldValue
    const leaves = mayHold(name, value) ? leavesOf(name, value) : null
    if (!leaves) continue
    made ??= copyOf(fields)
    for (const path in leaves) {
      // What the message says itself counts.
      if (path in fields) continue
      if (++count > leavesMax) return null
      made[path] = leaves[path] as FieldValue
    }
  }
  return made
}

/** The leaves of a text that is JSON without a fault; `null` for any other. */
function leavesOf(name: string, text: string): Fields | null {
  try {
    const json = readJson(text.trim())
    if (!json || json.mended || json.truncated || json.documents.length !== 1) return null
    const leaves = new Leaves()
    leaves.setTree(json.documents[0], name)
    return leaves.decoded('json').records[0]?.fields ?? null
  } catch (error) {
    if (error instanceof TooLarge) return null
    throw error
  }
}

function copyOf(fields: Fields): Fields {
  const made = Object.create(null) as Fields
  for (const name in fields) made[name] = fields[name] as FieldValue
  return made
}
