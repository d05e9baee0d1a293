// What topics cost by the million: taking names in, looking them up, sorting them, and selecting by filters.
// `npx tsx bench/store/topics.ts [topics]`

import { TopicNames } from '../../src/store/leveldb/topics/names.ts'
import { TopicSelect, type TopicSelection } from '../../src/store/leveldb/topics/select.ts'
import { TopicStats } from '../../src/store/leveldb/topics/stats.ts'

const topics = Number(process.argv[2] ?? 1_000_000)
/** 1,000 devices an area, four values a device. */
const nameOf = (n: number): string =>
  `plant/area${Math.floor(n / 4000)}/device${String(Math.floor(n / 4)).padStart(8, '0')}/value${n % 4}`
const names = new TopicNames()
const select = new TopicSelect(names)
const stats = new TopicStats()

/** Nanoseconds for each item. */
function each<T>(what: string, items: readonly T[], work: (item: T, n: number) => unknown): void {
  const started = performance.now()
  for (const [n, item] of items.entries()) work(item, n)
  const ms = performance.now() - started
  console.log(`${what}: ${((ms * 1e6) / items.length).toFixed(0)} ns each, ${ms.toFixed(0)} ms`)
}

/** The median of a few rounds. */
function one(what: string, selection: TopicSelection): void {
  const times = Array.from({ length: 9 }, () => {
    const started = performance.now()
    const { length } = select.select(selection, (id) => stats.readings(id) > 0)
    return { ms: performance.now() - started, length }
  }).sort((a, b) => a.ms - b.ms)
  const { ms, length } = times[4] ?? { ms: 0, length: 0 }
  console.log(
    `select ${what}: ${length} topics in ${ms < 1 ? `${(ms * 1000).toFixed(0)} µs` : `${ms.toFixed(1)} ms`}`,
  )
}

const numbers = Array.from({ length: topics }, (_, n) => n)
const records = numbers.map((n) => Buffer.from(nameOf(n)))
/** Strings as a parser makes them: never hashed before. */
const fresh = (count: number): string[] =>
  numbers.slice(0, count).map((n) => (records[(n * 7919) % topics] ?? Buffer.alloc(0)).toString())
const lately = Math.min(30_000, topics)
each('restore from bytes', records, (bytes, n) => names.restoreBytes(n, bytes))
each('count a reading', numbers, (n) => stats.count(n, n, n, 10))
each('sort at first', [0], () => select.sync())
each('look up, seldom seen', fresh(200_000), (name) => names.idOf(name))
each('look up once more', fresh(lately), (name) => names.idOf(name))
for (let round = 0; round < 5; round++)
  each('look up, seen lately', fresh(lately), (name) => names.idOf(name))
each('name of an id', numbers.slice(0, 200_000), (n) => names.nameOf((n * 7919) % topics))
each('a new topic, then a select', numbers.slice(0, 100), (n) => {
  stats.count(names.add(`plant/area7/new${n}`), 1, 1, 1)
  return select.select({ filters: ['plant/area7/new1/#'], limit: 10 }, () => true)
})
const limit = Number.POSITIVE_INFINITY
const device = nameOf(Math.floor(topics / 2)).split('/')[2] ?? ''
one('one exact', { filters: [nameOf(12_345)], limit })
one('one device of #', { filters: [`plant/+/${device}/#`], limit })
one('an area', { filters: ['plant/area11/#'], limit })
one('+ of an area', { filters: ['plant/area11/+/value1'], limit })
one('three filters', { filters: [`plant/area11/+/value1`, `plant/+/${device}/+`, '+/area11/#'], limit })
one('a first page of all', { filters: ['#'], limit: 100 })
one('a page from the middle', { filters: [], after: nameOf(Math.floor(topics / 2)), limit: 100 })
one('value2 of every device', { filters: ['plant/+/+/value2'], limit })
one('all', { filters: ['#'], limit })
one('a part that few hold', { filters: [], contains: 'Device00012345', limit })
one('a part that none holds', { filters: [], contains: 'nowhere', limit })
one('what the caller may read', { filters: [], mayRead: (name) => name.endsWith('3'), limit })
