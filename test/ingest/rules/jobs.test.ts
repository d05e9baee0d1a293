// Jobs over stored readings: what they make is what ingest makes, and they go on wherever they were stopped.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openJobs, type Job, type Jobs, type JobsDeps } from '../../../src/ingest/rules/jobs.ts'
import { createRowMaker } from '../../../src/ingest/rules/rowMaker.ts'
import { createRuleSet } from '../../../src/ingest/rules/ruleSet.ts'
import { noRuleFiles } from '../../../src/ingest/rules/ruleFiles.ts'
import { openRules, type Rules } from '../../../src/ingest/rules/open.ts'
import { createLog } from '../../../src/ops/log.ts'
import type { Reading } from '../../../src/domain/reading.ts'
import { fieldsText } from '../../../src/store/leveldb/block/fields.ts'
import type { RowMaker, StoredRows } from '../../../src/store/remaker.ts'
import { openStore } from '../../../src/store/open.ts'
import { createMemoryStore } from '../../../src/store/memory.ts'
import type { ReadingStore } from '../../../src/store/store.ts'
import { append, collect, reading } from '../../store/reading.ts'

const levelConfig = {
  engine: 'leveldb',
  durability: 'fsync',
  max_pending_bytes: 64 * 2 ** 20,
  max_bytes: 0,
  retention: () => [],
  memory: 'normal',
} as const
const log = createLog({ level: 'silent', format: 'json' })
let home: string
let rules: Rules
beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), 'amber-jobs-'))
  rules = await openRules({ file: '', profiles: [] }, { log })
})
afterEach(() => {
  rules.close()
  rmSync(home, { recursive: true, force: true })
})

const setOf = (text: string) => createRuleSet(text, { name: 'rules.yaml', files: noRuleFiles })
const under = (text: string): Pick<Rules, 'current' | 'trial'> => ({
  current: setOf(text),
  trial: (set) => rules.trial(set),
})
const everything = { kind: 'reprocess', filters: [], from: 0, to: 1e15 } as const

async function ended(jobs: Jobs, id: string): Promise<Job> {
  for (;;) {
    const job = jobs.get(id)
    if (job.endedAt !== null) return job
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}

const number = fc.oneof(fc.integer({ min: -200, max: 200 }), fc.double({ min: -1e3, max: 1e3, noNaN: true }))
const payload = fc.oneof(
  fc.record({ t: number, h: number }, { requiredKeys: [] }).map((value) => JSON.stringify(value)),
  fc
    .record({ t: fc.oneof(number.map(String), fc.constant('on')), a: fc.record({ b: number }) })
    .map((value) => JSON.stringify(value)),
  number.map(String),
  fc.constantFrom('', 'ON', '21.5 °C', '{"t":nan}', '{"t":1', 'a=1', '[1,2]', 'null'),
)
const message = fc.record({ topic: fc.constantFrom('a/x', 'a/y', 'b/x', 'c'), payload })
const fieldRule = fc.record(
  {
    min: fc.integer({ min: -100, max: 0 }),
    max: fc.integer({ min: 1, max: 100 }),
    round: fc.integer({ min: 0, max: 3 }),
    unit: fc.constantFrom('°C', '°F -> °C', '%'),
    on_range: fc.constantFrom('reject', 'clamp', 'drop', 'mark'),
    type: fc.constantFrom('number', 'text', 'boolean'),
  },
  { requiredKeys: [] },
)
const rule = fc.record(
  {
    topic: fc.constantFrom('a/+', 'a/x', '#', 'b/#'),
    also: fc.boolean(),
    tags: fc.constantFrom({ room: 1 }, { last: -1, site: 'x' }),
    keep: fc.constantFrom(['t'], ['a.*', 'value']),
    drop: fc.constantFrom(['h'], ['a.b']),
    rename: fc.constantFrom({ t: 'temperature' }, { value: 't' }),
    fields: fc.record({ t: fieldRule, value: fieldRule }, { requiredKeys: [] }),
    where: fc.constantFrom("!('h' in fields)", "topic != 'c'"),
    store: fc.constantFrom('raw+fields'),
  },
  { requiredKeys: ['topic'] },
)
const ruleText = fc
  .array(rule, { maxLength: 4 })
  .map((all) => JSON.stringify({ rules: all.map((one, i) => ({ name: `rule ${i}`, ...one })) }))

/** A store that has rows made as a thread would. */
function withRowMaker(store: ReadingStore): JobsDeps['store'] {
  const makers = new Map<string, RowMaker>()
  return {
    remake: (query, { thread }) =>
      store.remake(query, {
        thread: null,
        // oxlint-disable-next-line typescript/require-await
        make: async (readings) => {
          if (!thread) throw new Error('these rules are for a thread')
          const maker = makers.get(thread.key) ?? createRowMaker(thread.data)
          makers.set(thread.key, maker)
          const { places, cleaned, fields, left } = maker.make(rowsOf(readings))
          const made = Array.from(places, (place, row) => {
            const words = cleaned[place]
            return place < 0
              ? null
              : { fields: fields.get(row) ?? null, ...(words ? { cleaned: words } : {}) }
          })
          return { made, left }
        },
      }),
    remove: (query) => store.remove(query),
    get status() {
      return store.status
    },
  }
}

function rowsOf(readings: readonly Reading[]): StoredRows {
  const at = (row: number): Reading => readings[row] as Reading
  const lengths = Uint32Array.from(readings, (one) => one.payload.length)
  return {
    bytes: Buffer.concat(readings.map((one) => one.payload)),
    offsets: lengths.map((_, row) => lengths.subarray(0, row).reduce((sum, length) => sum + length, 0)),
    lengths,
    topic: readings[0]?.topic ?? '',
    count: readings.length,
    times: Float64Array.from(readings, ({ time }) => time),
    receivedAt: Float64Array.from(readings, ({ receivedAt }) => receivedAt),
    isAsked: () => true,
    payload: (row) => at(row).payload,
    fieldsText: (row) => Buffer.from(fieldsText(at(row).fields)),
    capture: at,
  }
}

test.each(['here', 'where the rows are read'])(
  'reprocessing under rules stores what ingest under the same rules would have: %s',
  async (where) => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(message, { maxLength: 12 }),
        ruleText,
        ruleText,
        async (messages, before, after) => {
          const ingest = async (text: string): Promise<ReadingStore> => {
            const store = createMemoryStore()
            const clean = rules.trial(setOf(text))
            for (const [i, one] of messages.entries()) {
              const given = reading({ topic: one.topic, time: 1.7e12 + i, payload: Buffer.from(one.payload) })
              for (const part of await clean(given)) await append(store, part)
            }
            return store
          }
          const store = await ingest(before)
          const asked = where === 'here' ? store : withRowMaker(store)
          const jobs = await openJobs({ store: asked, rules: under(after), log }, { file: '' })
          const { id } = await jobs.start(everything)
          expect(await ended(jobs, id)).toMatchObject({ state: 'done', left: 0, readings: messages.length })
          expect(await collect(store)).toEqual(await collect(await ingest(after)))
          await jobs.close()
        },
      ),
      { numRuns: 150 },
    )
  },
)

