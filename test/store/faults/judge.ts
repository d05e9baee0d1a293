// Asks a damaged store everything it knows and tells right answers, answers that say "damaged" and wrong ones apart.

import { AppError } from '../../../src/domain/errors.ts'
import type { Reading } from '../../../src/domain/reading.ts'
import { aggregateReadings } from '../../../src/store/aggregate.ts'
import type { ReadingStore, SeriesAggregate } from '../../../src/store/store.ts'
import { collect, collectSeries } from '../reading.ts'
import { numbered, timeOf, topicCount, topicOf } from './numbered.ts'
import { type Sample, samplePattern } from './sample.ts'
import { differences, wrongReadings } from './verifier.ts'

export interface Verdict {
  /** Answers that are not what was appended, or errors that are none of the store's. Must be empty. */
  wrong: string[]
  /** Acknowledged readings that are in no answer. */
  missing: number[]
  /** Topics whose range was refused as damaged. */
  refused: string[]
}

export async function judge(store: ReadingStore, sample: Sample): Promise<Verdict> {
  const verdict: Verdict = { wrong: [], missing: [], refused: [] }
  for (let k = 0; k < topicCount; k++) {
    const topic = topicOf(k)
    const asked = await answerOf(verdict, `range of ${topic}`, () => collect(store, { filters: [topic] }))
    if (!asked) {
      verdict.refused.push(topic)
      continue
    }
    const mine = new Map([...sample.acknowledged].filter(([n]) => topicOf(n) === topic))
    for (const fault of wrongReadings(asked, {
      pattern: samplePattern,
      acknowledged: mine,
      end: sample.count,
    })) {
      const lost = /^reading (\d+) was acknowledged/.exec(fault)?.[1]
      if (lost === undefined) verdict.wrong.push(fault)
      else verdict.missing.push(Number(lost))
    }
    if (asked.length === mine.size) await judgeFigures(verdict, store, topic, asked)
  }
  await judgeNewest(verdict, store, sample)
  const others = (await collectTopics(verdict, store)).filter(
    (topic) => !/^(plant\/\d+\/state|damaged\/)/.test(topic),
  )
  if (others.length > 0) verdict.wrong.push(`topics that nobody published to: ${others.join()}`)
  return verdict
}

/** What was asked, or `null` when the store says that it is damaged. */
async function answerOf<T>(verdict: Verdict, what: string, ask: () => Promise<T>): Promise<T | null> {
  try {
    return await ask()
  } catch (error) {
    if (!(error instanceof AppError && error.code === 'store_corrupt'))
      verdict.wrong.push(
        `${what}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
      )
    return null
  }
}

async function judgeFigures(
  verdict: Verdict,
  store: ReadingStore,
  topic: string,
  readings: readonly Reading[],
): Promise<void> {
  const edges = Float64Array.from({ length: 5 }, (_, k) => timeOf(k * 200, samplePattern))
  const ask = { filters: [topic], fields: ['temperature'], edges, quantiles: [] }
  async function* once(): AsyncGenerator<Reading[]> {
    yield [...readings]
  }
  const wanted: SeriesAggregate[] = []
  for await (const chunk of aggregateReadings(once(), ask)) wanted.push(...chunk)
  const got = await answerOf(verdict, `aggregate of ${topic}`, () => collectSeries(store, ask))
  if (got) verdict.wrong.push(...differences(got, wanted))
}

/** The newest of a topic is one of its readings, whole; of readings that are served none is newer. */
async function judgeNewest(verdict: Verdict, store: ReadingStore, sample: Sample): Promise<void> {
  for (let k = 0; k < topicCount; k++) {
    const topic = topicOf(k)
    const newest = await answerOf(verdict, `latest of ${topic}`, () =>
      store.latest({ filters: [topic], limit: 1 }),
    )
    for (const reading of newest ?? []) {
      const acknowledged = new Map([...sample.acknowledged].filter(([, seq]) => seq === reading.seq))
      const expected = { pattern: samplePattern, acknowledged, end: sample.count }
      verdict.wrong.push(
        ...[...wrongReadings([reading], expected)].map((fault) => `latest of ${topic}: ${fault}`),
      )
      const last = Math.max(...[...sample.acknowledged.keys()].filter((n) => topicOf(n) === topic))
      const isComplete =
        !verdict.refused.includes(topic) && !verdict.missing.some((n) => topicOf(n) === topic)
      if (isComplete && reading.receivedAt !== numbered(last, samplePattern).receivedAt)
        verdict.wrong.push(`latest of ${topic} is not the newest`)
    }
  }
}

async function collectTopics(verdict: Verdict, store: ReadingStore): Promise<string[]> {
  const listed = await answerOf(verdict, 'topics', () => store.topics({ filters: [], limit: 1e9 }))
  return (listed ?? []).map(({ topic }) => topic)
}
