// The block directory against a plain model: whatever changes, every topic has the blocks it was given last, older directories
// stay as they were, and worker threads read the same.

import { Worker } from 'node:worker_threads'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  type BlockList,
  Directory,
  DirectoryBuilder,
  packEntries,
} from '../../../../src/store/leveldb/topics/directory.ts'
import type { BlockEntry } from '../../../../src/store/leveldb/topics/page.ts'

const seq = fc.oneof(
  fc.maxSafeNat(),
  fc.nat(1000),
  fc.constantFrom(2 ** 32 - 1, 2 ** 32, 2 ** 43 - 1, 2 ** 43, Number.MAX_SAFE_INTEGER),
)
const part = fc.record({
  gap: fc.nat(3),
  span: fc.nat(3),
  seq,
  lastSeq: seq,
  seqMax: seq,
  count: fc.oneof(fc.nat(4096), fc.constant(2 ** 32 - 1)),
})

/** Blocks one after another; some touch, some hold one moment. */
const blocks: fc.Arbitrary<BlockEntry[]> = fc
  .tuple(fc.constantFrom(-8.64e15, -2, 0, 1.7e12), fc.array(part, { maxLength: 6 }))
  .map(([start, parts]) => {
    let end = start
    return parts.map(({ gap, span, ...numbers }) => {
      const tmin = end + gap
      end = tmin + span
      return { tmin, tmax: end, ...numbers }
    })
  })
/** The edges of pages, and pages without any block between. */
const topicId = fc.constantFrom(0, 1, 2, 500, 1022, 1023, 1024, 1025, 2047, 5000, 5001)
const topics = [0, 1, 2, 3, 500, 1022, 1023, 1024, 1025, 2047, 2048, 5000, 5001, 5119, 5120, 90_000]

type Model = ReadonlyMap<number, readonly BlockEntry[]>

const listed = (list: BlockList): BlockEntry[] => Array.from({ length: list.length }, (_, i) => list.entry(i))
const changesOf = (model: Model): { topicId: number; entries: Float64Array }[] =>
  [...model].map(([id, entries]) => ({ topicId: id, entries: packEntries(entries) }))

function expectSame(directory: Directory, model: Model): void {
  for (const id of topics) expect(listed(directory.blocksOf(id))).toEqual(model.get(id) ?? [])
  expect(directory.blocks).toBe([...model.values()].reduce((sum, list) => sum + list.length, 0))
  const withBlocks = [...model].filter(([, list]) => list.length > 0).map(([id]) => id)
  expect([...directory.topicIds()]).toEqual(withBlocks.toSorted((a, b) => a - b))
}

test('every directory in a chain of changes has the blocks of its own time', () => {
  const change = fc.uniqueArray(fc.tuple(topicId, blocks), { selector: ([id]) => id, maxLength: 8 })
  fc.assert(
    fc.property(fc.array(change, { maxLength: 8 }), (changes) => {
      const past: { directory: Directory; model: Model }[] = [{ directory: Directory.of(), model: new Map() }]
      for (const list of changes) {
        const { directory, model } = past.at(-1) ?? { directory: Directory.of(), model: new Map() }
        past.push({
          directory: directory.with(changesOf(new Map(list))),
          model: new Map([...model, ...list]),
        })
      }
      for (const { directory, model } of past) {
        expectSame(directory, model)
        expectSame(Directory.of(directory.pages), model)
      }
    }),
  )
})

test('what is built in order is what changes would have made', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.tuple(topicId, blocks), { selector: ([id]) => id }), (list) => {
      const builder = new DirectoryBuilder()
      for (const [id, entries] of list.toSorted(([a], [b]) => a - b)) {
        for (const entry of entries) builder.add(id, entry)
      }
      expectSame(builder.finish(), new Map(list))
    }),
  )
})

test('a page of thousands of blocks grows as it is built', () => {
  const builder = new DirectoryBuilder()
  const entry = (n: number): BlockEntry => ({
    tmin: n,
    tmax: n,
    seq: n,
    lastSeq: n + 1,
    seqMax: n + 2,
    count: 3,
  })
  for (let n = 0; n < 5000; n++) builder.add(7, entry(n))
  for (let n = 0; n < 3000; n++) builder.add(1030, entry(n))
  const directory = builder.finish()
  expect(listed(directory.blocksOf(7))).toEqual(Array.from({ length: 5000 }, (_, n) => entry(n)))
  expect(listed(directory.blocksOf(1030))).toEqual(Array.from({ length: 3000 }, (_, n) => entry(n)))
})

test('the first block of a range is found as by a walk', () => {
  fc.assert(
    fc.property(blocks, fc.integer({ min: -4, max: 40 }), (entries, offset) => {
      const list = Directory.of()
        .with([{ topicId: 1023, entries: packEntries(entries) }])
        .blocksOf(1023)
      const time = (entries[0]?.tmin ?? 0) + offset
      const orEnd = (at: number): number => (at === -1 ? entries.length : at)
      expect(list.firstAfter(time)).toBe(orEnd(entries.findIndex(({ tmax }) => tmax >= time)))
      expect(list.firstFrom(time)).toBe(orEnd(entries.findIndex(({ tmin }) => tmin >= time)))
    }),
  )
})

