// Counts of topics: what a plain list of the readings says.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { TopicStats } from '../../../../src/store/leveldb/topics/stats.ts'

const nothing = { readings: 0, bytes: 0, firstTime: 0, lastTime: 0, newestSeq: 0, seqMax: 0 }

test('counts are those of the readings, in any order of time', () => {
  const reading = fc.record({
    id: fc.constantFrom(0, 1, 4095, 4096, 20_000),
    time: fc.integer({ min: -5, max: 5 }),
    bytes: fc.nat(1000),
  })
  fc.assert(
    fc.property(fc.array(reading), (list) => {
      const stats = new TopicStats()
      for (const [i, { id, time, bytes }] of list.entries()) stats.count(id, time, i + 1, bytes)
      for (const id of [0, 1, 2, 4095, 4096, 20_000, 99_999]) {
        const mine = list.map((one, i) => ({ ...one, seq: i + 1 })).filter((one) => one.id === id)
        const times = mine.map(({ time }) => time)
        const newest = mine.toSorted((a, b) => a.time - b.time || a.seq - b.seq).at(-1)
        const expected = newest
          ? {
              readings: mine.length,
              bytes: mine.reduce((sum, { bytes }) => sum + bytes, 0),
              firstTime: Math.min(...times),
              lastTime: newest.time,
              newestSeq: newest.seq,
              seqMax: mine.at(-1)?.seq,
            }
          : nothing
        expect(stats.info(id)).toEqual(expected)
        expect(stats.readings(id)).toBe(mine.length)
      }
    }),
  )
})

test('counts set are given back, counted on, and cleared without touching the neighbours', () => {
  const stats = new TopicStats()
  const counts = {
    readings: 2 ** 40,
    bytes: 2 ** 50,
    firstTime: -1,
    lastTime: 9e12,
    newestSeq: 8,
    seqMax: 12,
  }
  stats.set(4096, counts)
  stats.count(4095, 1, 1, 1)
  stats.count(4096, 9e12, 10, 5)
  expect(stats.info(4096)).toEqual({ ...counts, readings: 2 ** 40 + 1, bytes: 2 ** 50 + 5, newestSeq: 10 })
  stats.clear(4096)
  stats.clear(1e9)
  expect(stats.info(4096)).toEqual(nothing)
  expect(stats.readings(4095)).toBe(1)
})
