// Selecting topics: whatever the names, filters and pages, the answer is that of the plain functions in store/memory.ts.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { TopicNames } from '../../../../src/store/leveldb/topics/names.ts'
import { TopicSelect, type TopicSelection } from '../../../../src/store/leveldb/topics/select.ts'
import { byCodeUnit, isListed } from '../../../../src/store/memory.ts'

/** Levels from a small alphabet, so that filters match; with neighbours of `/`, `$` and of the surrogates in each order. */
const level = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom('a', 'b', 'c', '') },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      'a!',
      'a.',
      'a0',
      'A',
      '$S',
      '$',
      '#a',
      '!',
      'é',
      '\ue000',
      '\u{1f600}',
      '\ud800',
      '\udc00',
      '\uffff',
      'K',
      'İ',
    ),
  },
)
const name = fc.array(level, { minLength: 1, maxLength: 5 }).map((levels) => levels.join('/'))
const filter = fc
  .tuple(
    fc.array(fc.oneof({ weight: 2, arbitrary: level }, { weight: 1, arbitrary: fc.constant('+') }), {
      maxLength: 5,
    }),
    fc.constantFrom([], ['#'], ['#', 'a']),
  )
  .map(([levels, tail]) => [...levels, ...tail].join('/'))

const selection: fc.Arbitrary<TopicSelection> = fc.record(
  {
    filters: fc.array(filter, { maxLength: 5 }),
    limit: fc.oneof(fc.nat(6), fc.constant(Number.POSITIVE_INFINITY)),
    contains: fc.constantFrom('a', 'A/B', '', 'é', 'k', 'i', '\u{1f600}', 'a/', '\ud800'),
    after: name,
    mayRead: fc.constantFrom(
      (topic: string) => topic.length % 2 === 0,
      (topic: string) => !topic.startsWith('a'),
    ),
  },
  { requiredKeys: ['filters', 'limit'] },
)

const naive = (names: Iterable<string>, query: TopicSelection): string[] =>
  [...names]
    .filter((topic) => isListed(topic, query))
    .sort(byCodeUnit)
    .slice(0, query.limit)

test('topics are selected as the plain functions do, while topics come and go', () => {
  const round = fc.record({
    added: fc.array(name),
    removed: fc.array(fc.nat(200), { maxLength: 8 }),
    query: selection,
  })
  fc.assert(
    fc.property(fc.array(round, { minLength: 1, maxLength: 6 }), (rounds) => {
      const names = new TopicNames()
      const select = new TopicSelect(names)
      const model = new Map<string, number>()
      for (const { added, removed, query } of rounds) {
        for (const topic of added) model.set(topic, names.add(topic))
        for (const id of removed) {
          if (!names.has(id)) continue
          model.delete(names.nameOf(id))
          names.remove(id)
        }
        const isShown = (id: number): boolean => id % 7 !== 3
        const shown = [...model].filter(([, id]) => isShown(id)).map(([topic]) => topic)
        const found = [...select.select(query, isShown)].map((id) => names.nameOf(id))
        expect(found).toEqual(naive(shown, query))
      }
    }),
    { numRuns: 2000 },
  )
})

test('an id that was removed and restored under another name stands where its new name belongs', () => {
  const names = new TopicNames()
  const select = new TopicSelect(names)
  for (const topic of ['a', 'b', 'c']) names.add(topic)
  select.sync()
  names.remove(0)
  names.restore(0, 'z')
  expect([...select.select({ filters: [], limit: 9 }, () => true)]).toEqual([1, 2, 0])
})

test('pages of a listing put together are the whole of it', () => {
  const names = new TopicNames()
  const select = new TopicSelect(names)
  for (let n = 0; n < 3000; n++) names.add(`area${n % 7}/device${n % 500}/${n % 13 === 0 ? 'x' : n}`)
  const filters = ['area3/+/x', 'area5/#', '+/device77/+']
  const paged: string[] = []
  for (let after: string | undefined; ; ) {
    const query = { filters, limit: 10, ...(after === undefined ? {} : { after }) }
    const page = [...select.select(query, () => true)].map((id) => names.nameOf(id))
    if (page.length === 0) break
    paged.push(...page)
    after = page.at(-1)
  }
  const all = Array.from({ length: names.count }, (_, id) => names.nameOf(id))
  expect(paged).toEqual(naive(all, { filters, limit: Number.POSITIVE_INFINITY }))
})

test('topics looked for a few at a time are those of one look', () => {
  const query = fc.tuple(
    fc.array(name, { minLength: 1, maxLength: 40 }),
    selection,
    fc.integer({ min: 1, max: 5 }),
  )
  fc.assert(
    fc.property(query, ([topics, asked, most]) => {
      const names = new TopicNames()
      const select = new TopicSelect(names)
      for (const topic of topics) names.add(topic)
      const isShown = (id: number): boolean => id % 5 !== 3
      const found: number[] = []
      let after: string | null | undefined = asked.after
      do {
        const rest = {
          ...asked,
          limit: asked.limit - found.length,
          ...(after === undefined ? {} : { after }),
        }
        const part = select.part(rest, isShown, most)
        found.push(...part.ids)
        after = part.after
      } while (after !== null)
      expect(found).toEqual([...select.select(asked, isShown)])
    }),
    { numRuns: 1000 },
  )
})

test('names that share a prefix of thousands of bytes are sorted', () => {
  const names = new TopicNames()
  const select = new TopicSelect(names)
  const prefix = 'x'.repeat(30_000)
  for (let n = 0; n < 40; n++) names.add(`${prefix}${(n * 17) % 40}`)
  const found = [...select.select({ filters: [], limit: 100 }, () => true)].map((id) => names.nameOf(id))
  expect(found).toEqual(found.toSorted(byCodeUnit))
  expect(found.length).toBe(40)
})

test('a filter that matches a few of many topics looks at a few of them', () => {
  const names = new TopicNames()
  const select = new TopicSelect(names)
  for (let area = 0; area < 10; area++) {
    for (let device = 0; device < 10_000; device++) names.add(`area${area}/device${device}/temperature`)
    names.add(`area${area}/gateway/uptime`)
  }
  let looked = 0
  const arenaOf = names.arenaOf.bind(names)
  select.sync()
  names.arenaOf = (id) => {
    looked++
    return arenaOf(id)
  }
  const found = select.select({ filters: ['area4/gateway/#', '+/gateway/uptime'], limit: 100 }, () => true)
  expect(found.length).toBe(10)
  expect(looked).toBeLessThan(2000)
})
