import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Fields, FieldValue } from '../../../../src/domain/reading.ts'
import { fieldsText, parseFields } from '../../../../src/store/leveldb/block/fields.ts'

const value: fc.Arbitrary<FieldValue> = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.integer(),
  fc.boolean(),
  fc.string({ unit: 'binary' }),
  fc.bigInt({ min: 2n ** 53n, max: 10n ** 40n }),
  fc.bigInt({ min: -(10n ** 40n), max: -(2n ** 53n) }),
  fc.constantFrom(-0, 1e21, 1e20, 2 ** 53, -(2 ** 60), 5e-324, '\ud800', '"\\'),
)

test('fields come back with every value and type', () => {
  const fields = fc.dictionary(
    fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('a.b', '', '__proto__')),
    value,
  )
  fc.assert(
    fc.property(fields, (entries) => {
      const given = Object.assign(Object.create(null) as Fields, entries)
      const back = parseFields(Buffer.from(fieldsText(given)))
      expect(Object.keys(back ?? {})).toEqual(Object.keys(given))
      for (const [path, expected] of Object.entries(given)) expect(back?.[path]).toBe(expected)
    }),
    { numRuns: 1000 },
  )
})

test('no fields are no text, and an empty set of them is another thing', () => {
  expect(fieldsText(null)).toBe('')
  expect(parseFields(new Uint8Array(0))).toBeNull()
  expect(Object.keys(parseFields(Buffer.from(fieldsText({}))) ?? { none: 1 })).toEqual([])
})

test.each(['[1]', '5', '{"a":null}', '{"a":{"b":1}}', '{"a":1', 'x'])('%s is no text of fields', (text) => {
  expect(() => parseFields(Buffer.from(text))).toThrow(/damaged/)
})
