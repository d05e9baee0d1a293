import fc from 'fast-check'
import { expect, test } from 'vitest'
import { placesByThread, topicsAt } from '../../../src/store/leveldb/scan/parts.ts'

const topics = fc
  .tuple(fc.uniqueArray(fc.nat(3000), { maxLength: 300 }), fc.integer({ min: 1, max: 3 }))
  .map(([ids, epochs]) => ({
    epochs,
    set: {
      ids: Uint32Array.from(ids),
      heads: Int32Array.from({ length: ids.length * epochs }, (_, at) => at),
      isOrdered: Uint8Array.from({ length: ids.length * epochs }, (_, at) => at % 2),
    },
  }))

test('every topic is in one part, with its own rows in memory, and in the same part whatever else is asked for', () => {
  fc.assert(
    fc.property(topics, fc.integer({ min: 1, max: 4 }), ({ epochs, set }, threads) => {
      const parts = placesByThread(set, null, threads)
      expect(parts.flat().sort((a, b) => a - b)).toEqual(Array.from(set.ids.keys()))
      for (const [thread, places] of parts.entries()) {
        const some = topicsAt(set, places)
        for (const [at, place] of places.entries()) {
          expect(some.ids[at]).toBe(set.ids[place])
          const own = (all: ArrayLike<number>, from: number) =>
            Array.from({ length: epochs }, (_, e) => all[from * epochs + e])
          expect(own(some.heads, at)).toEqual(own(set.heads, place))
          expect(own(some.isOrdered, at)).toEqual(own(set.isOrdered, place))
        }
        const alone = placesByThread(topicsAt(set, places), null, threads)
        expect(alone[thread]).toHaveLength(places.length)
      }
    }),
  )
})

test('topics of one group are not parted', () => {
  fc.assert(
    fc.property(topics, fc.array(fc.nat(4)), fc.integer({ min: 1, max: 4 }), ({ set }, sizes, threads) => {
      const groupOf = new Uint32Array(set.ids.length)
      let at = 0
      for (const [group, size] of sizes.entries()) groupOf.fill(group, at, (at += size))
      groupOf.fill(sizes.length, at)
      const parts = placesByThread(set, groupOf, threads)
      expect(parts.flat().sort((a, b) => a - b)).toEqual(Array.from(set.ids.keys()))
      const threadsOf = new Map<number, Set<number>>()
      for (const [thread, places] of parts.entries())
        for (const place of places) {
          const group = groupOf[place]!
          threadsOf.set(group, (threadsOf.get(group) ?? new Set()).add(thread))
        }
      for (const found of threadsOf.values()) expect(found.size).toBe(1)
    }),
  )
})
