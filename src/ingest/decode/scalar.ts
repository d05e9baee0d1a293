// A bare payload: a number, a number with a unit, or a word. What may be a name or a serial number stays text: a rule can
// make text a number, but nothing can bring back lost digits.

import type { FieldValue } from '../../domain/reading.ts'
import { unitOf } from '../../domain/units.ts'
import { type Decoded, Leaves, nothing } from './decoded.ts'

const textCharsMax = 1024
/** Also what printf of Windows (`-1.#IND`, `nan(ind)`) and Arduino (`ovf`) make of a number that is none. */
const missing =
  /^(?:[+-]?nan(?:\((?:ind|snan)\))?|[+-]?1\.#(?:ind|inf|qnan|snan)\d{0,9}|null|none|undef|undefined|ovf|[+-]?inf(?:inity)?)$/i
/** The same with the unit of the number it is not: `nan °C`. */
const missingAmount = /^[+-]?(?:nan|inf)(?:\s{1,4}|(?=[°%]))(\S{1,10})$/i
const withUnit = /^([+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)(\s*)([^\d\s.,;:+-][^\s]{0,9})$/

/** `text` is trimmed and is no JSON. */
export function decodeScalar(text: string): Decoded {
  const leaves = new Leaves()
  const number = text.length > textCharsMax ? null : numberOf(text)
  if (number !== null) {
    leaves.set('value', number)
    return leaves.decoded('scalar')
  }
  if (text === '' || isMissing(text)) return nothing('scalar')
  if (text.length > textCharsMax || /[^\P{Cc}\t\n\r]/u.test(text)) return nothing('text')
  // A number beyond a double is no value, and no text either.
  if (/^[+-]?\d+\.\d*[eE]/.test(text) && !Number.isFinite(Number(text))) return nothing('scalar')
  const amount = amountOf(text)
  if (amount) {
    leaves.set('value', amount.value)
    leaves.end({ time: null, units: { value: amount.unit } })
    return leaves.decoded('scalar')
  }
  leaves.set('value', text)
  return leaves.decoded('text')
}

/** The number and the unit a text is; `null` when it may be something else. */
export function amountOf(text: string): { value: number; unit: string } | null {
  const [, digits = '', space = '', sign = ''] = withUnit.exec(text) ?? []
  const unit = unitOf(sign)
  const value = numberOf(digits)
  // `1A` and `12F` may be hexadecimal, `3m` minutes, `4K` a size, `10t` anything; with a point they are not.
  const isPlain = space !== '' || digits.includes('.') || !/^[A-FKa-fmt]$/.test(sign)
  return unit !== null && typeof value === 'number' && isPlain ? { value, unit } : null
}

/** Whether a text stands for no number: `nan`, `null`, `-1.#IND`, `nan °C`. */
export function isMissing(text: string): boolean {
  if (missing.test(text)) return true
  const [, unit] = missingAmount.exec(text) ?? []
  return unit !== undefined && unitOf(unit) !== null
}

/** The number a text is, exactly; `null` when it is none or may as well be a name: with zeros in front, a phone number. */
export function numberOf(text: string): FieldValue | null {
  if (!/^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/.test(text) || /^[+-]?0\d+$/.test(text)) return null
  // 12E45 or 3e8 without a point or a sign is more often hexadecimal than a number.
  if (/^\d+[eE]\d+$/.test(text)) return null
  // E.164: a plus and up to 15 digits.
  if (/^\+[1-9]\d{9,14}$/.test(text)) return null
  // No counter has as many digits: those are the equipment's, or a card's.
  if (/^[+-]?\d{21,}$/.test(text)) return null
  const number = Number(text)
  if (/^[+-]?\d{16,}$/.test(text) && !Number.isSafeInteger(number)) return BigInt(text.replace('+', ''))
  return Number.isFinite(number) ? number : null
}
