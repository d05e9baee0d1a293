// Samples of a series parted by what cleaning knows of each: those of a whole message are left out, and each set of tags is a
// series of its own. And samples straight from readings, obviously correct, which the reference engine answers with.

import type { Cleaned, Reading } from '../domain/reading.ts'
import { AppError } from '../domain/errors.ts'
import { numbersOf } from './aggregate.ts'
import { fillWindows, overTime, type WindowSamples } from './overTime.ts'
import type { SeriesSamples, SeriesSteps, StepsQuery } from './store.ts'

type Tags = SeriesSamples['tags']

/** `of(at)` is what cleaning knows of sample `at`; many samples have the same, so that it is asked by number. */
export interface Unparted {
  topic: string
  field: string
  times: Float64Array
  values: Float64Array
  /** A number for each sample, or one for all. */
  kinds: ArrayLike<number> | number
  of: (kind: number) => Cleaned | undefined
}

/** Samples parted between two moments in which others may be let in. */
const partedMax = 65_536

/** Gives `null` where others may be let in. */
export function* partedByTags({
  topic,
  field,
  times,
  values,
  kinds,
  of,
}: Unparted): Generator<null, SeriesSamples[]> {
  if (typeof kinds === 'number') {
    const cleaned = of(kinds)
    return cleaned?.record === 0 ? [] : [{ topic, field, tags: cleaned?.tags, times, values }]
  }
  const parts = new Map<string, { tags: Tags; at: number[] }>()
  const partOf = new Map<number, { tags: Tags; at: number[] } | null>()
  for (let at = 0; at < times.length; at++) {
    if (at % partedMax === partedMax - 1) yield null
    const kind = kinds[at] ?? 0
    let part = partOf.get(kind)
    if (part === undefined) {
      const cleaned = of(kind)
      const tags = cleaned?.tags ?? {}
      const key = JSON.stringify(
        Object.keys(tags)
          .sort()
          .map((name) => [name, tags[name]]),
      )
      part = cleaned?.record === 0 ? null : (parts.get(key) ?? { tags: cleaned?.tags, at: [] })
      if (part) parts.set(key, part)
      partOf.set(kind, part)
    }
    part?.at.push(at)
  }
  return [...parts.values()].map(({ tags, at: places }) =>
    places.length === times.length
      ? { topic, field, tags, times, values }
      : {
          topic,
          field,
          tags,
          times: Float64Array.from(places, (at) => times[at] ?? 0),
          values: Float64Array.from(places, (at) => values[at] ?? 0),
        },
  )
}

type Stepped = Pick<StepsQuery, 'at' | 'lookbackMs' | 'over'>

/** Which samples a question about steps is about. */
export function samplesForSteps({ at, lookbackMs, over }: Stepped): {
  from: number
  to: number
  newestAt?: Float64Array
} {
  const range = { from: (at[0] ?? 0) - lookbackMs + 1, to: (at.at(-1) ?? 0) + 1 }
  return over ? range : { ...range, newestAt: at }
}

/** The samples are not what they were afterwards. */
export function* stepsOf(
  { topic, field, tags, times, values }: SeriesSamples,
  query: Stepped,
): Generator<null, SeriesSteps> {
  const steps = new Float64Array(query.at.length)
  yield* fillSteps(steps, { times, values, length: times.length }, query)
  return { topic, field, tags, values: steps }
}

/**
 * Writes what samples by (time, seq) come to at each of the times; they are not what they were afterwards. Gives `null` where others
 * may be let in.
 */
export function* fillSteps(
  steps: Float64Array,
  samples: WindowSamples,
  { at, lookbackMs, over }: Stepped,
): Generator<null, void> {
  if (!over) return fillNewest(steps, samples, at, lookbackMs)
  const work = overTime[over.fn]
  if (!work) throw new Error(`there is no function ${over.fn} of windows`)
  const length = newestOfEqual(samples)
  yield* fillWindows(steps, null, { ...samples, length }, { at, rangeMs: lookbackMs, work, parameter: null })
}

function fillNewest(
  steps: Float64Array,
  { times, values, length }: WindowSamples,
  at: Float64Array,
  lookbackMs: number,
): void {
  let next = 0
  for (let step = 0; step < at.length; step++) {
    const end = at[step] ?? 0
    while (next < length && (times[next] ?? 0) <= end) next++
    const isThere = next > 0 && (times[next - 1] ?? 0) > end - lookbackMs
    steps[step] = isThere ? (values[next - 1] ?? Number.NaN) : Number.NaN
  }
}

/** Moves samples up so that of equal times only the last is there; how many are left. */
function newestOfEqual({ times, values, length }: WindowSamples): number {
  let kept = 0
  for (let at = 0; at < length; at++) {
    if (kept > 0 && times[at] === times[kept - 1]) kept--
    if (kept !== at) {
      times[kept] = times[at] ?? 0
      values[kept] = values[at] ?? Number.NaN
    }
    kept++
  }
  return kept
}

/** Said when windows have to look at more samples than they may. */
export function tooManySamples(samplesMax: number): AppError {
  const message = `the query looks at more than ${samplesMax} samples; ask for fewer series or a shorter range (limits.query_samples)`
  return new AppError('query_limit', message, { problems: [{ path: 'query', message }] })
}

/** Series of `readings`, which come in (time, seq) order. */
export async function samplesOf(
  readings: AsyncIterable<Reading[]>,
  pattern: string | null,
): Promise<SeriesSamples[]> {
  const test = pattern === null ? null : new RegExp(`^(?:${pattern})$`, 's')
  const found = new Map<
    string,
    { topic: string; field: string; samples: [number, number, Cleaned | undefined][] }
  >()
  for await (const chunk of readings) {
    for (const reading of chunk) {
      const { topic, time, cleaned } = reading
      for (const [field, value] of numbersOf(reading)) {
        if (test?.test(field) === false) continue
        const key = JSON.stringify([topic, field])
        const series = found.get(key) ?? { topic, field, samples: [] }
        series.samples.push([time, value, cleaned])
        found.set(key, series)
      }
    }
  }
  return [...found.values()].flatMap(({ topic, field, samples }) =>
    ended(
      partedByTags({
        topic,
        field,
        times: Float64Array.from(samples, ([time]) => time),
        values: Float64Array.from(samples, ([, value]) => value),
        kinds: samples.map((_one, at) => at),
        of: (at) => samples[at]?.[2],
      }),
    ),
  )
}

/** All of a work at once. */
export function ended<T>(work: Generator<null, T>): T {
  let step = work.next()
  while (!step.done) step = work.next()
  return step.value
}
