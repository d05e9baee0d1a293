// Aggregates as text: one row a bucket, or one a series with its columns. Written by hand, since a thousand series of
// thirty buckets are to cost milliseconds: the times of a bucket are written once.

import type { TimeUnit } from '../domain/time.ts'
import type { AggregateAnswer, AnsweredSeries } from '../query/aggregate.ts'
import { encodeTime } from './readingText.ts'

/** One bucket of one series. */
export interface AggregateRow {
  series: AnsweredSeries
  at: number
}

export interface AggregateText {
  rowJson(row: AggregateRow): string
  rowCells(row: AggregateRow): string[]
  seriesJson(series: AnsweredSeries): string
}

export function createAggregateText(
  { starts, names, groupNames }: AggregateAnswer,
  unit: TimeUnit | undefined,
): AggregateText {
  const groupKeys = groupColumns({ names, groupNames }).map((name) => JSON.stringify(name))
  const times = Array.from(starts, (start) => encodeTime(start, unit))
  const keys = names.map((name) => JSON.stringify(name))
  const timeAt = ({ buckets }: AnsweredSeries, at: number): string => times[buckets[at] ?? 0] ?? 'null'
  let timesOf: { buckets: Uint32Array; text: string } | null = null
  // Mostly every series has the same buckets.
  const timeList = (series: AnsweredSeries): string => {
    if (timesOf === null || !isSame(timesOf.buckets, series.buckets)) {
      const text = Array.from(series.buckets, (bucket) => times[bucket] ?? 'null').join(',')
      timesOf = { buckets: series.buckets, text }
    }
    return timesOf.text
  }
  const head = ({ group, field }: AnsweredSeries): string => {
    const members = group.map((value, at) => `${groupKeys[at] ?? '""'}:${JSON.stringify(value)},`)
    return `{${members.join('')}"field":${JSON.stringify(field)},"time":`
  }
  return {
    rowJson({ series, at }) {
      let text = head(series) + timeAt(series, at)
      for (const [index, column] of series.columns.entries()) {
        text += `,${keys[index] ?? '""'}:${encodeNumber(column[at] ?? Number.NaN)}`
      }
      return `${text}}`
    },
    rowCells({ series, at }) {
      const figures = series.columns.map((column) => {
        const value = column[at] ?? Number.NaN
        return Number.isFinite(value) ? String(value) : ''
      })
      return [
        ...series.group.map((value) => value ?? ''),
        series.field,
        timeAt(series, at).replaceAll('"', ''),
        ...figures,
      ]
    },
    seriesJson(series) {
      let text = `${head(series)}[${timeList(series)}]`
      for (const [index, column] of series.columns.entries()) {
        text += `,${keys[index] ?? '""'}:[`
        for (let at = 0; at < column.length; at++) {
          const number = encodeNumber(column[at] ?? Number.NaN)
          text += at === 0 ? number : `,${number}`
        }
        text += ']'
      }
      return `${text}}`
    },
  }
}

/** What the members of a group are called beside `field`, `time` and the figures: a tag of such a name is `tag_…`. */
export function groupColumns({ names, groupNames }: Pick<AggregateAnswer, 'names' | 'groupNames'>): string[] {
  const taken = new Set(['field', 'time', ...names])
  return groupNames.map((name) => (taken.has(name) ? `tag_${name}` : name))
}

/** Every bucket of a series. */
export function* rowsOf(series: AnsweredSeries): Generator<AggregateRow> {
  for (let at = 0; at < series.buckets.length; at++) yield { series, at }
}

/** JSON has no NaN and no infinity (RFC 8259, 6). */
function encodeNumber(value: number): string {
  return value - value === 0 ? `${value}` : 'null'
}

function isSame(a: Uint32Array, b: Uint32Array): boolean {
  if (a === b) return true
  if (a.length !== b.length) return false
  for (let at = 0; at < a.length; at++) if (a[at] !== b[at]) return false
  return true
}
