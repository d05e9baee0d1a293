// Compares a payload with a shape, byte by byte, and notes where its leaves lie and what its numbers are. This is the
// inner loop of encoding and of scanning hot rows; it accepts exactly what is JSON and of that shape.

import { digitsEnd, leafKind, stringEnd, wordEnd } from './json.ts'
import type { Shape } from './shape.ts'

/** A number that is no plain decimal of up to 15 digits: it has an exponent, more digits, or is minus zero. */
export const oddNumber = 255

/** The leaves of the payload matched last. */
export interface Tokens {
  starts: Uint32Array
  ends: Uint32Array
  /** Digits of a plain decimal as an integer; a word's place in `words`. */
  mantissas: Float64Array
  /** How many of the digits stand after the point; `oddNumber` when it is no plain decimal. */
  decimals: Uint8Array
}

export function createTokens(leavesMax: number): Tokens {
  return {
    starts: new Uint32Array(leavesMax),
    ends: new Uint32Array(leavesMax),
    mantissas: new Float64Array(leavesMax),
    decimals: new Uint8Array(leavesMax),
  }
}

/** Whether bytes[start…end) is of this shape; then `tokens` holds its leaves. */
export function matchShape(
  shape: Shape,
  bytes: Uint8Array,
  start: number,
  end: number,
  tokens: Tokens,
): boolean {
  const { literals, literalEnds, kinds } = shape
  const leaves = kinds.length
  let at = start
  let from = 0
  for (let leaf = 0; leaf <= leaves; leaf++) {
    const to = literalEnds[leaf]!
    if (at + (to - from) > end) return false
    for (; from < to; from++) if (bytes[at++] !== literals[from]) return false
    if (leaf === leaves) return at === end
    tokens.starts[leaf] = at
    const kind = kinds[leaf]
    if (kind === leafKind.number) at = matchNumber(bytes, at, end, leaf, tokens)
    else if (kind === leafKind.string) at = stringEnd(bytes, at, end)
    else at = matchWord(bytes, at, end, leaf, tokens)
    if (at < 0) return false
    tokens.ends[leaf] = at
  }
  return false
}

/** Where the number ends, or -1 when there is none. */
function matchNumber(bytes: Uint8Array, start: number, end: number, leaf: number, tokens: Tokens): number {
  let at = start
  let c = at < end ? bytes[at]! : 0
  const isNegative = c === 45
  if (isNegative) c = ++at < end ? bytes[at]! : 0
  const whole = at
  let mantissa = 0
  while (c >= 48 && c <= 57) {
    mantissa = mantissa * 10 + (c - 48)
    c = ++at < end ? bytes[at]! : 0
  }
  let digits = at - whole
  if (digits === 0 || (digits > 1 && bytes[whole] === 48)) return -1
  let decimals = 0
  if (c === 46) {
    const fraction = ++at
    c = at < end ? bytes[at]! : 0
    while (c >= 48 && c <= 57) {
      mantissa = mantissa * 10 + (c - 48)
      c = ++at < end ? bytes[at]! : 0
    }
    decimals = at - fraction
    if (decimals === 0) return -1
    digits += decimals
  }
  let isOdd = digits > 15 || (isNegative && mantissa === 0)
  if (c === 101 || c === 69) {
    c = ++at < end ? bytes[at]! : 0
    if (c === 43 || c === 45) at++
    const exponent = at
    at = digitsEnd(bytes, at, end)
    if (at === exponent) return -1
    isOdd = true
  }
  tokens.mantissas[leaf] = isNegative && mantissa !== 0 ? -mantissa : mantissa
  tokens.decimals[leaf] = isOdd ? oddNumber : decimals
  return at
}

function matchWord(bytes: Uint8Array, start: number, end: number, leaf: number, tokens: Tokens): number {
  const to = wordEnd(bytes, start, end)
  // The words differ in their first letter: f, t, n.
  const first = bytes[start]
  tokens.mantissas[leaf] = first === 102 ? 0 : first === 116 ? 1 : 2
  return to
}

/** Powers of ten that a double holds exactly, as far as plain decimals need them. */
export const powersOfTen = Float64Array.from({ length: 16 }, (_, exponent) => 10 ** exponent)

/** The number of leaf `leaf`, correctly rounded; may be infinite, as 1e400 is to JSON.parse. */
export function tokenNumber(tokens: Tokens, leaf: number, bytes: Uint8Array): number {
  const decimals = tokens.decimals[leaf]!
  if (decimals !== oddNumber) return tokens.mantissas[leaf]! / powersOfTen[decimals]!
  const start = tokens.starts[leaf]!
  return Number(
    Buffer.from(bytes.buffer, bytes.byteOffset + start, tokens.ends[leaf]! - start).toString('latin1'),
  )
}
