import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { encodeBlock } from '../../../../src/store/leveldb/block/block.ts'
import { type BlockIndex, decodeIndex } from '../../../../src/store/leveldb/block/blockindex.ts'
import { type OpenBlock, openBlock } from '../../../../src/store/leveldb/block/open.ts'
import { Shapes } from '../../../../src/store/leveldb/block/shapes.ts'
import { leavesByParse, makeRows, numberByParse, type RowOptions, topicPayloads } from './texts.ts'

interface Case {
  opened: OpenBlock
  index: BlockIndex
}

function open(payloads: readonly (string | Uint8Array)[], options: RowOptions = {}): Case {
  const rows = makeRows(payloads, options)
  const shapes = new Shapes({ admitRows: 2 })
  const { block, index } = encodeBlock(rows, 0, rows.count, shapes)
  return { opened: openBlock(block, shapes), index: decodeIndex(index) }
}

/** One value a row, NaN for none. */
function byRow({ opened }: Case, path: string): number[] {
  const { rows, values } = opened.numbers(path)
  const all = Array.from({ length: opened.count }, () => Number.NaN)
  for (const [i, value] of values.entries()) all[rows ? rows[i]! : i] = value
  return all
}

const plusZero = (value: number): number => value + 0

describe('the numbers at a path', () => {
  test('are those JSON.parse finds, in blocks of several shapes and raw payloads', () => {
    fc.assert(
      fc.property(topicPayloads, (payloads) => {
        const block = open(payloads)
        const paths = new Set(payloads.flatMap((payload) => [...(leavesByParse(payload)?.keys() ?? [])]))
        for (const path of [...paths, 'nowhere']) {
          const expected = payloads.map((payload) => plusZero(numberByParse(payload, path)))
          expect(byRow(block, path).map(plusZero)).toEqual(expected)
        }
      }),
      { numRuns: 300 },
    )
  })

  test('go into the array given', () => {
    const { opened } = open(['1.5', '2.5', '3.5'])
    const target = new Float64Array(10)
    expect([...opened.numbers('value', target).values]).toEqual([1.5, 2.5, 3.5])
    expect([...target.subarray(0, 3)]).toEqual([1.5, 2.5, 3.5])
  })

  test('are of every row when rows is null, and of none when the path is unknown', () => {
    const { opened } = open(['{"a":1}', '{"a":2}'])
    expect(opened.numbers('a').rows).toBeNull()
    expect(opened.numbers('b')).toEqual({ rows: new Uint32Array(0), values: new Float64Array(0) })
  })

  test('leave out booleans, texts, nulls and what no double holds', () => {
    const block = open(['{"a":true}', '{"a":"5"}', '{"a":null}', '{"a":1e400}', '{"a":7}', '{"a":false}'])
    expect(byRow(block, 'a')).toEqual([Number.NaN, Number.NaN, Number.NaN, Number.NaN, 7, Number.NaN])
  })

  test('of integers beyond 2^53 are the nearest doubles', () => {
    const block = open(['{"a":9007199254740993}', '{"a":123456789012345678901234567890}'])
    expect(byRow(block, 'a')).toEqual([9007199254740992, 1.2345678901234568e29])
  })

  test('come from the cleaned fields alone in rows that have them', () => {
    const payloads = ['{"a":1}', '{"a":2}', '{"a":3}', '{"a":4}']
    const block = open(payloads, { fields: ['', '{"b":20}', '{"a":30}', '{}'] })
    expect(byRow(block, 'a')).toEqual([1, Number.NaN, 30, Number.NaN])
    expect(byRow(block, 'b')).toEqual([Number.NaN, 20, Number.NaN, Number.NaN])
    expect([...block.opened.paths()]).toEqual([
      ['a', new Set(['number'])],
      ['b', new Set(['number'])],
    ])
    expect([...(block.index.fields.get('a')?.sums ?? [])]).toEqual([31])
    expect([...(block.index.fields.get('b')?.sums ?? [])]).toEqual([20])
  })
})

describe('the paths of a block', () => {
  test('are listed with every type they have', () => {
    fc.assert(
      fc.property(topicPayloads, (payloads) => {
        const expected = new Map<string, Set<string>>()
        for (const payload of payloads) {
          for (const [path, value] of leavesByParse(payload) ?? []) {
            const types = expected.get(path) ?? new Set()
            expected.set(path, types.add(value === null ? 'null' : typeof value))
          }
        }
        const sorted = (types: Map<string, Set<string>>): unknown =>
          [...types]
            .map(([path, set]) => ({ path, types: [...set].sort().join() }))
            .sort((a, b) => (a.path < b.path ? -1 : 1))
        expect(sorted(open(payloads).opened.paths())).toEqual(sorted(expected))
      }),
      { numRuns: 150 },
    )
  })
})

