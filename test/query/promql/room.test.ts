// What an expression may hold in memory while it is worked out, and that one long series has its turns as many short ones have.

import { expect, test } from 'vitest'
import { encodeResult } from '../../../src/http/promText.ts'
import { evaluate, stepTimes } from '../../../src/query/promql/evaluate.ts'
import { parsePromql } from '../../../src/query/promql/parse.ts'
import { Room } from '../../../src/query/promql/room.ts'
import { sortedInTurns } from '../../../src/query/sorting.ts'
import type { Turns } from '../../../src/query/turns.ts'
import { stepsOf } from '../../../src/store/samples.ts'
import type { SeriesSamples, SeriesSteps, StepsQuery } from '../../../src/store/store.ts'

const cellsMax = 20_000
const always = (): Turns & { count: number } => {
  const turns = { isOver: true, count: 0, next: async () => void turns.count++ }
  return turns as unknown as Turns & { count: number }
}

/** `series` topics with a number each second; the number of each is its own. */
function evaluationOf({ steps, series = 1, room = cellsMax, turns = always() }: Asked) {
  const times = stepTimes(0, 1000, steps)
  const valuesOf = (n: number): Float64Array => times.map((time) => time + n / 1000)
  async function* samples(): AsyncGenerator<SeriesSamples[]> {
    const of = (n: number) => ({ topic: `t${n}`, field: 'm', tags: undefined, times, values: valuesOf(n) })
    yield Array.from({ length: series }, (_, n) => of(n))
  }
  async function* stepped({ at }: StepsQuery): AsyncGenerator<SeriesSteps[]> {
    const of = (n: number) => ({
      topic: `t${n}`,
      field: 'm',
      tags: undefined,
      values: at.map((time) => time + n / 1000),
    })
    yield Array.from({ length: series }, (_, n) => of(n))
  }
  const signal = new AbortController().signal
  const source = { samples, steps: stepped, mayRead: () => true, signal, turns, samplesMax: 1e7 }
  const [startMs, endMs] = [0, times.at(-1) ?? 0]
  return { source, times, startMs, endMs, lookbackMs: 300_000, subqueryStepMs: 60_000, room: new Room(room) }
}

interface Asked {
  steps: number
  series?: number
  room?: number
  turns?: Turns
}

