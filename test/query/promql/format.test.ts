// PromQL laid out: as Prometheus 2.42 lays it out, and meaning what it meant.

import { expect, test } from 'vitest'
import { formatPromql } from '../../../src/query/promql/format.ts'
import { parsePromql } from '../../../src/query/promql/parse.ts'
import { expressions } from './expressions.ts'

const format = (text: string): string => formatPromql(parsePromql(text))

test.each([
  ['sum(t)by(topic)', 'sum by (topic) (t)'],
  ['{__name__="a b"}', '{__name__="a b"}'],
  ['x[90m]   offset -5m', 'x[1h30m] offset -5m'],
  ['x offset 8d', 'x offset 8d'],
  ['x offset 7d', 'x offset 1w'],
  ['x @ 1700000000.5', 'x @ 1700000000.500'],
  ['x*on(a)group_right(b,c)y', 'x * on (a) group_right (b, c) y'],
  ['x unless ignoring() y', 'x unless y'],
  ['-2^2', '-2 ^ 2'],
  ['1e-7', '1e-07'],
  ['x[5m:]', 'x[5m:]'],
  ["label_replace(x,'dst','$1','src','(.*)')", 'label_replace(x, "dst", "$1", "src", "(.*)")'],
  [
    'topk(5, sum without(instance)(rate(some_quite_long_metric_name_total{and="more",with="labels"}[5m])))',
    'topk(\n  5,\n  sum without (instance) (rate(some_quite_long_metric_name_total{and="more",with="labels"}[5m]))\n)',
  ],
  [
    'rate(requests_total{code=~"5..",instance="localhost:9090",job="prometheus"}[5m]) / on(instance) group_left(job) rate(requests_total{instance="localhost:9090"}[5m]) > bool 0.5',
    '    rate(requests_total{code=~"5..",instance="localhost:9090",job="prometheus"}[5m])\n  / on (instance) group_left (job)\n    rate(requests_total{instance="localhost:9090"}[5m])\n> bool\n  0.5',
  ],
])('%s is laid out as Prometheus does', (text, laidOut) => {
  expect(format(text)).toBe(laidOut)
})

test.each(expressions)('%s means the same when it is laid out', (text) => {
  const asked = tryParse(text)
  if (asked === null) return
  expect(parsePromql(formatPromql(asked))).toEqual(asked)
})

function tryParse(text: string) {
  try {
    return parsePromql(text)
  } catch {
    return null
  }
}
