// The PromQL subset against a real Prometheus with the same samples: asked now where Debian's package is installed, and as version
// 2.42 answered it for answers.ndjson. Every number must be equal to 1e-9, every label set the same, every refusal a refusal.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { decodeFields } from '../../../src/ingest/decode/decode.ts'
import { createFeed } from '../../../src/ingest/feed.ts'
import { createMetrics } from '../../../src/ops/metrics.ts'
import type { PromResult } from '../../../src/query/promql/service.ts'
import { createQuery, type Query } from '../../../src/query/query.ts'
import { createMemoryStore } from '../../../src/store/memory.ts'
import { expressions } from './expressions.ts'
import { askPrometheus, hasPrometheus, type PeerAnswer, type PeerAnswers, type PeerSeries } from './peer.ts'
import { makeSamples, steps } from './samples.ts'

const recorded: PeerAnswers = Object.fromEntries(
  readFileSync(join(import.meta.dirname, 'answers.ndjson'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as [string, PeerAnswers[string]]),
)

let query: Query
beforeAll(async () => {
  const store = createMemoryStore()
  const rest = {
    clientId: '',
    user: null,
    qos: 0,
    retain: false,
    dup: false,
    properties: null,
    fields: null,
  } as const
  for (const { topic, field, timeMs, value } of makeSamples()) {
    const payload = Buffer.from(JSON.stringify({ [field]: value }))
    const reading = { topic, time: timeMs, receivedAt: timeMs, source: 'mqtt', payload, ...rest } as const
    await new Promise<void>((resolve) => store.append(reading, { awaited: true }, () => resolve()))
  }
  const limits = {
    query_rows: 1_000_000,
    query_samples: 1_000_000,
    aggregate_buckets: 1000,
    page_rows: 1000,
    page_bytes: 1_000_000,
    query_time_ms: 60_000,
    query_concurrency: 4,
  }
  query = createQuery({
    store,
    live: createFeed({ lastSeq: 0, waitersMax: 100 }),
    fieldsOf: decodeFields,
    limits,
    metrics: createMetrics(),
  })
})

type Flat = Map<string, Map<number, number>>
const keyOf = (labels: Readonly<Record<string, string>>): string =>
  JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)))
const numberOf = (text: string): number =>
  /^[+-]Inf$/.test(text) ? (text.startsWith('+') ? 1 : -1) / 0 : Number(text)

function flattenPeer(answer: Exclude<PeerAnswer, { error: string }>): Flat {
  const { resultType, result } = answer
  if (resultType === 'scalar') {
    const [time, text] = result as [number, string]
    return new Map([['[]', new Map([[Math.round(time * 1000), numberOf(text)]])]])
  }
  return new Map(
    (result as PeerSeries[]).map(({ metric, values, value }) => [
      keyOf(metric),
      new Map(
        (values ?? (value ? [value] : [])).map(([time, text]) => [Math.round(time * 1000), numberOf(text)]),
      ),
    ]),
  )
}

function flatten(result: PromResult): Flat {
  if (result.type === 'scalar') return new Map([['[]', new Map([[result.timeMs, result.value]])]])
  if (result.type === 'string') throw new Error('no expression gives a text')
  if (result.type === 'vector')
    return new Map(
      result.series.map(({ labels, values }) => [keyOf(labels), new Map([[result.timeMs, values[0] ?? 0]])]),
    )
  return new Map(
    result.series.map(({ labels, times, values }) => [
      keyOf(labels),
      new Map(Array.from(times, (time, at) => [time, values[at] ?? 0] as const)),
    ]),
  )
}

function compare(ours: Flat, theirs: Flat): void {
  expect([...ours.keys()].sort()).toEqual([...theirs.keys()].sort())
  for (const [key, expected] of theirs) {
    const found = ours.get(key) ?? new Map<number, number>()
    expect([...found.keys()]).toEqual([...expected.keys()])
    for (const [time, number] of expected) {
      const value = found.get(time) ?? Number.NaN
      const isSame =
        Object.is(value, number) ||
        value === number ||
        Math.abs(value - number) <= 1e-9 * Math.max(1, Math.abs(number))
      expect(isSame, `${key} at ${time}: ${value} and not ${number}`).toBe(true)
    }
  }
}

test('there are answers to more than two hundred expressions', () => {
  expect(Object.keys(recorded).sort()).toEqual([...new Set(expressions)].sort())
  expect(Object.keys(recorded).length).toBeGreaterThan(200)
})

async function compareRange(text: string, theirs: PeerAnswer | undefined): Promise<void> {
  const { start, end, step } = steps
  const asked = query.promql.range(
    text,
    { startMs: start * 1000, endMs: end * 1000, stepMs: step * 1000 },
    { mayRead: () => true },
  )
  if (!theirs || 'error' in theirs) await expect(asked, text).rejects.toThrow()
  else compare(flatten(await asked), flattenPeer(theirs))
}

async function compareInstant(text: string, theirs: PeerAnswer | undefined): Promise<void> {
  const asked = query.promql.instant(text, (steps.end - 1234) * 1000, { mayRead: () => true })
  if (!theirs || 'error' in theirs) await expect(asked, text).rejects.toThrow()
  else compare(flatten(await asked), flattenPeer(theirs))
}

test.each([...new Set(expressions)])('%s over steps is what Prometheus says', (text) =>
  compareRange(text, recorded[text]?.range),
)

test.each([...new Set(expressions)])('%s at one time is what Prometheus says', (text) =>
  compareInstant(text, recorded[text]?.instant),
)

if (hasPrometheus()) {
  test('a Prometheus that is asked now says the same of every expression', async () => {
    const answers = await askPrometheus()
    expect(Object.keys(answers).length).toBeGreaterThan(200)
    for (const [text, { range, instant }] of Object.entries(answers)) {
      await compareRange(text, range)
      await compareInstant(text, instant)
    }
  })
} else {
  console.warn('PROMQL NOT COMPARED LIVE: prometheus missing; apt-get install prometheus')
  test('could not run: prometheus missing, only its recorded answers were compared', () =>
    expect(hasPrometheus()).toBe(false))
}
