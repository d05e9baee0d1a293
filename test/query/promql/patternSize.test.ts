// The size of a regular expression is known before it is compiled, and what would hold everything up is refused.

import fc from 'fast-check'
import { RE2JS } from 're2js'
import { expect, test } from 'vitest'
import { compileRe2 } from '../../../src/query/promql/matchers.ts'
import { patternSize } from '../../../src/query/promql/patternSize.ts'

test.each([
  ['', 0],
  ['abc', 3],
  ['a{3}', 3],
  ['a{2,5}b', 6],
  ['a{0}b', 2],
  ['(ab){10}', 30],
  ['((a{10}){10}){10}', 1110],
  ['[^x]{0,1000}', 1000],
  ['[]a-z[:alpha:]]{7}', 7],
  [String.raw`\d{4}-\d{2}`, 7],
  [String.raw`\Qab{9}\E`, 9],
  [String.raw`\x{1000}+`, 1],
  ['a{,5}', 5],
  ['home/.*|kitchen', 14],
  ['((a', 1],
])('%j has the size %i', (pattern, size) => {
  expect(patternSize(pattern)).toBe(size)
})

test('no program is larger than what its pattern was said to be, but for what joins its parts', () => {
  const atom = fc.constantFrom('a', '.', '[^x]', String.raw`\d`, 'é', '[a-c]')
  const repeat = fc.constantFrom('', '', '*', '?', '+', '{3}', '{0,7}', '{2,}', '{12}')
  const pattern = fc.letrec<{ part: string; whole: string }>((tie) => ({
    part: fc.oneof(
      { maxDepth: 3 },
      fc.tuple(atom, repeat).map(([a, r]) => a + r),
      fc.tuple(tie('whole'), repeat).map(([w, r]) => `(${w})${r}`),
    ),
    whole: fc.oneof(
      { maxDepth: 3 },
      fc.array(tie('part'), { minLength: 1, maxLength: 4 }).map((parts) => parts.join('')),
      fc.tuple(tie('part'), tie('part')).map(([a, b]) => `${a}|${b}`),
    ),
  })).whole
  fc.assert(
    fc.property(pattern, (text) => {
      let program: RE2JS
      try {
        program = RE2JS.compile(text)
      } catch {
        return
      }
      // A group is two instructions, a star or a bar one more.
      expect(program.programSize()).toBeLessThanOrEqual(4 * patternSize(text) + 10)
    }),
  )
})

test.each([
  `(?:${'[^x]{0,1000}'.repeat(100)})z`,
  `(${'a'.repeat(1900)}){1000}`,
  `(${'ab'.repeat(50)}){1000}`,
  '((.{1,20}){1,20}){1,20}x',
])('%s is refused before it is compiled', (pattern) => {
  expect(() => compileRe2(pattern)).toThrow(/repeats/)
})

test.each([String.raw`(\w{1,63}\.){1,8}\w{2,63}`, 'home/.{0,1000}', `(${'kitchen|'.repeat(200)}hall)`])(
  '%s is not too large',
  (pattern) => {
    expect(() => compileRe2(pattern)).not.toThrow()
  },
)
