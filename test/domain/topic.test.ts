import fc from 'fast-check'
import { expect, test } from 'vitest'
import { filterFault, hasWildcard, matches, printable, topicFault } from '../../src/domain/topic.ts'

test.each([
  ['a/b', 'a/b', true],
  ['a/b', 'a/c', false],
  ['a/b', 'a/b/c', false],
  ['a/b/c', 'a/b', false],
  ['+', 'a', true],
  ['+', 'a/b', false],
  ['+/+', '/a', true],
  ['/+', '/a', true],
  ['+', '/a', false],
  ['a/+', 'a/', true],
  ['a/+', 'a', false],
  ['a/+/c', 'a//c', true],
  ['#', 'a/b/c', true],
  ['#', '/', true],
  ['a/#', 'a', true],
  ['a/#', 'a/', true],
  ['a/#', 'a/b/c', true],
  ['a/#', 'ab', false],
  ['+/#', 'a', true],
  ['a/+/#', 'a/b', true],
  ['a/+/#', 'a', false],
  ['#', '$SYS/a', false],
  ['+/a', '$SYS/a', false],
  ['$SYS/#', '$SYS/a', true],
  ['$SYS/#', '$SYS', true],
  ['a/$x', 'a/$x', true],
  ['+/$x', 'a/$x', true],
  ['/', '/', true],
  ['//', '//', true],
  ['//', '/', false],
])('the filter %s against the topic %s: %s', (filter, topic, expected) => {
  expect(matches(filter, topic)).toBe(expected)
})

const level = fc.constantFrom('', 'a', 'b', 'ab', '$x', 'ü')
const topic = fc
  .array(level, { minLength: 1, maxLength: 5 })
  .map((levels) => levels.join('/'))
  .filter((t) => t !== '')
const filter = fc
  .tuple(fc.array(fc.oneof(level, fc.constant('+')), { minLength: 1, maxLength: 5 }), fc.boolean())
  .map(([levels, hash]) => [...levels, ...(hash ? ['#'] : [])].join('/'))
  .filter((f) => f !== '')

/** The clauses of chapter 4.7 written as a regular expression: slow, and plainly right. */
function byExpression(f: string, t: string): boolean {
  if (t.startsWith('$') && /^[+#]/.test(f)) return false
  const escaped = f
    .split('/')
    .map((l) =>
      l === '+' ? '[^/]*' : l === '#' ? '#' : l.replaceAll(/[$^.*+?()[\]{}|\\]/g, String.raw`\$&`),
    )
    .join('/')
  const source = escaped === '#' ? '.*' : escaped.replace(/\/#$/, '(/.*)?')
  return new RegExp(`^${source}$`, 's').test(t)
}

test('matching agrees with the specification written as a regular expression', () => {
  fc.assert(
    fc.property(filter, topic, (f, t) => {
      expect(matches(f, t)).toBe(byExpression(f, t))
    }),
    { numRuns: 5000 },
  )
})

test('every topic matches itself', () => {
  fc.assert(fc.property(topic, (t) => matches(t, t)))
})

test.each(['', 'a\0b', 'a/+', '#', '\ud800', 'x'.repeat(65_536)])('%j is refused as a topic', (t) => {
  expect(topicFault(t)).not.toBeNull()
})

test.each(['a', '/', 'a//b', '$SYS/x', 'ünïcödé/😀', 'x'.repeat(65_535)])('%j is a topic', (t) => {
  expect(topicFault(t)).toBeNull()
})

test.each(['', 'a#', 'a/#/b', 'a+/b', '+a', '#/a', 'a\0', '\udfff'])('%j is refused as a filter', (f) => {
  expect(filterFault(f)).not.toBeNull()
})

test.each(['#', '+', 'a/+/b/#', '+/+', '/#', '/'])('%j is a filter', (f) => {
  expect(filterFault(f)).toBeNull()
})

test('only filters with a wildcard have one', () => {
  expect([hasWildcard('a/b'), hasWildcard('a/+'), hasWildcard('#')]).toEqual([false, true, true])
})

test('control and direction characters are shown as escapes', () => {
  expect(printable('a\n\u202eb\0')).toBe(String.raw`a\u000a\u202eb\u0000`)
})
