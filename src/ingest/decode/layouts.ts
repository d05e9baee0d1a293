// Devices send the same JSON with other values again and again: a layout is what stands around the values, learnt from one message
// and compared byte by byte with the next ones, whose values are then read where they stand. It answers what `decode` would, or
// nothing.

import type { Fields, FieldValue } from '../../domain/reading.ts'
import type { Decoded } from './decoded.ts'

interface Layout {
  /** Path of each leaf. */
  names: readonly string[]
  /** What stands before each leaf, and last what stands behind them all. */
  literals: readonly Uint8Array[]
}

export interface Layouts {
  /** The fields of a JSON object whose layout is known, from…to of `bytes`; else `null`. */
  read(bytes: Uint8Array, from?: number, to?: number): Fields | null
  /** The paths of all leaves, missing ones too, of the layout that was read last: the same list for the same layout. */
  readonly lastNames: readonly string[]
  /** Learns the layout of a payload from what `decode` has made of it. */
  learn(payload: Uint8Array, decoded: Decoded): void
}

/** A longer payload is decoded as ever. */
const bytesMax = 2048
const leavesMax = 64
/** Of one topic; a message that never comes again must not push out those that do. */
const layoutsMax = 4
/** So many that were learnt in vain, one after another, are enough. */
const vainMax = 64

export function createLayouts(): Layouts {
  const known: Layout[] = []
  let lastNames: readonly string[] = []
  let vain = 0
  const values: (FieldValue | undefined)[] = []
  return {
    get lastNames() {
      return lastNames
    },
    read(bytes, from = 0, to = bytes.length) {
      if (bytes[from] !== openBrace || to - from > bytesMax) return null
      for (const layout of known) {
        if (!readValues(layout, bytes, from, to, values)) continue
        vain = 0
        lastNames = layout.names
        return fieldsOf(layout, values)
      }
      return null
    },
    learn(payload, decoded) {
      if (vain >= vainMax || !isOrdinary(decoded) || payload[0] !== openBrace || payload.length > bytesMax)
        return
      vain++
      const layout = layoutOf(Buffer.from(payload).toString('latin1'))
      if (!layout || !readValues(layout, payload, 0, payload.length, values)) return
      // What is learnt has to say the same of the message it was learnt from.
      if (!isSame(fieldsOf(layout, values), decoded.records[0]?.fields)) return
      if (known.length >= layoutsMax) known.pop()
      known.unshift(layout)
    },
  }
}

function isOrdinary({ format, marks, records }: Decoded): boolean {
  return format === 'json' && marks.length === 0 && records.length === 1
}

function isSame(read: Fields | null, decoded: Fields | undefined): boolean {
  if (!read || !decoded) return false
  const [a, b] = [Object.entries(read), Object.entries(decoded)]
  return (
    a.length === b.length && a.every(([name, value], i) => name === b[i]?.[0] && Object.is(value, b[i]?.[1]))
  )
}

/** Objects without a prototype's members that need no dictionary of their own, which costs more than all values of a message. */
const Bare = function bare() {} as unknown as new () => Fields
Bare.prototype = Object.create(null)

function fieldsOf({ names }: Layout, values: readonly (FieldValue | undefined)[]): Fields | null {
  const fields = new Bare()
  let isEmpty = true
  for (let leaf = 0; leaf < names.length; leaf++) {
    const value = values[leaf]
    if (value === undefined) continue
    fields[names[leaf] as string] = value
    isEmpty = false
  }
  return isEmpty ? null : fields
}

/** Reads the values into `values`, `undefined` for one that is missing; false when there is another layout. */
function readValues(
  { literals, names }: Layout,
  bytes: Uint8Array,
  from: number,
  to: number,
  values: (FieldValue | undefined)[],
): boolean {
  let at = from
  for (let leaf = 0; leaf < names.length; leaf++) {
    at = behind(bytes, at, literals[leaf] as Uint8Array)
    if (at < 0) return false
    at = readValue(bytes, at, values, leaf)
    if (at < 0 || at > to) return false
  }
  return behind(bytes, at, literals[names.length] as Uint8Array) === to
}

/** Where `literal` ends, or -1 when something else stands there. */
function behind(payload: Uint8Array, from: number, literal: Uint8Array): number {
  const { length } = literal
  for (let i = 0; i < length; i++) if (payload[from + i] !== literal[i]) return -1
  return from + length
}

