import fc from 'fast-check'
import { expect, test } from 'vitest'
import { aggregateByTags } from '../../src/query/byTags.ts'
import { aggregateReadings } from '../../src/store/aggregate.ts'
import { samplesOf } from '../../src/store/samples.ts'
import type { Reading } from '../../src/domain/reading.ts'
import { reading } from '../store/reading.ts'
import type { SeriesSamples } from '../../src/store/store.ts'

const signal = new AbortController().signal
const ask = { filters: [], mayRead: () => true, fields: [], samplesMax: 1e6, signal }

function givesAll(series: readonly SeriesSamples[]) {
  return {
    // oxlint-disable-next-line typescript/require-await
    async *samples() {
      yield [...series]
    },
  }
}

test('a tag that only the prototype of an object has is none', async () => {
  const series = {
    topic: 'a',
    field: 'v',
    tags: { room: 'hall' },
    times: Float64Array.of(1),
    values: Float64Array.of(2),
  }
  for (const name of ['constructor', '__proto__', 'toString']) {
    const query = { ...ask, edges: Float64Array.of(0, 10), quantiles: [], tags: ['room', name] }
    const found = await aggregateByTags(givesAll([series]), query)
    expect(found.map(({ values }) => values)).toEqual([['hall', null]])
  }
})

const rows = fc.array(
  fc.record({
    time: fc.integer({ min: 0, max: 39 }),
    room: fc.constantFrom('hall', 'attic'),
    value: fc.integer({ min: -50, max: 50 }),
  }),
  { maxLength: 60 },
)

test('what each group comes to is what its readings come to', async () => {
  await fc.assert(
    fc.asyncProperty(rows, async (given) => {
      // One topic for each room, so that an aggregate by topic is one by tag; in (time, seq) order.
      const all = [...given]
        .sort((a, b) => a.time - b.time)
        .map(({ time, room, value }, seq): Reading => {
          const made = reading({
            topic: room,
            time,
            payload: Buffer.from(`{"v":${value}}`),
            cleaned: { tags: { room } },
          })
          return { ...made, seq }
        })
      // oxlint-disable-next-line typescript/require-await
      const chunks = async function* () {
        yield all
      }
      const query = { edges: Float64Array.of(0, 10, 20, 40), quantiles: [0, 0.5, 0.95] }
      const wanted: unknown[] = []
      for await (const chunk of aggregateReadings(chunks(), { ...query, fields: [] }))
        wanted.push(
          ...chunk.map(({ m2s, ...rest }) => ({
            ...rest,
            group: '',
            values: [rest.group],
            m2s: rounded(m2s),
          })),
        )
      const found = await aggregateByTags(givesAll(await samplesOf(chunks(), null)), {
        ...ask,
        ...query,
        tags: ['room'],
      })
      expect(found.map(({ m2s, ...rest }) => ({ ...rest, m2s: rounded(m2s) }))).toEqual(wanted)
    }),
  )
})

const rounded = (numbers: Float64Array): number[] => Array.from(numbers, (n) => Math.round(n * 1e6) / 1e6)
