// Series out of readings: each numeric field of each topic is one. Its name is the field's, made a metric name; its labels
// are `topic`, `field` (the exact one) and the tags that cleaning gave.

import type { Fields, Reading } from '../../domain/reading.ts'
import type { RangeQuery } from '../../store/store.ts'
import { execution } from './faults.ts'
import { keyOf, labelNameOf, type Labels, makeLabels, metricName, metricNameOf } from './labels.ts'
import { type Matcher, matchesAll } from './matchers.ts'

/** Samples in the order of their times; of equal times the last counts. */
export interface Series {
  labels: Labels
  /** Milliseconds. */
  times: Float64Array
  values: Float64Array
}

export interface SampleSource {
  range(query: RangeQuery): AsyncIterable<Reading[]>
  fieldsOf(reading: Reading): Fields
  mayRead: (topic: string) => boolean
  signal: AbortSignal
  /** Samples one query may look at. */
  samplesMax: number
}

interface Growing {
  labels: Labels
  times: number[]
  values: number[]
}

type Tags = Readonly<Record<string, string>> | undefined

/** Every sample with `from` ≤ time ≤ `to` of the series that match. */
export async function loadSeries(
  source: SampleSource,
  matchers: readonly Matcher[],
  from: number,
  to: number,
): Promise<Series[]> {
  const ofTopic = matchers.filter(({ name }) => name === 'topic')
  const topic = ofTopic.find(({ exact }) => exact !== null && exact !== '')?.exact
  const found = new Map<string, Growing>()
  const known = createLookup(matchers, found)
  let samples = 0
  const chunks = source.range({
    // A name with a wildcard is no topic: nothing matches it, and it must not be taken for a filter.
    filters: topic === undefined || topic === null || /[+#]/.test(topic) ? [] : [topic],
    mayRead: (name) => ofTopic.every(({ test }) => test(name)) && source.mayRead(name),
    from,
    to: to + 1,
    order: 'asc',
    limit: Number.POSITIVE_INFINITY,
    signal: source.signal,
  })
  for await (const chunk of chunks) {
    source.signal.throwIfAborted()
    for (const reading of chunk) {
      // The reading of a whole message repeats what the records before it say.
      if (reading.cleaned?.record === 0) continue
      for (const [field, value] of Object.entries(source.fieldsOf(reading))) {
        const number = typeof value === 'bigint' ? Number(value) : value
        if (typeof number !== 'number' || !Number.isFinite(number)) continue
        const series = known(reading, field)
        if (!series) continue
        if (++samples > source.samplesMax) {
          throw execution(
            `the query looks at more than ${source.samplesMax} samples; ask for fewer series or a shorter range (limits.query_samples)`,
          )
        }
        if (series.times.at(-1) === reading.time) series.values[series.values.length - 1] = number
        else {
          series.times.push(reading.time)
          series.values.push(number)
        }
      }
    }
  }
  return [...found.values()].map(({ labels, times, values }) => ({
    labels,
    times: Float64Array.from(times),
    values: Float64Array.from(values),
  }))
}

/** The labels of every numeric field of a reading. */
export function labelsOf(reading: Reading, fields: Fields): Labels[] {
  return Object.entries(fields)
    .filter(([, value]) => typeof value === 'number' || typeof value === 'bigint')
    .map(([field]) => seriesLabels(reading.topic, field, reading.cleaned?.tags))
}

function seriesLabels(topic: string, field: string, tags: Tags): Labels {
  const more = Object.entries(tags ?? {}).map(([tag, value]): [string, string] => [labelNameOf(tag), value])
  return makeLabels([...more, [metricName, metricNameOf(field)], ['field', field], ['topic', topic]])
}

/** Labels are made and matched once for each topic, object of tags and field. */
function createLookup(
  matchers: readonly Matcher[],
  found: Map<string, Growing>,
): (reading: Reading, field: string) => Growing | null {
  const topics = new Map<string, Map<Tags, Map<string, Growing | null>>>()
  return ({ topic, cleaned }, field) => {
    const ofTopic = made(topics, topic, () => new Map<Tags, Map<string, Growing | null>>())
    const ofTags = made(ofTopic, cleaned?.tags, () => new Map<string, Growing | null>())
    return made(ofTags, field, () => {
      const labels = seriesLabels(topic, field, cleaned?.tags)
      if (!matchesAll(matchers, labels)) return null
      return made(found, keyOf(labels), () => ({ labels, times: [], values: [] }))
    })
  }
}

function made<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key)
  if (value === undefined) map.set(key, (value = make()))
  return value
}