const tagged = (room: string): string =>
  JSON.stringify({
    rules: [{ name: 'r', topic: '#', tags: { room }, fields: { t: { max: 500, unit: '%' } } }],
  })

async function fill(store: ReadingStore): Promise<void> {
  for (const topic of ['a', 'b', 'c'])
    for (let i = 0; i < 200; i++)
      await append(store, { topic, time: i, payload: Buffer.from(`{"t":${i}}`) }, { awaited: false })
}

/** A store whose steps are small, and wait at the gate. */
function gated(store: ReadingStore, gate: () => Promise<void>): JobsDeps['store'] {
  return {
    remake: async (query, make) => {
      await gate()
      return store.remake({ ...query, readingsMax: 100 }, make)
    },
    remove: (query) => store.remove(query),
    get status() {
      return store.status
    },
  }
}

test('a job goes on after a restart, from where it was, also when the rules have changed in between', async () => {
  const file = join(home, 'jobs')
  const open = () => openStore({ ...levelConfig, path: join(home, 'readings') }, { log })
  let store = await open()
  await fill(store)
  let steps = 0
  let stop: () => void = () => undefined
  const stopped = new Promise<void>((resolve) => (stop = resolve))
  const held = gated(store, async () => {
    if (++steps === 2) stop()
    if (steps >= 2) await new Promise((resolve) => setTimeout(resolve, 5))
  })
  let jobs = await openJobs({ store: held, rules: under(tagged('x')), log }, { file })
  const { id } = await jobs.start(everything)
  await stopped
  await jobs.close()
  await store.close()
  store = await open()
  jobs = await openJobs({ store, rules: under(tagged('x')), log }, { file })
  const job = await ended(jobs, id)
  expect(job).toMatchObject({ state: 'done', total: 600, readings: 600, remade: 600 })
  expect((await collect(store)).every(({ cleaned }) => cleaned?.tags?.['room'] === 'x')).toBe(true)
  await jobs.close()
  await store.close()
})

test('a paused job stands still until it is resumed, a cancelled one for good', async () => {
  const store = createMemoryStore()
  await fill(store)
  const waiting: (() => void)[] = []
  const held = gated(store, () => new Promise((resolve) => waiting.push(resolve)))
  const jobs = await openJobs({ store: held, rules: under(tagged('x')), log }, { file: '' })
  const { id } = await jobs.start(everything)
  const step = async (): Promise<void> => {
    while (waiting.length === 0) await new Promise((resolve) => setTimeout(resolve, 1))
    waiting.shift()?.()
  }
  await jobs.act(id, 'pause')
  await step()
  while (jobs.get(id).readings === 0) await new Promise((resolve) => setTimeout(resolve, 1))
  expect(jobs.get(id)).toMatchObject({ state: 'paused', readings: 200 })
  expect(waiting).toEqual([])
  await jobs.act(id, 'resume')
  await step()
  while (jobs.get(id).readings === 200) await new Promise((resolve) => setTimeout(resolve, 1))
  await jobs.act(id, 'cancel')
  await step()
  await jobs.close()
  expect(jobs.get(id)).toMatchObject({ state: 'cancelled' })
  await expect(jobs.act(id, 'resume')).rejects.toMatchObject({ code: 'conflict' })
})

test('rules that change while a job runs make it begin again, so that one version made all of it', async () => {
  const store = createMemoryStore()
  await fill(store)
  const changing = { ...under(tagged('x')) }
  let steps = 0
  const held = gated(store, async () => {
    if (++steps === 2) changing.current = setOf(tagged('y'))
  })
  const jobs = await openJobs({ store: held, rules: changing, log }, { file: '' })
  const { id } = await jobs.start(everything)
  expect(await ended(jobs, id)).toMatchObject({
    state: 'done',
    readings: 600,
    rules: changing.current.version,
  })
  expect((await collect(store)).every(({ cleaned }) => cleaned?.tags?.['room'] === 'y')).toBe(true)
  await jobs.close()
})
