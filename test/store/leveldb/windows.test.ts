import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { ChunkWriter, RowChunk } from '../../../src/store/leveldb/scan/chunk.ts'
import { mergeRuns } from '../../../src/store/leveldb/scan/merge.ts'
import type { TimedRun } from '../../../src/store/leveldb/scan/runs.ts'
import { mergeWindows } from '../../../src/store/leveldb/scan/windows.ts'

interface Row {
  time: number
  seq: number
}

/** The rows of one topic in blocks that are opened one after another, each at hand in slices. */
class ListRun implements TimedRun {
  time: number
  seq = 0
  isOpen = false
  readonly #topicId: number
  readonly #blocks: Row[][]
  readonly #sliceRows: number
  #at = 0

  constructor(topicId: number, blocks: Row[][], sliceRows: number) {
    this.#topicId = topicId
    this.#blocks = blocks
    this.#sliceRows = sliceRows
    this.time = blocks[0]![0]!.time
  }

  open(): boolean {
    this.isOpen = true
    this.#stand()
    return true
  }

  give(to: ChunkWriter): boolean {
    const { time, seq } = this.#blocks[0]![this.#at]!
    const bytes = Buffer.from(`{"n":${seq}}payload ${seq}`)
    const fieldsEnd = bytes.indexOf('}') + 1
    to.push(
      { topicId: this.#topicId, time, seq, receivedAt: time + 1, captureId: seq % 7 },
      {
        fields: bytes,
        fieldsAt: 0,
        fieldsEnd,
        payload: bytes,
        payloadAt: fieldsEnd,
        payloadEnd: bytes.length,
      },
    )
    this.#at++
    if (this.#at < this.#blocks[0]!.length) {
      this.#stand()
      return true
    }
    this.#blocks.shift()
    this.#at = 0
    this.isOpen = false
    this.seq = 0
    if (this.#blocks.length === 0) return false
    this.time = this.#blocks[0]![0]!.time
    return true
  }

  timeAhead(rows: number): number {
    const block = this.#blocks[0]!
    const sliceEnd = this.#at - (this.#at % this.#sliceRows) + this.#sliceRows
    return block[Math.min(block.length, sliceEnd, this.#at + rows + 1) - 1]!.time
  }

  #stand(): void {
    const { time, seq } = this.#blocks[0]![this.#at]!
    this.time = time
    this.seq = seq
  }
}

function rowsOf(chunks: Iterable<RowChunk>): unknown[] {
  const rows: unknown[] = []
  for (const { count, topics, times, seqs, receivedAt, captures, bytes, fieldsEnds, payloadEnds } of chunks) {
    for (let i = 0; i < count; i++) {
      const from = i === 0 ? 0 : payloadEnds[i - 1]!
      const textTo = (start: number, end: number): string =>
        Buffer.from(bytes.subarray(start, end)).toString()
      const fields = textTo(from, fieldsEnds[i]!)
      const payload = textTo(fieldsEnds[i]!, payloadEnds[i]!)
      rows.push([topics[i], times[i], seqs[i], receivedAt[i], captures[i], fields, payload])
    }
  }
  return rows
}

const limits = { chunkRows: 37, chunkBytes: 2000 }

/** Topics with rows whose times are close, equal, parts of a millisecond or ages apart. */
const topics = fc.array(
  fc.record({
    times: fc.array(
      fc.oneof(
        { weight: 6, arbitrary: fc.nat(300) },
        { weight: 1, arbitrary: fc.constantFrom(7, 7.5, 2 ** 45, -(2 ** 45)) },
      ),
      { minLength: 1, maxLength: 60 },
    ),
    blockRows: fc.integer({ min: 1, max: 30 }),
    sliceRows: fc.integer({ min: 1, max: 9 }),
  }),
  { maxLength: 40 },
)

test('windows give the rows of many topics once each, as a heap of them does', () => {
  fc.assert(
    fc.property(topics, fc.infiniteStream(fc.nat(1_000_000)), (given, numbers) => {
      const seen = new Set<number>()
      const number = (): number => {
        let seq = numbers.next().value
        while (seen.has(seq)) seq++
        seen.add(seq)
        return seq
      }
      const blocksOf = given.map(({ times, blockRows }) => {
        const rows = times.map((time) => ({ time, seq: number() }))
        rows.sort((a, b) => a.time - b.time || a.seq - b.seq)
        return Array.from({ length: Math.ceil(rows.length / blockRows) }, (_, i) =>
          rows.slice(i * blockRows, (i + 1) * blockRows),
        )
      })
      const runs = (): ListRun[] =>
        blocksOf.map((blocks, id) => new ListRun(id, [...blocks], given[id]!.sliceRows))
      const expected = rowsOf(mergeRuns(runs(), 'asc', { limit: Number.POSITIVE_INFINITY, ...limits }))
      expect(rowsOf(mergeWindows(runs(), limits))).toEqual(expected)
      expect(expected.length).toBe(seen.size)
    }),
    { numRuns: 400 },
  )
})

test('a window is as large as it must be where many topics have one time', () => {
  const runs = (): ListRun[] =>
    Array.from({ length: 3000 }, (_, id) => {
      const rows = Array.from({ length: 12 }, (_row, i) => ({
        time: Math.floor(i / 4),
        seq: i * 3000 + ((id * 7919) % 3000),
      }))
      return new ListRun(id, [rows.slice(0, 6), rows.slice(6)], 5)
    })
  const expected = rowsOf(mergeRuns(runs(), 'asc', { limit: Number.POSITIVE_INFINITY, ...limits }))
  expect(rowsOf(mergeWindows(runs(), limits))).toEqual(expected)
})
