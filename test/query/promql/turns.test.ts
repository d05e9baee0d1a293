// Expressions over many series are worked out in turns: whoever waits for a broker is let in between any two series.

import { expect, test } from 'vitest'
import { evaluate } from '../../../src/query/promql/evaluate.ts'
import { parsePromql } from '../../../src/query/promql/parse.ts'
import { Room } from '../../../src/query/promql/room.ts'
import type { Turns } from '../../../src/query/turns.ts'
import type { SeriesSamples, SeriesSteps, StepsQuery } from '../../../src/store/store.ts'

const series = 40
const times = Float64Array.of(0, 60_000, 120_000)

test.each([
  'm * 2',
  'm > bool 2',
  '-m',
  'm + m',
  'm * on(topic) group_left m',
  'm and m',
  'm or m',
  'm unless m',
  'abs(m)',
  'clamp(m, 0, 1)',
  'scalar(m)',
  'absent(m)',
  'hour(m)',
  'label_replace(m, "a", "$1", "topic", "(.*)")',
  'label_join(m, "a", "-", "topic", "field")',
  'timestamp(m)',
  'sum by (topic) (m)',
  'sum without (field) (m)',
  'topk(2, m)',
  'count_values("v", m)',
  'max_over_time(m[2m:1m])',
  'rate(m[2m])',
  'quantile_over_time(0.5, m[2m])',
])('%s', async (text) => {
  let turned = 0
  const turns = { isOver: true, next: async () => void turned++ }
  const loading = await turnsOf('m')
  await evaluate(parsePromql(text), evaluationOf(turns as unknown as Turns))
  // Reading the series alone has its turns too.
  expect(turned).toBeGreaterThanOrEqual(loading + series)
})

async function turnsOf(text: string): Promise<number> {
  let turned = 0
  const turns = { isOver: true, next: async () => void turned++ }
  await evaluate(parsePromql(text), evaluationOf(turns as unknown as Turns))
  return turned
}

function evaluationOf(turns: Turns) {
  const signal = new AbortController().signal
  const [startMs, endMs] = [times[0] ?? 0, times.at(-1) ?? 0]
  const source = { samples, steps, mayRead: () => true, signal, turns, samplesMax: 1e6 }
  return { source, times, startMs, endMs, lookbackMs: 300_000, subqueryStepMs: 60_000, room: new Room(1e6) }
}

async function* samples(): AsyncGenerator<SeriesSamples[]> {
  yield Array.from({ length: series }, (_, n) => ({
    topic: `t${n}`,
    field: 'm',
    tags: undefined,
    times,
    values: Float64Array.of(n, n + 1, n + 2),
  }))
}

async function* steps({ at }: StepsQuery): AsyncGenerator<SeriesSteps[]> {
  yield Array.from({ length: series }, (_, n) => ({
    topic: `t${n}`,
    field: 'm',
    tags: undefined,
    values: new Float64Array(at.length).fill(n),
  }))
}