describe('the index', () => {
  test('has the extent of the block', () => {
    const { opened, index } = open(['1', '2', '3'], { times: [10, 20, 20], seqs: [5, 9, 7] })
    const { count, tmin, tmax, seqMin, seqMax, payloadBytes } = opened
    expect(index).toMatchObject({ count, tmin, tmax, seqMin, seqMax, payloadBytes })
  })

  test('agrees with the values themselves in every slot', () => {
    fc.assert(
      fc.property(
        topicPayloads,
        fc.constantFrom(0, 700, 60_000, 86_400_000, 10 ** 12),
        (payloads, stepMs) => {
          const times = payloads.map((_, row) => 1_764_000_000_000 + row * stepMs)
          const block = open(payloads, { times })
          expectIndex(block, times)
        },
      ),
      { numRuns: 200 },
    )
  })

  test.each([
    ['1 s steps', 1000, 8192, 300_000],
    ['10 s steps', 10_000, 8192, 3_600_000],
    ['1 min steps', 60_000, 8192, 21_600_000],
    ['10 s steps, few rows', 10_000, 50, 300_000],
  ])('of %s has slots of at least 128 rows on average', (_, stepMs, count, slotMs) => {
    const payloads = Array.from({ length: count }, (_unused, row) => `{"t":${row / 10}}`)
    const times = payloads.map((_unused, row) => 1_764_000_000_000 + row * stepMs)
    const block = open(payloads, { times })
    expect(block.index.slotMs).toBe(slotMs)
    expectIndex(block, times)
  })

  test('keeps sums of large integers, huge doubles and tiny ones', () => {
    for (const payload of [
      '999999999999999',
      '4503599627370495',
      '1.7e308',
      '3e-310',
      '0.1234567890123456789',
    ]) {
      const payloads = Array.from({ length: 300 }, () => payload)
      const { index } = open(payloads)
      const field = index.fields.get('value')
      expect(field?.maxs[0]).toBe(Number(payload))
      expect(field?.mins.at(-1)).toBe(Number(payload))
    }
  })

  test('leaves a path with half a surrogate pair to the block', () => {
    const { opened, index } = open(['{"\\ud800":1,"\ufffd":2}', '{"\\ud800":3,"\ufffd":4}'])
    expect(index.isComplete).toBe(false)
    expect([...index.fields.keys()]).toEqual(['\ufffd'])
    expect([...(index.fields.get('\ufffd')?.sums ?? [])]).toEqual([2, 4])
    expect([...opened.numbers('\ud800').values]).toEqual([1, 3])
  })

  test('says so when a block has more fields than it lists', () => {
    const wide = (base: number): string =>
      JSON.stringify(Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`k${base + i}`, i])))
    const { index } = open([wide(0), wide(0), wide(200), wide(200)])
    expect(index.isComplete).toBe(false)
    expect(index.fields.size).toBe(256)
    expect(open([wide(0)]).index.isComplete).toBe(true)
  })
})

const isSpellable = (path: string): boolean => Buffer.from(path).toString() === path

function expectIndex({ opened, index }: Case, times: readonly number[]): void {
  const numeric = [...opened.paths().keys()].filter((path) => opened.numbers(path).values.length > 0)
  expect(index.isComplete).toBe(numeric.every(isSpellable))
  for (const [path, types] of opened.paths()) {
    if (types.has('number') && isSpellable(path) && opened.numbers(path).values.length > 0)
      expect(index.fields.has(path)).toBe(true)
  }
  for (const [path, slots] of index.fields) {
    const { rows, values } = opened.numbers(path)
    const bySlot = Array.from({ length: index.slots }, (): number[] => [])
    for (const [i, value] of values.entries()) {
      const time = times[rows ? rows[i]! : i]!
      const slot = index.slotMs === 0 ? 0 : Math.floor(time / index.slotMs) - index.firstSlot
      bySlot[slot]!.push(value)
    }
    expect([...slots.counts]).toEqual(bySlot.map((slot) => slot.length))
    for (const [slot, inside] of bySlot.entries()) {
      if (inside.length === 0) continue
      const sum = inside.reduce((total, value) => total + value, 0)
      const mean = sum / inside.length
      const m2 = inside.reduce((total, value) => total + (value - mean) ** 2, 0)
      expect(plusZero(slots.mins[slot]!)).toBe(plusZero(Math.min(...inside)))
      expect(plusZero(slots.maxs[slot]!)).toBe(plusZero(Math.max(...inside)))
      expect(plusZero(slots.firsts[slot]!)).toBe(plusZero(inside[0]!))
      expect(plusZero(slots.lasts[slot]!)).toBe(plusZero(inside.at(-1)!))
      const size = Math.max(...inside.map(Math.abs))
      expectClose(slots.sums[slot]!, sum, size * inside.length)
      expectClose(slots.m2s[slot]!, m2, size * size * inside.length)
    }
  }
}

function expectClose(actual: number, expected: number, scale: number): void {
  if (Object.is(actual, expected) || !Number.isFinite(scale)) return
  expect(Math.abs(actual - expected)).toBeLessThanOrEqual(scale * 1e-12)
}

test('a text is read once for all its numbers, not once for each', () => {
  const count = 3000
  const text = Buffer.from(JSON.stringify(Array.from({ length: count }, (_, i) => i)))
  const { opened } = open([text, text])
  const toString = vi.spyOn(Buffer.prototype, 'toString')
  try {
    for (let i = 0; i < count; i++) expect([...opened.numbers(String(i)).values]).toEqual([i, i])
    // Each number is a text once or twice; once for each path it would be eighteen million times.
    expect(toString.mock.calls.length).toBeLessThan(10 * count)
  } finally {
    toString.mockRestore()
  }
})
