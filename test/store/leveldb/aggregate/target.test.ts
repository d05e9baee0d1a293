import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Reading } from '../../../../src/domain/reading.ts'
import { aggregateReadings, bucketAt } from '../../../../src/store/aggregate.ts'
import { aggregateBlock } from '../../../../src/store/leveldb/aggregate/block.ts'
import { Buckets } from '../../../../src/store/leveldb/aggregate/buckets.ts'
import { type SeriesChunk, unpacked } from '../../../../src/store/leveldb/aggregate/packed.ts'
import { RowAggregator } from '../../../../src/store/leveldb/aggregate/rows.ts'
import { AggregateTarget } from '../../../../src/store/leveldb/aggregate/target.ts'
import { encodeBlock } from '../../../../src/store/leveldb/block/block.ts'
import { parseFields } from '../../../../src/store/leveldb/block/fields.ts'
import { type OpenBlock, openBlock } from '../../../../src/store/leveldb/block/open.ts'
import { Shapes } from '../../../../src/store/leveldb/block/shapes.ts'
import type { AggregateColumn, AggregateQuery, SeriesAggregate } from '../../../../src/store/store.ts'
import { makeRows, topicPayloads } from '../block/texts.ts'

type Question = Pick<AggregateQuery, 'fields' | 'edges' | 'quantiles' | 'columns'>

interface Row {
  topic: string
  time: number
  seq: number
  payload: Uint8Array
  fields: string
}

/** What is added to a target: a block of one topic, or a hot row. */
type Piece = { group: string; block: number; index: Uint8Array } | { group: string; row: Row }

interface Stored {
  pieces: Piece[]
  open: (block: number) => OpenBlock
  opened: number[]
}

const empty = new Uint8Array(0)

/** Stores rows of each topic: the first `cold` of them, by seq, in blocks of `blockRows`, the others as hot rows. */
function store(
  rows: readonly Row[],
  groupOf: (topic: string) => string,
  cold: number,
  blockRows: number,
): Stored {
  const shapes = new Shapes({ admitRows: 2 })
  const blocks: Uint8Array[] = []
  const opened: number[] = []
  const pieces: Piece[] = []
  for (const topic of new Set(rows.map((row) => row.topic))) {
    const own = rows.filter((row) => row.topic === topic)
    const inBlocks = own.filter(({ seq }) => seq <= cold).sort(byTime)
    for (let from = 0; from < inBlocks.length; from += blockRows) {
      const part = inBlocks.slice(from, from + blockRows)
      const encoded = makeRows(
        part.map(({ payload }) => payload),
        {
          times: part.map(({ time }) => time),
          seqs: part.map(({ seq }) => seq),
          fields: part.map(({ fields }) => fields),
        },
      )
      const { block, index } = encodeBlock(encoded, 0, part.length, shapes)
      pieces.push({ group: groupOf(topic), block: blocks.length, index })
      blocks.push(block)
    }
    for (const row of own.filter(({ seq }) => seq > cold).sort(byTime)) {
      pieces.push({ group: groupOf(topic), row })
    }
  }
  const open = (block: number): OpenBlock => {
    opened.push(block)
    return openBlock(blocks[block]!, shapes)
  }
  return { pieces, open, opened }
}

const byTime = (a: Row, b: Row): number => a.time - b.time || a.seq - b.seq

/** Groups come one after another; the pieces of one in any order. */
function answer(stored: Stored, question: Question, pieces = stored.pieces): SeriesAggregate[] {
  const target = new AggregateTarget({ open: stored.open, bytesMax: 2 ** 30 }, question)
  const rows = new RowAggregator(target)
  const chunks: SeriesChunk[] = []
  for (const piece of pieces.toSorted((a, b) => (a.group < b.group ? -1 : a.group > b.group ? 1 : 0))) {
    chunks.push(...target.ready())
    const group = target.group(piece.group)
    if ('index' in piece) aggregateBlock(target, group, piece.block, piece.index)
    else {
      const { time, seq, payload, fields } = piece.row
      const fieldBytes = Buffer.from(`--${fields}`)
      const bytes = Buffer.concat([Buffer.from('9'), payload])
      rows.add(group, {
        time,
        seq,
        bytes,
        start: 1,
        end: bytes.length,
        fieldBytes: fields === '' ? empty : fieldBytes,
        fieldsStart: fields === '' ? 0 : 2,
        fieldsEnd: fields === '' ? 0 : fieldBytes.length,
      })
    }
  }
  return [...chunks, ...target.finish()].flatMap(unpacked)
}