/** Where the value ends that begins `at`, or -1 when it is none of those read here. */
function readValue(
  payload: Uint8Array,
  at: number,
  values: (FieldValue | undefined)[],
  leaf: number,
): number {
  const first = payload[at] ?? 0
  if (first === quote) return readString(payload, at + 1, values, leaf)
  if (first === minus || (first >= zero && first <= nine)) return readNumber(payload, at, values, leaf)
  const word = first === 0x74 ? words.true : first === 0x66 ? words.false : first === 0x6e ? words.null : null
  const end = word ? behind(payload, at, word) : -1
  if (end >= 0) values[leaf] = word === words.null ? undefined : word === words.true
  return end
}

/** Up to so many digits a number and a power of ten are exact doubles, and so is what they come to [Clinger 1990]. */
const digitsMax = 15
const powers = Array.from({ length: digitsMax + 1 }, (_, power) => 10 ** power)

function readNumber(
  payload: Uint8Array,
  from: number,
  values: (FieldValue | undefined)[],
  leaf: number,
): number {
  const isNegative = payload[from] === minus
  const start = isNegative ? from + 1 : from
  let at = start
  let value = 0
  let code = payload[at] ?? 0
  while (code >= zero && code <= nine) {
    value = value * 10 + (code - zero)
    code = payload[++at] ?? 0
  }
  let digits = at - start
  // JSON has no number without a digit or with zeros in front.
  if (digits === 0 || (digits > 1 && payload[start] === zero)) return -1
  if (code === point) {
    const decimals = ++at
    code = payload[at] ?? 0
    while (code >= zero && code <= nine) {
      value = value * 10 + (code - zero)
      code = payload[++at] ?? 0
    }
    const places = at - decimals
    digits += places
    if (places === 0 || digits > digitsMax) return -1
    value /= powers[places] as number
  } else if (digits > digitsMax) return -1
  values[leaf] = isNegative ? -value : value
  return at
}

function readString(
  payload: Uint8Array,
  from: number,
  values: (FieldValue | undefined)[],
  leaf: number,
): number {
  let at = from
  let code = payload[at] ?? 0
  // Plain ASCII: what is escaped or longer than a byte is decoded as ever.
  while (code !== quote) {
    if (code < 0x20 || code > 0x7e || code === backslash) return -1
    code = payload[++at] ?? 0
  }
  const text = Buffer.from(payload.buffer, payload.byteOffset + from, at - from).toString('latin1')
  // "NaN" may be a number that is none.
  if (text.length <= 4 && /nan$/i.test(text)) return -1
  values[leaf] = text
  return at + 1
}

const token = /"([ !#-[\]-~]*)"|-?\d[\d.]*|true|false|null|[{}[\],:]|[ \t\r\n]+/y

/** The layout of a JSON text; `null` when it has none that is sure to mean the same in another message. */
function layoutOf(text: string): Layout | null {
  const names: string[] = []
  const literals: Uint8Array[] = []
  const open: { keys: Set<string> | null; key: string; count: number }[] = []
  let literalFrom = 0
  token.lastIndex = 0
  let isKey = false
  for (let from = 0; from < text.length; from = token.lastIndex) {
    const found = token.exec(text)
    if (!found) return null
    const [part] = found
    const top = open.at(-1)
    if (part === '{' || part === '[') {
      open.push({ keys: part === '{' ? new Set() : null, key: '', count: 0 })
      isKey = part === '{'
    } else if (part === '}' || part === ']') {
      open.pop()
    } else if (part === ',') {
      if (!top) return null
      top.count++
      isKey = top.keys !== null
    } else if (part === ':') {
      isKey = false
    } else if (isKey && top?.keys && found[1] !== undefined) {
      // Names that look like numbers come before all others, whatever their place.
      if (top.keys.has(found[1]) || /^\d/.test(found[1])) return null
      top.keys.add(found[1])
      top.key = found[1]
    } else if (part.trim() !== '') {
      if (names.length === leavesMax) return null
      names.push(open.map(({ keys, key, count }) => (keys ? key : String(count))).join('.'))
      literals.push(Buffer.from(text.slice(literalFrom, from), 'latin1'))
      literalFrom = token.lastIndex
    }
  }
  literals.push(Buffer.from(text.slice(literalFrom), 'latin1'))
  return names.length > 0 && new Set(names).size === names.length ? { names, literals } : null
}

const quote = 34
const minus = 45
const point = 46
const zero = 48
const nine = 57
const backslash = 92
const openBrace = 123
const words = { true: Buffer.from('true'), false: Buffer.from('false'), null: Buffer.from('null') }
