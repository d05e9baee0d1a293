// Rows and JSON texts for the tests of the block codec: spelled in every way the grammar allows, and in some it does not.

import fc from 'fast-check'
import type { Rows, Texts } from '../../../../src/store/leveldb/block/rows.ts'

export interface RowOptions {
  times?: readonly number[]
  seqs?: readonly number[]
  receivedAt?: readonly number[]
  metas?: readonly number[]
  /** Texts of cleaned fields, empty for none. */
  fields?: readonly string[]
}

const start = 1_764_000_000_000

/** Rows with these payloads, ten seconds apart unless told otherwise. */
export function makeRows(payloads: readonly (string | Uint8Array)[], options: RowOptions = {}): Rows {
  const count = payloads.length
  const column = (values: readonly number[] | undefined, value: (row: number) => number): Float64Array =>
    Float64Array.from({ length: count }, (_, row) => values?.[row] ?? value(row))
  const times = column(options.times, (row) => start + row * 10_000)
  return {
    count,
    times,
    seqs: column(options.seqs, (row) => 1 + row),
    receivedAt: column(options.receivedAt, (row) => times[row]!),
    metas: Uint32Array.from({ length: count }, (_, row) => options.metas?.[row] ?? 7),
    ...makeTexts(payloads),
    fields: options.fields ? makeTexts(options.fields) : null,
  }
}

function makeTexts(texts: readonly (string | Uint8Array)[]): Texts {
  const buffers = texts.map((text) => Buffer.from(text as string))
  const lengths = Uint32Array.from(buffers, (bytes) => bytes.length)
  const offsets = new Uint32Array(buffers.length)
  for (let row = 1; row < buffers.length; row++) offsets[row] = offsets[row - 1]! + lengths[row - 1]!
  return { bytes: Buffer.concat(buffers), offsets, lengths }
}

/** Text `row` of `texts`. */
export function textOf({ bytes, offsets, lengths }: Texts, row: number): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset + offsets[row]!, lengths[row]!)
}

const named: Record<string, number> = { '"': 34, '\\': 92, '/': 47, b: 8, f: 12, n: 10, r: 13, t: 9 }
const isStandIn = /[\ue000-\ue07f]/

/** Valid JSON without escapes: Node 24.21 takes some escaped keys for others. Private characters stand for what needs one. */
function withoutEscapes(text: string): string {
  return text.replace(/\\(?:u([0-9a-f]{4})|([^]))/gi, (_token, hex: string | undefined, name: string) => {
    const code = hex === undefined ? (named[name] ?? 0) : Number.parseInt(hex, 16)
    return String.fromCharCode(code < 0x20 || code === 34 || code === 92 ? 0xe000 + code : code)
  })
}

const restored = (text: string): string =>
  text.replace(/[\ue000-\ue07f]/g, (sign) => String.fromCharCode(sign.charCodeAt(0) - 0xe000))

/** What a walk over JSON.parse's result says: path → scalar; of equal paths the last. `null` for what is no JSON. */
export function leavesByParse(payload: Uint8Array): Map<string, unknown> | null {
  let root: unknown
  const text = Buffer.from(payload).toString()
  const isPlain = isStandIn.test(text)
  try {
    JSON.parse(text)
    root = JSON.parse(isPlain ? text : withoutEscapes(text))
  } catch {
    return null
  }
  const leaves = new Map<string, unknown>()
  const shown = (value: unknown): unknown => (isPlain || typeof value !== 'string' ? value : restored(value))
  const walk = (value: unknown, path: readonly string[]): void => {
    if (typeof value !== 'object' || value === null)
      leaves.set(path.length === 0 ? 'value' : path.join('.'), shown(value))
    else
      for (const key of Object.keys(value))
        walk((value as Record<string, unknown>)[key], [...path, String(shown(key))])
  }
  walk(root, [])
  return leaves
}

export function numberByParse(payload: Uint8Array, path: string): number {
  const value = leavesByParse(payload)?.get(path)
  return typeof value === 'number' && Number.isFinite(value) ? value : Number.NaN
}

const blank = fc.constantFrom('', '', '', ' ', '\n', '\t ', '\r\n  ')

/** Numbers as devices spell them, and as nobody should. */
export const numberText = fc.oneof(
  fc.integer({ min: -1000, max: 1000 }).map((value) => String(value / 10)),
  fc
    .tuple(fc.integer({ min: -99_999, max: 99_999 }), fc.nat(6))
    .map(([value, places]) => (value / 100).toFixed(places)),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
  fc.constantFrom(
    '-0',
    '0',
    '-0.0',
    '1E5',
    '1e-7',
    '40.0',
    '1e400',
    '-1e400',
    '1e-400',
    '0.10',
    '0e0',
    '2.50e+1',
  ),
  fc.constantFrom('9007199254740993', '123456789012345678901234567890', '-99999999999999', '999999999999999'),
  fc.constantFrom('0.000000000000001', '0.1234567890123456789', '4503599627370496', '-9007199254740991'),
)