async function reference(
  rows: readonly Row[],
  groupOf: (topic: string) => string,
  question: Question,
): Promise<SeriesAggregate[]> {
  const readings = [...rows]
    .sort(byTime)
    .map(
      ({ topic, time, seq, payload, fields }) =>
        ({ topic, time, seq, payload, fields: parseFields(Buffer.from(fields)) }) as unknown as Reading,
    )
  const all: SeriesAggregate[] = []
  for await (const chunk of aggregateReadings(chunks(readings), { ...question, groupOf })) all.push(...chunk)
  return all
}

// oxlint-disable-next-line typescript/require-await
async function* chunks(readings: Reading[]): AsyncGenerator<Reading[]> {
  yield readings
}

const plusZero = (values: Iterable<number>): number[] => Array.from(values, (value) => value + 0)

const everyColumn = ['sums', 'm2s', 'mins', 'maxs', 'firsts', 'lasts'] as const

/** In the columns asked for; others may be empty. */
function expectSame(
  actual: SeriesAggregate[],
  expected: SeriesAggregate[],
  columns: readonly AggregateColumn[] = everyColumn,
): void {
  const names = (series: SeriesAggregate[]): unknown => series.map(({ group, field }) => [group, field])
  expect(names(actual)).toEqual(names(expected))
  for (const [i, own] of actual.entries()) {
    const other = expected[i]!
    expect([...own.buckets]).toEqual([...other.buckets])
    for (const name of ['counts', 'mins', 'maxs', 'firsts', 'lasts'] as const) {
      if (name !== 'counts' && !columns.includes(name)) continue
      expect({ [name]: plusZero(own[name]) }).toEqual({ [name]: plusZero(other[name]) })
    }
    expect(own.quantiles.map(plusZero)).toEqual(other.quantiles.map(plusZero))
    for (const [bucket, count] of own.counts.entries()) {
      const size = Math.max(Math.abs(other.mins[bucket]!), Math.abs(other.maxs[bucket]!))
      // Beyond these the squares of the reference itself are no doubles any more.
      if (size > 1e150) continue
      if (columns.includes('sums')) expectClose(own.sums[bucket]!, other.sums[bucket]!, size * count)
      if (columns.includes('m2s')) expectClose(own.m2s[bucket]!, other.m2s[bucket]!, size * size * count)
    }
  }
}

/** The smallest normal double: squares below it have lost their digits in the reference, too. */
const smallestNormal = 2 ** -1022

function expectClose(actual: number, expected: number, scale: number): void {
  expect(Math.abs(actual - expected)).toBeLessThanOrEqual(scale * 1e-12 + smallestNormal)
}

const start = 1_764_000_000_000

const payloads = fc.oneof(
  { weight: 3, arbitrary: topicPayloads },
  {
    weight: 2,
    arbitrary: fc
      .array(fc.tuple(fc.integer({ min: -500, max: 500 }), fc.nat(3)), { minLength: 1, maxLength: 400 })
      .map((values) =>
        values.map(([value, kind]) =>
          Buffer.from(kind === 0 ? `{"b":${value}}` : `{"temperature":${value / 10},"b":${value}}`),
        ),
      ),
  },
)

