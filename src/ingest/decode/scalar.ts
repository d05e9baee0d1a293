// A bare payload: a number, a number with a unit, or a word. What may be a name or a serial number stays text: a rule can
// make text a number, but nothing can bring back lost digits.

import type { FieldValue } from '../../domain/reading.ts'
import { unitOf } from '../../domain/units.ts'
import { type Decoded, Leaves, nothing } from './decoded.ts'

const textCharsMax = 1024
const missing = /^(?:[+-]?nan|null|none|undefined|[+-]?inf(?:inity)?)$/i
const withUnit = /^([+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)(\s*)([^\d\s.,;:+-][^\s]{0,9})$/

/** `text` is trimmed and is no JSON. */
export function decodeScalar(text: string): Decoded {
  if (text === '' || missing.test(text)) return nothing('scalar')
  if (text.length > textCharsMax || /[^\P{Cc}\t\n\r]/u.test(text)) return nothing('text')
  const leaves = new Leaves()
  const number = numberOf(text)
  if (number !== null) {
    leaves.set('value', number)
    return leaves.decoded('scalar')
  }
  // A number beyond a double is no value, and no text either.
  if (/^[+-]?\d+\.\d*[eE]/.test(text) && !Number.isFinite(Number(text))) return nothing('scalar')
  const [, digits = '', space = '', sign = ''] = withUnit.exec(text) ?? []
  const unit = unitOf(sign)
  const amount = numberOf(digits)
  // `1A` and `12F` may be hexadecimal; with a point they are not.
  const isPlain = space !== '' || digits.includes('.') || !/^[A-Fa-f]$/.test(sign)
  if (unit !== null && typeof amount === 'number' && isPlain) {
    leaves.set('value', amount)
    leaves.end({ time: null, units: { value: unit } })
    return leaves.decoded('scalar')
  }
  leaves.set('value', text)
  return leaves.decoded('text')
}

/** The number a text is, exactly; `null` when it is none or when zeros in front say that it may be a name. */
export function numberOf(text: string): FieldValue | null {
  if (!/^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/.test(text) || /^[+-]?0\d+$/.test(text)) return null
  // 12E45 without a point or a sign is more often hexadecimal than a number.
  if (/^\d+[eE]\d{2,}$/.test(text)) return null
  const number = Number(text)
  if (/^[+-]?\d{16,}$/.test(text) && !Number.isSafeInteger(number)) return BigInt(text.replace('+', ''))
  return Number.isFinite(number) ? number : null
}