const stringInner = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 8 }).map((text) => JSON.stringify(text).slice(1, -1)),
  fc.constantFrom(
    '',
    'ON',
    'é',
    '\\u00e9',
    '\\ud83d\\ude00',
    '\\"',
    '\\\\',
    '\\/',
    '😀',
    '{"a":1}',
    '\\ud800',
  ),
)

const key = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom('a', 'b', 'temperature', 'humidity') },
  {
    weight: 2,
    arbitrary: fc.constantFrom('', '0', '10', 'a.b', '__proto__', 'constructor', ' ', '\\u0061', 'switch:0'),
  },
  { weight: 1, arbitrary: stringInner },
)

/** Valid JSON with odd white space, repeated and dotted keys, escapes and every spelling of numbers. */
export const jsonText: fc.Arbitrary<string> = fc.letrec<{ value: string; object: string; array: string }>(
  (tie) => ({
    value: fc.oneof(
      { maxDepth: 4, depthSize: 'small' },
      fc.oneof(
        numberText,
        stringInner.map((inner) => `"${inner}"`),
        fc.constantFrom('true', 'false', 'null'),
      ),
      tie('object'),
      tie('array'),
    ),
    object: fc
      .array(fc.tuple(blank, key, blank, blank, tie('value'), blank), { maxLength: 5 })
      .map((members) => `{${members.map(([a, k, b, c, v, d]) => `${a}"${k}"${b}:${c}${v}${d}`).join(',')}}`),
    array: fc
      .array(fc.tuple(blank, tie('value'), blank), { maxLength: 4 })
      .map((items) => `[${items.map(([a, v, b]) => a + v + b).join(',')}]`),
  }),
).value

/** Objects and arrays within each other whose few keys come again and again, plain and escaped. */
export const repeatingKeys: fc.Arbitrary<string> = fc.letrec<{
  value: string
  object: string
  array: string
}>((tie) => ({
  value: fc.oneof(
    { maxDepth: 5, depthSize: 'small' },
    fc.constantFrom('0', '1.5', '"x"', 'null'),
    tie('object'),
    tie('array'),
  ),
  object: fc
    .array(fc.tuple(blank, fc.constantFrom('a', '\\u0061', 'b', '0', '\\u0030', '', 'a.0'), tie('value')), {
      maxLength: 5,
    })
    .map((members) => `{${members.map(([space, k, value]) => `${space}"${k}":${value}`).join(',')}}`),
  array: fc.array(tie('value'), { maxLength: 3 }).map((items) => `[${items.join(',')}]`),
})).value

/** JSON, nearly JSON, text and noise. */
export const anyPayload: fc.Arbitrary<Uint8Array> = fc.oneof(
  { weight: 5, arbitrary: fc.tuple(blank, jsonText, blank).map((parts) => Buffer.from(parts.join(''))) },
  {
    weight: 2,
    arbitrary: fc.tuple(jsonText, fc.nat(60)).map(([text, cut]) => Buffer.from(text).subarray(0, cut)),
  },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 40 }) },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom('', 'ON', 'nan', '01', '+1', '1.', '.5', '"\t"', '"\\x"', '{"a":tru}', '[1,]')
      .map((t) => Buffer.from(t)),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom('\ufeff{"a":1}', '{"a":1}\0', '{"a":1}}').map((text) => Buffer.from(text)),
  },
  { weight: 1, arbitrary: fc.constant(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])) },
)

/** Payloads of one topic: a few layouts whose values change, with anything in between. */
export const topicPayloads: fc.Arbitrary<Uint8Array[]> = fc
  .tuple(
    fc.array(anyPayload, { minLength: 1, maxLength: 6 }),
    fc.array(fc.tuple(fc.nat(99), numberText, stringInner, fc.constantFrom('true', 'false', 'null')), {
      minLength: 1,
      maxLength: 120,
    }),
  )
  .map(([odd, rows]) =>
    rows.map(([pick, number, inner, word]) => {
      if (pick < 50) return Buffer.from(`{"temperature":${number}, "b":{"s":"${inner}","ok":${word}}}`)
      if (pick < 75) return Buffer.from(`{"temperature":${(pick / 10).toFixed(pick % 3)}}`)
      if (pick < 80) return Buffer.from(number)
      return odd[pick % odd.length]!
    }),
  )