/** Rows of a few topics: payloads, steps of time (0: several in one millisecond), some late, some with cleaned fields. */
const rowsOfTopics: fc.Arbitrary<Row[]> = fc
  .tuple(
    payloads,
    fc.infiniteStream(
      fc.record({
        topic: fc.constantFrom('a', 'b', 'c'),
        wait: fc.constantFrom(0, 0, 1, 400, 1000, 30_000, 3_600_000),
        late: fc.constantFrom(0, 0, 0, 0, 500, 100_000, 10_000_000),
        fields: fc.constantFrom('', '', '', '{}', '{"b":7.5}', '{"temperature":-1,"x":9007199254740993}'),
      }),
    ),
  )
  .map(([texts, stream]) => {
    let now = start
    return texts.map((payload, at): Row => {
      const { topic, wait, late, fields } = stream.next().value
      now += wait
      return { topic, time: now - late, seq: at + 1, payload, fields }
    })
  })

const edgesOf = fc.oneof(
  fc
    .tuple(
      fc.integer({ min: -7_200_000, max: 7_200_000 }),
      fc.constantFrom(1, 1000, 60_000, 420_000, 3_600_000),
    )
    .map(([offset, stepMs]) => Float64Array.from({ length: 60 }, (_, i) => start + offset + i * stepMs)),
  fc
    .tuple(fc.integer({ min: -3, max: 3 }), fc.constantFrom(60_000, 900_000, 3_600_000, 86_400_000))
    .map(([offset, stepMs]) =>
      Float64Array.from({ length: 30 }, (_, i) => (Math.floor(start / stepMs) + offset + i) * stepMs),
    ),
  fc
    .uniqueArray(fc.integer({ min: -20_000_000, max: 40_000_000 }), { minLength: 2, maxLength: 12 })
    .map((offsets) =>
      Float64Array.from(
        offsets.sort((a, b) => a - b),
        (offset) => start + offset,
      ),
    ),
)

const questions: fc.Arbitrary<Question> = fc.record({
  fields: fc.constantFrom(
    [],
    ['temperature'],
    ['b', 'temperature'],
    ['value', 'b.s', '', 'a'],
    ['\ud800', 'x'],
  ),
  edges: edgesOf,
  quantiles: fc.constantFrom([], [], [0, 0.5, 0.99, 1]),
  columns: fc.constantFrom(
    undefined,
    undefined,
    [],
    ['sums'] as const,
    ['firsts', 'mins'] as const,
    ['lasts'] as const,
  ),
})

const groupings = fc.constantFrom<(topic: string) => string>(
  (topic) => topic,
  () => 'all',
  (topic) => (topic === 'a' ? 'a' : 'others'),
)

/** Pieces in another order, the same for the same seed. */
function shuffled<T>(pieces: readonly T[], seed: number): T[] {
  const mixed = [...pieces]
  let state = seed
  for (let i = mixed.length - 1; i > 0; i--) {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31
    const other = state % (i + 1)
    ;[mixed[i], mixed[other]] = [mixed[other]!, mixed[i]!]
  }
  return mixed
}