test('a part of a list goes into another directory as it is', () => {
  fc.assert(
    fc.property(blocks, fc.nat(6), fc.nat(6), (entries, a, b) => {
      const list = Directory.of()
        .with([{ topicId: 4, entries: packEntries(entries) }])
        .blocksOf(4)
      const [from, to] = [Math.min(a, b, entries.length), Math.min(Math.max(a, b), entries.length)]
      const other = Directory.of().with([{ topicId: 9, entries: list.packed(from, to) }])
      expect(listed(other.blocksOf(9))).toEqual(entries.slice(from, to))
      expect(list.packed()).toEqual(packEntries(entries))
    }),
  )
})

test('pages that did not change are shared, and emptied ones are let go', () => {
  const one = packEntries([{ tmin: 1, tmax: 2, seq: 3, lastSeq: 4, seqMax: 5, count: 6 }])
  const before = Directory.of().with([
    { topicId: 5, entries: one },
    { topicId: 3000, entries: one },
  ])
  const after = before.with([{ topicId: 3000, entries: new Float64Array() }])
  expect(after.pages[0]).toBe(before.pages[0])
  expect(after.pages).toEqual([before.pages[0], null, null])
  expect(before.blocks).toBe(2)
})

test('a worker thread reads the same memory', async () => {
  const entry = { tmin: 1.5, tmax: 2.5, seq: 3, lastSeq: 4, seqMax: 5, count: 6 }
  const { pages } = Directory.of().with([{ topicId: 1500, entries: packEntries([entry]) }])
  const code = `const { parentPort, workerData } = require('node:worker_threads')
    parentPort.postMessage(workerData.map((page) => page && page instanceof SharedArrayBuffer && new Float64Array(page, 4104, 2)))`
  const worker = new Worker(code, { eval: true, workerData: pages })
  const seen = await new Promise((resolve, reject) => worker.on('message', resolve).on('error', reject))
  await worker.terminate()
  expect(seen).toEqual([null, Float64Array.of(1.5, 2.5)])
})

test('a block takes 40 bytes', () => {
  const entries = Array.from({ length: 1000 }, (_, n) => ({
    tmin: n,
    tmax: n,
    seq: n,
    lastSeq: n,
    seqMax: n,
    count: 1,
  }))
  const [page] = Directory.of().with([{ topicId: 0, entries: packEntries(entries) }]).pages
  const [few] = Directory.of().with([{ topicId: 0, entries: packEntries(entries.slice(0, 1)) }]).pages
  expect((page?.byteLength ?? 0) - (few?.byteLength ?? 0)).toBe(999 * 40)
})

describe('what breaks the order is refused', () => {
  const entry = { tmin: 5, tmax: 9, seq: 1, lastSeq: 1, seqMax: 1, count: 1 }
  const change = (...entries: BlockEntry[]): Directory =>
    Directory.of().with([{ topicId: 0, entries: packEntries(entries) }])

  test.each([
    ['blocks that overlap', () => change(entry, { ...entry, tmin: 8 }), 'do not overlap'],
    ['a block that ends before it begins', () => change({ ...entry, tmax: 4 }), 'begins before it ends'],
    ['a time that is no number', () => change({ ...entry, tmin: Number.NaN }), 'begins before it ends'],
    ['a number beyond 2^53', () => change({ ...entry, seqMax: 2 ** 53 }), 'safe integer'],
    ['a count beyond 32 bits', () => change({ ...entry, count: 2 ** 32 }), '32 bits'],
    [
      'half an entry',
      () => Directory.of().with([{ topicId: 0, entries: new Float64Array(3) }]),
      'whole entries',
    ],
    [
      'a topic id below 0',
      () => Directory.of().with([{ topicId: -1, entries: packEntries([entry]) }]),
      'no topic id',
    ],
    [
      'a topic twice',
      () => change(entry).with([0, 0].map((id) => ({ topicId: id, entries: packEntries([entry]) }))),
      'named twice',
    ],
  ])('%s', (_, make, message) => {
    expect(make).toThrow(message)
  })

  test('a builder takes topics in order, and blocks oldest first', () => {
    const builder = new DirectoryBuilder()
    builder.add(5, entry)
    expect(() => builder.add(4, entry)).toThrow('come after those of 5')
    expect(() => builder.add(5, { ...entry, tmin: 1, tmax: 2 })).toThrow('do not overlap')
  })

  test('a list answers for its own blocks alone', () => {
    const list = change(entry).blocksOf(0)
    expect(() => list.tmin(1)).toThrow('there is no block 1 of 1')
    expect(() => list.count(-1)).toThrow('there is no block -1 of 1')
  })
})
