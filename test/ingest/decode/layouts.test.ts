// A known layout says of a payload what decoding says, or nothing.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decode } from '../../../src/ingest/decode/decode.ts'
import { createLayouts } from '../../../src/ingest/decode/layouts.ts'

const decoded = (text: string) => decode(Buffer.from(text), { topic: 'a' })

/** What a topic that has had `first` says of `second`. */
function after(first: string, second: string): unknown {
  const layouts = createLayouts()
  layouts.learn(Buffer.from(first), decoded(first))
  const fields = layouts.read(Buffer.from(second))
  return fields && { ...fields }
}

test.each([
  ['{"t":1,"h":2}', '{"t":-21.5,"h":1013.25}', { t: -21.5, h: 1013.25 }],
  ['{"a":{"b":[1,{"c":"x"}]}}', '{"a":{"b":[2.5,{"c":"on"}]}}', { 'a.b.0': 2.5, 'a.b.1.c': 'on' }],
  ['{ "t": 1 }\n', '{ "t": true }\n', { t: true }],
  ['{"t":1,"h":null}', '{"t":null,"h":5}', { h: 5 }],
  ['{"t":1}', '{"t":-0}', { t: -0 }],
  ['{"t":1}', '{"t":999999999999999}', { t: 999999999999999 }],
  ['{"a":{},"b":[],"t":1}', '{"a":{},"b":[],"t":2}', { t: 2 }],
])('of a topic that has had %s, %s is known', (first, second, fields) => {
  expect(after(first, second)).toStrictEqual(fields)
})

test.each([
  ['{"t":1}', '{"h":1}'],
  ['{"t":1}', '{"t":1,"h":2}'],
  ['{"t":1}', '{"t":01}'],
  ['{"t":1}', '{"t":1.}'],
  ['{"t":1}', '{"t":1e3}'],
  ['{"t":1}', '{"t":9007199254740993}'],
  ['{"t":1}', '{"t":0.1234567890123456}'],
  ['{"t":1}', '{"t":nan}'],
  ['{"t":1}', '{"t":"NaN"}'],
  ['{"t":1}', '{"t":"a\\u0041"}'],
  ['{"t":1}', '{"t":"°C"}'],
  ['{"t":1}', '{"t":1'],
  ['{"t":1}', '{"t":null}'],
  ['{"t":1,"t":2}', '{"t":3,"t":4}'],
  ['{"a":{"b":null},"a":{"c":2}}', '{"a":{"b":1},"a":{"c":2}}'],
  ['{"b":1,"1":2}', '{"b":3,"1":4}'],
  ['{"a.b":1,"a":{"b":2}}', '{"a.b":3,"a":{"b":4}}'],
  ['{"a":1}\n{"a":2}', '{"a":3}\n{"a":4}'],
])('of a topic that has had %s, %s is decoded as ever', (first, second) => {
  expect(after(first, second)).toBeNull()
})

const key = fc.constantFrom('t', 'h', 'a', '__proto__', 'constructor', '1', 'é', 'a.b', '', 'toString')
const leaf = fc.oneof(
  fc.integer(),
  fc.double({ noNaN: true }),
  fc.integer({ min: -99999, max: 99999 }).map((value) => value / 100),
  fc.boolean(),
  fc.constant(null),
  fc.constantFrom('on', '', 'nan', 'x"y', '°C', '+NaN'),
)
const { value } = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    leaf,
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(key, tie('value'), { maxKeys: 4 }),
  ),
}))
const text = fc.dictionary(key, value, { maxKeys: 5 }).map((object) => JSON.stringify(object))
/** Messages of one layout: only digits and words differ. */
const like = fc
  .tuple(text, fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 8 }))
  .map(([one, digits]) => [
    one,
    ...digits.map((digit) => one.replaceAll(/(?<=[:[,])-?\d+/g, String(digit)).replaceAll('true', 'false')),
    one.replaceAll(/\d(?=[,}\]])/g, '$&5'),
  ])

test('whatever layouts came before, a payload is said to be what it is', () => {
  fc.assert(
    fc.property(fc.array(like, { maxLength: 4 }), (lists) => {
      const layouts = createLayouts()
      for (const one of lists.flat()) {
        const payload = Buffer.from(one)
        const whole = decode(payload, { topic: 'a' })
        const fields = layouts.read(payload)
        if (fields) {
          expect(whole).toMatchObject({ format: 'json', marks: [] })
          expect(Object.entries(fields)).toStrictEqual(Object.entries(whole.records[0]?.fields ?? {}))
        } else layouts.learn(payload, whole)
      }
    }),
    { numRuns: 500 },
  )
})