describe('an aggregate over blocks and hot rows', () => {
  test('is what the reference says, however rows are cut into blocks, grouped and ordered', async () => {
    await fc.assert(
      fc.asyncProperty(
        rowsOfTopics,
        questions,
        groupings,
        fc.record({ cold: fc.nat(100), blockRows: fc.integer({ min: 1, max: 300 }), seed: fc.nat(1000) }),
        async (rows, question, groupOf, { cold, blockRows, seed }) => {
          const stored = store(rows, groupOf, Math.ceil((rows.length * cold) / 100), blockRows)
          const expected = await reference(rows, groupOf, question)
          expectSame(answer(stored, question), expected, question.columns)
          expectSame(answer(stored, question, shuffled(stored.pieces, seed)), expected, question.columns)
        },
      ),
      { numRuns: 500 },
    )
  })

  test('over aligned buckets opens no block', () => {
    const { stored, hour } = twoFields(10_000, 5500)
    const edges = Float64Array.from({ length: 20 }, (_, i) => (hour + i) * 3_600_000)
    const [humidity, temperature] = answer(stored, { fields: [], edges, quantiles: [] })
    expect([humidity?.field, temperature?.field]).toEqual(['humidity', 'temperature'])
    expect(temperature?.counts.reduce((a, b) => a + b)).toBe(10_000)
    expect(stored.opened).toEqual([])
  })

  test('opens only the blocks at its ends when buckets in between are aligned', () => {
    const { stored, rows } = twoFields(16_384, 5500)
    const edges = Float64Array.from([
      rows[10]!.time,
      Math.floor(rows[8192]!.time / 3_600_000) * 3_600_000,
      rows[16_000]!.time,
    ])
    const [series] = answer(stored, { fields: ['temperature'], edges, quantiles: [] })
    expect(series?.counts.reduce((a, b) => a + b)).toBe(15_990)
    expect(stored.opened).toEqual([0, 3])
  })

  test('over more fields than an index lists opens blocks only for those it does not list', async () => {
    const wide = (base: number): string =>
      JSON.stringify(Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`k${base + i}`, i])))
    const rows = Array.from({ length: 40 }, (_, i) => ({
      topic: 'a',
      time: start + i,
      seq: i + 1,
      payload: Buffer.from(wide(i % 2 ? 200 : 0)),
      fields: '',
    }))
    const stored = store(rows, () => 'a', rows.length, 40)
    const edges = Float64Array.from([start - 1000, start + 1000])
    for (const [fields, opened] of [
      [['k0', 'k7'], []],
      [['k0', 'k399'], [0]],
      [[], [0]],
    ] as const) {
      stored.opened.length = 0
      const question = { fields, edges, quantiles: [] }
      expectSame(answer(stored, question), await reference(rows, () => 'a', question))
      expect(stored.opened).toEqual(opened)
    }
  })

  test('refuses with query_limit what needs more memory than it may take', () => {
    const { stored, hour } = twoFields(10_000, 5500)
    const edges = Float64Array.from({ length: 20 }, (_, i) => (hour + i) * 3_600_000)
    const ask = (quantiles: number[], bytesMax: number): SeriesAggregate[] => {
      const target = new AggregateTarget({ open: stored.open, bytesMax }, { fields: [], edges, quantiles })
      for (const piece of stored.pieces) {
        if ('index' in piece) aggregateBlock(target, target.group(piece.group), piece.block, piece.index)
      }
      return [...target.finish()].flatMap(unpacked)
    }
    expect(ask([], 100_000)).toHaveLength(2)
    expect(() => ask([0.5], 100_000)).toThrow(expect.objectContaining({ code: 'query_limit' }))
    expect(ask([0.5], 1_000_000)).toHaveLength(2)
    expect(() => ask([], 1000)).toThrow(expect.objectContaining({ code: 'query_limit' }))
  })
})

function twoFields(count: number, stepMs: number): { stored: Stored; rows: Row[]; hour: number } {
  const rows = Array.from({ length: count }, (_, i) => ({
    topic: 'a',
    time: start + i * stepMs,
    seq: i + 1,
    payload: Buffer.from(`{"temperature":${(i % 300) / 10},"humidity":${i % 100}}`),
    fields: '',
  }))
  return { stored: store(rows, () => 'a', count, 4096), rows, hour: Math.floor(start / 3_600_000) }
}

describe('buckets', () => {
  test('are found as by a search through the edges', () => {
    fc.assert(
      fc.property(edgesOf, fc.array(fc.integer({ min: -30_000_000, max: 60_000_000 })), (edges, offsets) => {
        const buckets = new Buckets(edges)
        const times = [
          ...offsets.map((offset) => start + offset),
          ...[...edges].flatMap((e) => [e - 1, e, e + 1]),
        ]
        for (const time of times) expect(buckets.at(time)).toBe(bucketAt(edges, time))
      }),
    )
  })

  test('are right where a quotient is rounded across an edge', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 2 ** 40 }),
        fc.nat(2 ** 20),
        fc.nat(2 ** 42),
        (step, at, from) => {
          const edges = Float64Array.from([0, 1, 2, 3], (i) => from + (at + i) * step)
          const buckets = new Buckets(edges)
          for (const edge of edges) {
            for (const time of [edge - 1, edge, edge + 1])
              expect(buckets.at(time)).toBe(bucketAt(edges, time))
          }
        },
      ),
    )
  })
})
