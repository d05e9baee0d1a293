import { expect, test } from 'vitest'
import { type Grow, RecordCache } from '../../../src/store/leveldb/recordCache.ts'

const overhead = 200
const fill = (cache: RecordCache<object>, seq: number, bytes: number): Grow => {
  let grow: Grow = () => false
  cache.add(seq, bytes, (more) => {
    grow = more
    return {}
  })
  return grow
}

test('what is kept is bounded, and what was not used for two rounds makes room', () => {
  const cache = new RecordCache<object>(3 * (100 + overhead))
  for (const seq of [1, 2, 3, 4]) fill(cache, seq, 100)
  expect([1, 2, 3, 4].map((seq) => cache.get(seq) !== undefined)).toEqual([true, true, true, false])
  cache.nextRound()
  cache.nextRound()
  cache.get(2)
  fill(cache, 5, 100)
  expect([1, 2, 3, 5].map((seq) => cache.get(seq) !== undefined)).toEqual([false, true, false, true])
})

test('a value that grows takes its room with it when it goes, and none after', () => {
  const cache = new RecordCache<object>(1000)
  const grow = fill(cache, 1, 100)
  expect([grow(600), grow(600)]).toEqual([true, false])
  for (let round = 0; round < 5; round++) {
    cache.nextRound()
    cache.nextRound()
    const next = fill(cache, 2 + round, 100)
    expect([grow(1), next(600)]).toEqual([false, true])
  }
})

test('without room nothing is kept, and everything is made', () => {
  const cache = new RecordCache<object>(0)
  expect(fill(cache, 1, 1)(1)).toBe(false)
  expect(cache.get(1)).toBeUndefined()
})
