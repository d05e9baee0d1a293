// JSON by the letter of RFC 8259, straight from bytes: where its scalar leaves lie and what their paths are. A leaf's
// path is its keys and array indices joined with dots, key text as it is; a bare scalar is `value`. As with JSON.parse,
// the last of several equal keys counts, and bytes that are no UTF-8 stand for U+FFFD.

export const leafKind = { number: 0, string: 1, word: 2 } as const

export type LeafKind = (typeof leafKind)[keyof typeof leafKind]

export interface JsonLimits {
  leavesMax: number
  depthMax: number
}

/** Leaves in the order of the text. */
export interface JsonLeaves {
  kinds: LeafKind[]
  /** Where each token begins; a string without its quotes. */
  starts: number[]
  ends: number[]
  /** `null` for a leaf that a later equal key or path hides. */
  paths: (string | null)[]
}

/** The path of a payload that is one bare scalar. */
export const barePath = 'value'

/** What an object or array holds: a leaf's number or another of them. No prototype, keys in the order of JavaScript. */
interface Node {
  [key: string]: number | Node
}

/** `invalid`: no JSON. `beyond`: more leaves or levels than asked for; what follows was not looked at. */
export type NoLeaves = 'invalid' | 'beyond'

/** The leaves of bytes[start…end). */
export function readJson(
  bytes: Uint8Array,
  start: number,
  end: number,
  limits: JsonLimits,
): JsonLeaves | NoLeaves {
  const leaves: JsonLeaves = { kinds: [], starts: [], ends: [], paths: [] }
  const stack: Frame[] = []
  let frame: Frame | null = null
  let root: number | Node = 0
  let at = skipBlank(bytes, start, end)
  for (;;) {
    const c = at < end ? bytes[at]! : 0
    if (c === brace || c === bracket) {
      if (stack.length >= limits.depthMax) return 'beyond'
      const node = Object.create(null) as Node
      if (frame) frame.node[frame.key] = node
      else root = node
      frame = { node, isArray: c === bracket, key: '', length: 0 }
      stack.push(frame)
      at = skipBlank(bytes, at + 1, end)
      if (bytes[at] !== closing(frame) || at >= end) {
        at = openMember(bytes, at, end, frame)
        if (at < 0) return 'invalid'
        continue
      }
    } else {
      if (leaves.kinds.length >= limits.leavesMax) return 'beyond'
      const next = readScalar(bytes, at, end, leaves)
      if (next < 0) return 'invalid'
      if (frame) frame.node[frame.key] = leaves.kinds.length - 1
      at = skipBlank(bytes, next, end)
    }
    // After a value: close what ends here, go on with what does not.
    while (frame && at < end && bytes[at] === closing(frame)) {
      stack.pop()
      frame = stack.at(-1) ?? null
      at = skipBlank(bytes, at + 1, end)
    }
    if (!frame) break
    if (at >= end || bytes[at] !== comma) return 'invalid'
    at = openMember(bytes, skipBlank(bytes, at + 1, end), end, frame)
    if (at < 0) return 'invalid'
  }
  if (at !== end) return 'invalid'
  leaves.paths = pathsOf(root, leaves.kinds.length)
  return leaves
}

interface Frame {
  node: Node
  isArray: boolean
  key: string
  length: number
}

const closing = (frame: Frame): number => (frame.isArray ? bracketEnd : braceEnd)

/** Reads the key before a value and gives where the value begins, or -1. */
function openMember(bytes: Uint8Array, from: number, end: number, frame: Frame): number {
  if (frame.isArray) {
    frame.key = String(frame.length++)
    return from
  }
  if (from >= end || bytes[from] !== quote) return -1
  const keyEnd = stringEnd(bytes, from + 1, end)
  if (keyEnd < 0) return -1
  frame.key = stringText(bytes, from + 1, keyEnd)
  const at = skipBlank(bytes, keyEnd + 1, end)
  if (at >= end || bytes[at] !== colon) return -1
  return skipBlank(bytes, at + 1, end)
}

