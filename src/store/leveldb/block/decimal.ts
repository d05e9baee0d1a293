// Writes decimals the way JSON spells them: an integer at a scale, with an exact number of decimals or with no zero at
// the end of the fraction. Digit by digit into bytes; a string per number would cost most of reading a payload.

import { integerMax } from './integers.ts'

const minus = 45
const point = 46
const zero = 48

/** Bytes that a decimal takes at most: sign, 16 digits, point, leading zero. */
export const decimalBytesMax = 20

/** Writes `value` / 10^places with `decimals` ≤ `places` of them at `at`; gives where it ends. */
export function writeDecimal(
  target: Uint8Array,
  at: number,
  value: number,
  places: number,
  decimals: number,
): number {
  let digits = value
  for (let left = places - decimals; left > 0; left--) digits /= 10
  return writeDigits(target, at, digits, decimals)
}

/** The same without zeros at the end of the fraction, and without a point before nothing. */
export function writeShortDecimal(target: Uint8Array, at: number, value: number, places: number): number {
  let digits = value
  let decimals = places
  while (decimals > 0 && digits % 10 === 0) {
    digits /= 10
    decimals--
  }
  return writeDigits(target, at, digits, decimals)
}

function writeDigits(target: Uint8Array, from: number, value: number, decimals: number): number {
  let at = from
  let rest = value
  if (rest < 0) {
    target[at++] = minus
    rest = -rest
  }
  if (!(rest <= integerMax)) throw new RangeError('a number is larger than any that is written')
  const length = Math.max(digitCount(rest), decimals + 1)
  const end = at + length + (decimals > 0 ? 1 : 0)
  let to = end
  const fraction = end - decimals
  // Above 2^31 one step with doubles at a time; below, with integers, which is most of the time.
  while (rest >= 2147483648) {
    const tenth = Math.floor(rest / 10)
    to = writeDigit(target, to, rest - tenth * 10, fraction, decimals)
    rest = tenth
  }
  let small = rest | 0
  while (to > at) {
    const tenth = (small / 10) | 0
    to = writeDigit(target, to, small - tenth * 10, fraction, decimals)
    small = tenth
  }
  return end
}

function writeDigit(
  target: Uint8Array,
  to: number,
  digit: number,
  fraction: number,
  decimals: number,
): number {
  let place = to - 1
  target[place] = zero + digit
  if (decimals > 0 && place === fraction) target[--place] = point
  return place
}

function digitCount(value: number): number {
  if (value < 10) return 1
  if (value < 100) return 2
  if (value < 1000) return 3
  if (value < 10_000) return 4
  let count = 4
  for (let limit = 10_000; value >= limit; limit *= 10) count++
  return count
}
