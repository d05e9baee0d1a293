// Run in its own process with --expose-gc: what a million topics take in memory, as one line of JSON.

import { TopicNames } from '../../../../src/store/leveldb/topics/names.ts'
import { TopicSelect } from '../../../../src/store/leveldb/topics/select.ts'
import { TopicStats } from '../../../../src/store/leveldb/topics/stats.ts'

const topics = 1_000_000
const nameOf = (n: number): string =>
  `plant/area${String(n % 100).padStart(3, '0')}/device${String(n).padStart(9, '0')}/temp/value`

const { gc } = globalThis
if (!gc) throw new Error('run with --expose-gc')
const used = (): { heap: number; all: number } => {
  for (let i = 0; i < 3; i++) gc()
  const { heapUsed, external } = process.memoryUsage()
  return { heap: heapUsed, all: heapUsed + external }
}
const before = used()
const names = new TopicNames()
const select = new TopicSelect(names)
const stats = new TopicStats()
for (let n = 0; n < topics; n++) stats.count(names.add(nameOf(n)), n, n, 10)
const page = (): Uint32Array => select.select({ filters: [], limit: 1 }, (id) => stats.readings(id) > 0)
const [first = -1] = page()
const after = used()
const perTopic = { all: (after.all - before.all) / topics, heap: (after.heap - before.heap) / topics }
// What is asked now is alive above.
const sizes = { topics: names.count, nameBytes: names.nameOf(first).length, shown: page().length }
console.log(JSON.stringify({ ...sizes, perTopic }))