function readScalar(bytes: Uint8Array, at: number, end: number, leaves: JsonLeaves): number {
  const isString = at < end && bytes[at] === quote
  let kind: LeafKind = leafKind.string
  let start = at + 1
  let tokenEnd = -1
  if (isString) tokenEnd = stringEnd(bytes, start, end)
  else {
    start = at
    tokenEnd = numberEnd(bytes, at, end)
    kind = leafKind.number
    if (tokenEnd < 0) {
      tokenEnd = wordEnd(bytes, at, end)
      kind = leafKind.word
    }
  }
  if (tokenEnd < 0) return -1
  leaves.kinds.push(kind)
  leaves.starts.push(start)
  leaves.ends.push(tokenEnd)
  return isString ? tokenEnd + 1 : tokenEnd
}

/** Walks as a walk over JSON.parse's result would go, so that the same leaf wins when paths meet. */
function pathsOf(root: number | Node, count: number): (string | null)[] {
  const paths: (string | null)[] = Array.from({ length: count }, () => null)
  if (typeof root === 'number') {
    if (count > 0) paths[0] = barePath
    return paths
  }
  const winners = new Map<string, number>()
  const walk = (node: Node, prefix: string): void => {
    for (const key of Object.keys(node)) {
      const child = node[key]!
      if (typeof child === 'number') winners.set(prefix + key, child)
      else walk(child, `${prefix}${key}.`)
    }
  }
  walk(root, '')
  for (const [path, leaf] of winners) paths[leaf] = path
  return paths
}

/** The text of a JSON string that lies, escapes and all, in bytes[start…end). */
export function stringText(bytes: Uint8Array, start: number, end: number): string {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString()
  return text.includes('\\') ? (JSON.parse(`"${text}"`) as string) : text
}

/** Where the closing quote stands, or -1. */
export function stringEnd(bytes: Uint8Array, from: number, end: number): number {
  for (let at = from; at < end; at++) {
    const c = bytes[at]!
    if (c === quote) return at
    if (c < blank) return -1
    if (c !== backslash) continue
    at++
    const escape = at < end ? bytes[at]! : 0
    if (escape === 117) {
      for (let digits = 0; digits < 4; digits++) if (++at >= end || !isHex(bytes[at]!)) return -1
    } else if (!isEscape(escape)) return -1
  }
  return -1
}

/** Where the number at `from` ends, or -1. */
function numberEnd(bytes: Uint8Array, from: number, end: number): number {
  let at = from
  if (at < end && bytes[at] === minus) at++
  const whole = at
  at = digitsEnd(bytes, at, end)
  if (at === whole || (at > whole + 1 && bytes[whole] === 48)) return -1
  if (at < end && bytes[at] === 46) {
    const fraction = at + 1
    at = digitsEnd(bytes, fraction, end)
    if (at === fraction) return -1
  }
  if (at < end && (bytes[at]! | 32) === 101) {
    at++
    if (at < end && (bytes[at] === minus || bytes[at] === 43)) at++
    const exponent = at
    at = digitsEnd(bytes, exponent, end)
    if (at === exponent) return -1
  }
  return at
}

export function digitsEnd(bytes: Uint8Array, from: number, end: number): number {
  let at = from
  while (at < end && bytes[at]! >= 48 && bytes[at]! <= 57) at++
  return at
}

/** The words of JSON; a word's place here is how a column of them stores it. */
export const words = ['false', 'true', 'null'].map((word) => Buffer.from(word))

/** Where `false`, `true` or `null` at `from` ends, or -1. */
export function wordEnd(bytes: Uint8Array, from: number, end: number): number {
  for (const word of words) {
    const to = from + word.length
    if (to > end) continue
    let at = 0
    while (at < word.length && bytes[from + at] === word[at]) at++
    if (at === word.length) return to
  }
  return -1
}

function skipBlank(bytes: Uint8Array, from: number, end: number): number {
  let at = from
  while (at < end && (bytes[at] === 32 || bytes[at] === 10 || bytes[at] === 13 || bytes[at] === 9)) at++
  return at
}

const isHex = (c: number): boolean => (c >= 48 && c <= 57) || ((c | 32) >= 97 && (c | 32) <= 102)
const isEscape = (c: number): boolean =>
  c === quote || c === backslash || c === 47 || c === 98 || c === 102 || c === 110 || c === 114 || c === 116

const blank = 32
const quote = 34
const comma = 44
const minus = 45
const colon = 58
const backslash = 92
const bracket = 91
const bracketEnd = 93
const brace = 123
const braceEnd = 125
