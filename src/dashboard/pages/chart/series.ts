// What a chart shows, asked of the server at the resolution of the screen: buckets with mean, least and most, or the readings
// themselves where there are few.

import { ask } from '../../api.ts'
import { type Page, urlOf } from '../../listing.ts'
import type { LiveReading } from '../../stream.ts'

export interface Series {
  topic: string
  field: string
}

export interface Range {
  /** Milliseconds since 1970. */
  from: number
  to: number
}

/** Columns as uPlot takes them: times in seconds, then values; `null` is a gap. */
export interface ChartData {
  times: number[]
  series: { name: Series; mean: (number | null)[]; min: (number | null)[]; max: (number | null)[] }[]
  range: Range
  /** Milliseconds of a bucket; 0: the readings themselves. */
  everyMs: number
}

const ladderMs = [
  1000, 2000, 5000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000, 600_000, 900_000, 1_800_000, 3_600_000,
  7_200_000, 10_800_000, 21_600_000, 43_200_000, 86_400_000, 172_800_000, 604_800_000,
]

/** The shortest bucket that gives at most `points` of them. */
export function everyFor(spanMs: number, points: number): number {
  return ladderMs.find((ms) => spanMs / ms <= points) ?? Math.ceil(spanMs / points / 86_400_000) * 86_400_000
}

interface Columns {
  topic: string
  field: string
  time: number[]
  mean: (number | null)[]
  min: (number | null)[]
  max: (number | null)[]
}

export function aggregateUrl(series: readonly Series[], { from, to }: Range, everyMs: number): string {
  const unique = (texts: string[]): string[] => [...new Set(texts)]
  return urlOf('/api/v1/aggregate', {
    topic: unique(series.map(({ topic }) => topic)),
    field: unique(series.map(({ field }) => field)),
    from,
    to,
    every: `${everyMs / 1000}s`,
    fn: 'mean,min,max',
    shape: 'columns',
    time: 'ms',
  })
}

export async function aggregate(
  series: readonly Series[],
  range: Range,
  everyMs: number,
): Promise<ChartData> {
  const { data: found } = await ask<Page<Columns>>(aggregateUrl(series, range, everyMs))
  // Buckets without readings are left out of the answer. A device that speaks less often than there are buckets has no gaps
  // between its messages: only a step far beyond its usual one is a gap.
  const times = new Set<number>()
  for (const { time } of found) {
    const gapMs = 2.5 * Math.max(everyMs, usualStep(time))
    let last: number | undefined
    for (const at of time) {
      if (last !== undefined && at - last > gapMs) times.add(last + everyMs)
      times.add(at)
      last = at
    }
  }
  const sorted = [...times].sort((a, b) => a - b)
  const place = new Map(sorted.map((at, i) => [at, i]))
  return {
    times: sorted.map((ms) => ms / 1000),
    range,
    everyMs,
    series: series.map((name) => {
      const one = found.find(({ topic, field }) => topic === name.topic && field === name.field)
      const spread = (values: (number | null)[] = []): (number | null)[] => {
        const all = sorted.map((): number | null => null)
        for (const [i, value] of values.entries()) all[place.get(one?.time[i] ?? -1) ?? 0] = value
        return all
      }
      return { name, mean: spread(one?.mean), min: spread(one?.min), max: spread(one?.max) }
    }),
  }
}

/** The median step. */
function usualStep(times: readonly number[]): number {
  const steps = times.slice(1).map((at, i) => at - (times[i] ?? at))
  return steps.sort((a, b) => a - b)[Math.floor(steps.length / 2)] ?? 0
}

export const rawMax = 5000

/** The readings themselves, `rawMax` of them at most a series. */
export async function raw(series: readonly Series[], range: Range): Promise<ChartData> {
  const found = await Promise.all(
    series.map(async ({ topic, field }) => {
      const query = {
        topic,
        fields: field,
        ...range,
        order: 'desc',
        time: 'ms',
        limit: Math.min(rawMax, 1000),
      }
      const values: [number, number][] = []
      let cursor: string | undefined
      do {
        const url = urlOf('/api/v1/readings', { ...query, cursor })
        const { data, page }: Page<LiveReading> = await ask(url)
        for (const { time, fields } of data) {
          const value = fields[field]
          if (typeof value === 'number') values.push([Number(time), value])
        }
        cursor = page.next ?? undefined
      } while (cursor !== undefined && values.length < rawMax)
      return values
    }),
  )
  const times = [...new Set(found.flatMap((values) => values.map(([at]) => at)))].sort((a, b) => a - b)
  const place = new Map(times.map((at, i) => [at, i]))
  return {
    times: times.map((ms) => ms / 1000),
    range,
    everyMs: 0,
    series: series.map((name, i) => {
      const mean = times.map((): number | null => null)
      for (const [at, value] of found[i] ?? []) mean[place.get(at) ?? 0] = value
      return { name, mean, min: [], max: [] }
    }),
  }
}
