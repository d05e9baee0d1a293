// What the parser says of texts that are no PromQL, and that it says so at once.

import { expect, test } from 'vitest'
import { formatPromql } from '../../../src/query/promql/format.ts'
import { parsePromql } from '../../../src/query/promql/parse.ts'

test.each([
  ['sum(', 'the query ends too soon'],
  ['a b', 'parse error at character 3: "b"'],
  ['1 + * 2', 'parse error at character 5: "* 2"'],
  ['a{b="c}', 'the query ends too soon'],
])('%s is refused where it goes wrong', (text, message) => {
  expect(() => parsePromql(text)).toThrow(message)
})

test.each([
  ['# of rooms\nsum(a)', 'sum(a)'],
  ['sum( # all\n a)', 'sum(a)'],
  ['a # left\n+ # and\n b # right', 'a + b'],
  ['a{b="#c"}', 'a{b="#c"}'],
  ['max_over_time(a[5m] # five\n)', 'max_over_time(a[5m])'],
  ['label_join(a, "b", # to\n "#", "c")', 'label_join(a, "b", "#", "c")'],
])('comments in %j are passed over', (text, formatted) => {
  expect(formatPromql(parsePromql(text))).toBe(formatted)
})

test('a text of nothing but faults costs no more than its first', () => {
  const texts = ['1h1h'.repeat(4999), 'a,'.repeat(9999), 'a[1m'.repeat(4000), 'by('.repeat(6000)]
  const started = process.cpuUsage()
  for (let n = 0; n < 20; n++)
    for (const text of texts) expect(() => parsePromql(text)).toThrow(/parse error/)
  // With recovery from each fault these took over twenty seconds.
  expect(process.cpuUsage(started).user).toBeLessThan(5_000_000)
})
