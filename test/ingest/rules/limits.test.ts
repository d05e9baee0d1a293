// Rules that would hold everybody up, by what a message holds. Nothing is timed: without its limit such a rule does not come to its
// end within the patience of the runner, or fills the memory.

import { expect, test } from 'vitest'
import { compileSchema } from '../../../src/ingest/rules/ruleFiles.ts'
import { compileTransform } from '../../../src/ingest/rules/transform.ts'

const bytes = (value: unknown): Buffer => Buffer.from(JSON.stringify(value))
const none = Object.create(null) as Record<string, never>

test('a pattern of a schema takes time by the length of the text, whatever it says', () => {
  const check = compileSchema(
    () =>
      '{"properties":{"id":{"type":"string","pattern":"^(?:a+)+$"}},"patternProperties":{"^(?:x+)+y$":false}}',
    's.json',
  )
  expect(check(bytes({ id: 'aaa' }), none)).toBeNull()
  expect(check(bytes({ id: `${'a'.repeat(50_000)}!` }), none)).toMatchObject({ field: 'id' })
  expect(check(bytes({ ['x'.repeat(50_000)]: 1 }), none)).toBeNull()
})

test('a pattern of a schema that cannot be limited so is refused with the reason', () => {
  const look = (): unknown => compileSchema(() => '{"properties":{"id":{"pattern":"(?=a)b"}}}', 's.json')
  expect(look).toThrow('the pattern "(?=a)b"')
})

test('a schema that is no JSON is refused by its name', () => {
  expect(() => compileSchema(() => '{"a":', 's.json')).toThrow(/^"s\.json" is no JSON/)
})

test.each(['$pad(a, 1000000000)', '$pad(a, -n, "ab")', '$pad(a, $power(10, 12))'])(
  '%s is refused',
  async (expression) => {
    const made = await compileTransform(expression)(bytes({ a: 'x', n: 1e9 }), none)
    expect(made).toMatchObject({ refusal: { reason: 'transform: $pad to more than 10000 characters' } })
  },
)

test.each([
  '$formatNumber(1, p)',
  '$formatInteger(1, p)',
  '$parseInteger(a, p)',
  '$fromMillis(1, p)',
  '$toMillis(a, p)',
  '$fromMillis(1, "[Y,*-9999999]")',
  '$fromMillis(1, "[Y9999999,9999999-9999999]")',
])('%s with a picture that takes long is refused', async (expression) => {
  const made = await compileTransform(expression)(bytes({ a: 'x', p: '0'.repeat(100_000) }), none)
  expect(made).toMatchObject({
    refusal: {
      reason: expect.stringMatching(/^transform: \$\w+ with a picture of more than 256 characters/),
    },
  })
})

test.each<[string, unknown]>([
  ['$formatNumber(1234.5, "#,##0.00")', '1,234.50'],
  ['$fromMillis(0, "[Y0001]-[M01]-[D01]")', '1970-01-01'],
  ['$fromMillis(0, "[Y0001,4-4][M01]")', '197001'],
  ['$fromMillis(0)', '1970-01-01T00:00:00.000Z'],
  ['$toMillis("2026-11-24")', 1795478400000],
  ['$pad(a, 5)', 'x    '],
  ['$pad(a, -5, "01")', '0101x'],
  ['$pad("é€", 3, "☃")', 'é€☃'],
  ['$pad(a, 1)', 'x'],
  ['$pad(a, 5, "")', 'x    '],
])('%s is %j', async (expression, value) => {
  const made = await compileTransform(expression)(bytes({ a: 'x' }), none)
  expect({ ...('fields' in made ? made.fields : {}) }).toEqual({ value })
})

test('a text longer than a message may be is no result', async () => {
  const grown = '($f := function($s, $n) { $n = 0 ? $s : $f($s & $s, $n - 1) }; $f(a, 18))'
  const made = await compileTransform(grown)(bytes({ a: '12345678' }), none)
  expect(made).toEqual({ refusal: { reason: 'transform: its result is too large' } })
})

test('what JSONata notes on its sequences is no field', async () => {
  const made = await compileTransform('$spread($)')(bytes({ a: 1, b: 2 }), none)
  expect({ ...('fields' in made ? made.fields : {}) }).toEqual({ '0.a': 1, '1.b': 2 })
})
