// What a rule says of single fields: type, unit, range, values that mean nothing, digits. A value that cannot be refuses the
// reading, unless the rule says otherwise.

import type { Fields, FieldValue } from '../../domain/reading.ts'
import { conversion, unitOf } from '../../domain/units.ts'
import { numberOf } from '../decode/scalar.ts'
import type { FieldSource } from './schema.ts'

export interface Refusal {
  field?: string
  reason: string
}

/** What the steps of a rule make of a record. */
export interface Draft {
  fields: Fields
  /** Field, unit, field, unit, … */
  units: string[] | null
  marks: string[] | null
  /** Whether a value differs from what the payload says. */
  isChanged: boolean
}

/** Changes the fields of `draft`; a refusal when a value cannot be. */
export type FieldStep = (draft: Draft) => Refusal | null

/** Throws `RangeError` saying what is wrong with the rule. */
export function compileFields(sources: Readonly<Record<string, FieldSource>>): FieldStep {
  const exact: [string, FieldCheck][] = []
  const patterns: [(name: string) => boolean, FieldCheck][] = []
  for (const [name, source] of Object.entries(sources)) {
    const check = compileField(name, source)
    if (name.includes('*')) patterns.push([globMatcher(name), check])
    else exact.push([name, check])
  }
  const known = new Map<string, FieldCheck | null>(exact.map(([name]) => [name, null]))
  /** The first pattern that fits a name; none for one that is named itself. */
  const patternOf = (name: string): FieldCheck | null => {
    const found = patterns.find(([fits]) => fits(name))?.[1] ?? null
    if (known.size < namesMax) known.set(name, found)
    return found
  }
  return (draft) => {
    for (const [name, check] of exact) {
      if (draft.fields[name] === undefined) continue
      const refusal = check(draft, name)
      if (refusal) return refusal
    }
    if (patterns.length === 0) return null
    for (const name in draft.fields) {
      const check = known.get(name)
      const refusal = (check === undefined ? patternOf(name) : check)?.(draft, name)
      if (refusal) return refusal
    }
    return null
  }
}

/** Names that are remembered; devices mostly send the same again. */
const namesMax = 10_000

/** Whether a name fits a pattern in which `*` is any text; each character is looked at once. */
export function globMatcher(pattern: string): (name: string) => boolean {
  const [first = '', ...rest] = pattern.split('*')
  const last = rest.pop()
  if (last === undefined) return (name) => name === pattern
  return (name) => {
    if (!name.startsWith(first)) return false
    let at = first.length
    for (const part of rest) {
      const found = name.indexOf(part, at)
      if (found === -1) return false
      at = found + part.length
    }
    return name.length - last.length >= at && name.endsWith(last)
  }
}

/** What is wrong with what a rule says of one field. */
export class FieldFault extends RangeError {
  readonly field: string

  constructor(field: string, message: string) {
    super(message)
    this.field = field
  }
}

type FieldCheck = (draft: Draft, name: string) => Refusal | null

function compileField(name: string, source: FieldSource): FieldCheck {
  const { type, min, max, round, on_range: policy = 'reject', unit_from: unitFrom } = source
  const missing = source.missing === undefined ? [] : [source.missing].flat()
  const unit = compileUnit(name, source.unit)
  if (min !== undefined && max !== undefined && min > max)
    throw new FieldFault(name, `min ${min} is above max ${max}; change them about`)
  const power = round === undefined ? 0 : 10 ** round
  const hasRange = min !== undefined || max !== undefined
  return (draft, field) => {
    const { fields } = draft
    const raw = fields[field] as FieldValue
    if (missing.length > 0 && missing.includes(raw as never)) {
      delete fields[field]
      draft.isChanged = true
      return null
    }
    let value = type === undefined ? raw : cast(raw, type)
    if (value === null) return impossible(draft, field, policy, `is no ${type}`)
    if (typeof value === 'number') {
      if (unit) value = unit.convert(value)
      if (hasRange) {
        const limit = min !== undefined && value < min ? min : max !== undefined && value > max ? max : null
        if (limit !== null) {
          if (policy !== 'clamp') {
            return impossible(
              draft,
              field,
              policy,
              value < limit ? `is below min ${limit}` : `is above max ${limit}`,
            )
          }
          value = limit
          mark(draft, 'clamped')
        }
      }
      if (round !== undefined) value = Math.round(value * power) / power
    }
    if (value !== raw) {
      fields[field] = value
      draft.isChanged = true
    }
    const told = unitFrom === undefined ? undefined : fields[unitFrom]
    const named = (told === undefined ? null : unitOf(String(told))) ?? unit?.name ?? null
    if (named !== null) (draft.units ??= []).push(field, named)
    return null
  }
}

function impossible(draft: Draft, field: string, policy: string, reason: string): Refusal | null {
  if (policy === 'reject') return { field, reason }
  if (policy !== 'mark') {
    delete draft.fields[field]
    draft.isChanged = true
  }
  return mark(draft, policy === 'mark' ? 'out_of_range' : 'dropped')
}

function mark(draft: Draft, name: string): null {
  draft.marks ??= []
  if (!draft.marks.includes(name)) draft.marks.push(name)
  return null
}

function cast(value: FieldValue, type: NonNullable<FieldSource['type']>): FieldValue | null {
  if (type === 'text') return String(value)
  if (type === 'boolean') return toBoolean(value)
  const number = typeof value === 'string' ? textNumber(value.trim()) : value
  if (typeof number === 'boolean') return number ? 1 : 0
  if (number === null || (type === 'integer' && typeof number === 'number' && !Number.isInteger(number)))
    return null
  return number
}

/** A rule that asks for a number means that zeros in front are no name, a plus no phone, an e an exponent. */
function textNumber(text: string): FieldValue | null {
  return numberOf(text.replace(/^(?:\+|(-?))0*(?=\d)/, '$1').replace(/^(-?\d{1,20})[eE](?=\d{1,3}$)/, '$1e+'))
}

function toBoolean(value: FieldValue): boolean | null {
  if (typeof value === 'boolean') return value
  const text = String(value).toLowerCase()
  if (['1', 'on', 'true', 'yes', 'open', 'online'].includes(text)) return true
  return ['0', 'off', 'false', 'no', 'closed', 'offline'].includes(text) ? false : null
}

function compileUnit(
  name: string,
  text: string | undefined,
): { name: string; convert: (value: number) => number } | null {
  if (text === undefined) return null
  const [from = '', to] = text.split('->').map((part) => part.trim())
  if (to === undefined) {
    const [, one, other] = /^(\S+)\s*(?:\bto\b|=>|→|>)\s*(\S+)$/.exec(from) ?? []
    if (one !== undefined)
      throw new FieldFault(name, `"${from}" is no unit; to convert write "${one} -> ${other}"`)
    return { name: unitOf(from) ?? from, convert: (value) => value }
  }
  const convert = conversion(from, to)
  if (!convert) {
    const unknown = [from, to].filter((one) => unitOf(one) === null).map((one) => `"${one}"`)
    const why =
      unknown.length > 0 ? `${unknown.join(' and ')} is no unit known here` : 'they measure different things'
    throw new FieldFault(name, `there is no conversion from "${from}" to "${to}": ${why}`)
  }
  return { name: unitOf(to) ?? to, convert }
}