const nested = (operand: string, times: number): string =>
  `${`${operand} + (`.repeat(times)}1${')'.repeat(times)}`

test.each([
  ['a series for each value', 'count_values("v", m)', { steps: 200 }],
  [
    'a series for each pair',
    'label_replace(m, "a", "$1", "topic", "(.*)") * on(topic) group_left(b) label_replace(m, "b", "$1", "topic", "(.*)") or count_values without(topic) ("v", m)',
    { steps: 100, series: 20 },
  ],
  ['operands that wait', `sum_over_time((${nested('time()', 60)})[1000s:1s])`, { steps: 1 }],
  ['series that are joined', `(${nested('m', 30)})`, { steps: 1000 }],
])('%s is bounded by limits.query_samples', async (_what, text, asked) => {
  await expect(evaluate(parsePromql(text), evaluationOf(asked))).rejects.toMatchObject({
    code: 'query_limit',
    message: expect.stringContaining('limits.query_samples'),
  })
})

test('labels that double with every call are refused before they are put together', async () => {
  let text = 'm'
  for (let n = 0; n < 40; n++)
    text = `label_replace(${text}, "a", "$1$1", "${n === 0 ? 'topic' : 'a'}", "(.*)")`
  const failed = evaluate(parsePromql(text), evaluationOf({ steps: 1 }))
  await expect(failed).rejects.toMatchObject({
    code: 'query_limit',
    message: expect.stringContaining('characters together'),
  })
  let joined = 'm'
  for (let n = 0; n < 40; n++) joined = `label_join(${joined}, "a", "", "topic", "a", "a")`
  await expect(evaluate(parsePromql(joined), evaluationOf({ steps: 1 }))).rejects.toMatchObject({
    code: 'query_limit',
  })
})

test('operands give their room back', async () => {
  const on = evaluationOf({ steps: 10_000 })
  await expect(evaluate(parsePromql('(m + m) + (m + m) + (m + m)'), on)).resolves.toMatchObject({
    type: 'vector',
  })
})

test.each([
  'max_over_time(m[1d:1s])',
  'quantile_over_time(0.5, m[1d])',
  'quantile_over_time(0.5, m[1d:1s])',
  'predict_linear(m[1m], 60)',
  'm * 2',
  'm + m',
  'clamp(m, 0, 1)',
  'hour(m)',
  'time() + time()',
])('%s of one series has many turns', async (text) => {
  const [few, many] = [always(), always()]
  await evaluate(parsePromql(text), evaluationOf({ steps: 100, room: 1e6, turns: few }))
  await evaluate(parsePromql(text), evaluationOf({ steps: 200_000, room: 1e6, turns: many }))
  expect(many.count).toBeGreaterThan(few.count + 2)
})

test.each(['rate', 'sum_over_time', 'stddev_over_time', 'deriv', 'changes'])(
  'windows of %s give way while they are worked out',
  (fn) => {
    const times = stepTimes(0, 1000, 10_000)
    const series = { topic: 't', field: 'm', tags: undefined, times, values: times.slice() }
    const at = stepTimes(9_000_000, 1000, 1000)
    const work = stepsOf(series, { at, lookbackMs: 1e9, over: { fn, samplesMax: 1e6 } })
    let moments = 0
    while (!work.next().done) moments++
    expect(moments).toBeGreaterThan(100)
  },
)

test('a quantile over windows that overlap is that of each window', async () => {
  const shuffled = (n: number): number => (n * 7919) % 503
  const times = stepTimes(0, 1000, 500)
  const values = times.map((_time, n) => (n % 97 === 0 ? Number.NaN : shuffled(n)))
  const on = evaluationOf({ steps: 500 })
  async function* samples(): AsyncGenerator<SeriesSamples[]> {
    yield [{ topic: 't', field: 'm', tags: undefined, times, values }]
  }
  const asked = { ...on, source: { ...on.source, samples } }
  const found = await evaluate(parsePromql('quantile_over_time(0.3, m[60s])'), asked)
  const [column] = found.type === 'vector' ? found.series : []
  for (let step = 0; step < 500; step++) {
    const inside = [...values.subarray(Math.max(0, step - 59), step + 1)].sort(
      (a, b) => Number(Number.isNaN(a)) - Number(Number.isNaN(b)) || a - b,
    )
    const rank = 0.3 * (inside.length - 1)
    const [lower, upper] = [Math.floor(rank), Math.min(inside.length - 1, Math.floor(rank) + 1)]
    const weight = rank - lower
    expect(column?.values[step]).toBe((inside[lower] ?? 0) * (1 - weight) + (inside[upper] ?? 0) * weight)
  }
})

test('one long series is written a part at a time, and whole', async () => {
  const times = stepTimes(0, 1000, 100_000)
  const turns = always()
  const pieces = await encodeResult(
    { type: 'matrix', series: [{ labels: { a: 'b' }, times, values: times }] },
    turns,
    ['{"data":', '}'],
  )
  expect(turns.count).toBeGreaterThan(10)
  const { data } = JSON.parse(String(Buffer.concat(pieces))) as {
    data: { result: { values: [number, string][] }[] }
  }
  expect(data.result).toHaveLength(1)
  expect(data.result[0]?.values).toHaveLength(100_000)
  expect(data.result[0]?.values[70_000]).toEqual([70_000, '70000000'])
})

test('what is sorted in turns is in order, and equal ones stay as they were', async () => {
  const list = Array.from({ length: 10_001 }, (_, at) => ({ at, key: (at * 7919) % 100 }))
  const sorted = await sortedInTurns(list, (a, b) => a.key - b.key, always())
  expect(sorted).toEqual(list.toSorted((a, b) => a.key - b.key))
  expect(await sortedInTurns([], () => 0, always())).toEqual([])
})
