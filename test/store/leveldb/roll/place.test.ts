import { expect, test } from 'vitest'
import type { Rows } from '../../../../src/store/leveldb/block/rows.ts'
import type { BlockEntry } from '../../../../src/store/leveldb/directory.ts'
import { fullBlockRows, placeRows } from '../../../../src/store/leveldb/roll/place.ts'

/** One reading a millisecond, each with its time as payload. */
function rowsFrom(first: number, count: number): Rows {
  const times = Float64Array.from({ length: count }, (_, row) => first + row)
  const payloads = Array.from(times, (time) => Buffer.from(String(time)))
  const lengths = Uint32Array.from(payloads, ({ length }) => length)
  let end = 0
  return {
    count,
    times,
    seqs: times,
    receivedAt: times,
    metas: new Uint32Array(count),
    bytes: Buffer.concat(payloads),
    offsets: lengths.map((length) => (end += length) - length),
    lengths,
    fields: null,
  }
}

/** A topic that is rolled again and again, and how many rows were written for it. */
class RolledTopic {
  entries: BlockEntry[] = []
  written = 0
  blocksMost = 0
  readonly #rows = new Map<number, Rows>()

  roll(fresh: Rows, damaged: ReadonlySet<number> = new Set()): void {
    const read = ({ tmin }: BlockEntry): Rows | null => (damaged.has(tmin) ? null : this.#rows.get(tmin)!)
    this.entries = placeRows(this.entries, fresh, read).map((piece) => {
      if ('kept' in piece) return piece.kept
      const { rows } = piece
      const tmin = rows.times[0]!
      this.written += rows.count
      this.#rows.set(tmin, rows)
      const [tmax, seqMax] = [rows.times.at(-1)!, rows.seqs.at(-1)!]
      return { tmin, tmax, seq: tmin, seqMin: tmin, seqMax, count: rows.count }
    })
    this.blocksMost = Math.max(
      this.blocksMost,
      this.entries.filter(({ count }) => count < fullBlockRows).length,
    )
  }

  texts(): string[] {
    return this.entries.flatMap(({ tmin }) => {
      const { bytes, offsets, lengths, count } = this.#rows.get(tmin)!
      const all = Buffer.from(bytes)
      return Array.from({ length: count }, (_, i) =>
        all.toString('latin1', offsets[i], offsets[i]! + lengths[i]!),
      )
    })
  }
}

test.each([
  [262, 100_000, 2],
  [16, 40_000, 3],
  [1, 5000, 4],
])(
  'rolls of %i rows of a topic, %i in all, leave few small blocks and write each row about %i times',
  (each, total, most) => {
    const topic = new RolledTopic()
    let at = 0
    for (; at < total; at += each) topic.roll(rowsFrom(at, each))
    expect(topic.texts()).toEqual(Array.from({ length: at }, (_, time) => String(time)))
    expect(topic.blocksMost).toBeLessThanOrEqual(16 * 3)
    expect(topic.written / at).toBeLessThanOrEqual(most + 0.1)
  },
)

test('a damaged block at the tail is kept, and what comes after it is joined without it', () => {
  const topic = new RolledTopic()
  for (let at = 0; at < 30; at++) topic.roll(rowsFrom(at * 10, 10), new Set([50]))
  expect(topic.entries.some(({ tmin, count }) => tmin === 50 && count === 10)).toBe(true)
  expect(topic.texts()).toEqual(Array.from({ length: 300 }, (_, time) => String(time)))
  expect(topic.entries.length).toBeLessThan(25)
})
