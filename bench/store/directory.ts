// What the block directory costs: building it at open, finding a block, and a change of 1,000 topics among 100,000.
// `npx tsx bench/store/directory.ts [topics]`

import { Directory, DirectoryBuilder } from '../../src/store/leveldb/topics/directory.ts'
import type { BlockEntry } from '../../src/store/leveldb/topics/page.ts'

const topics = Number(process.argv[2] ?? 100_000)
const changed = Math.min(1000, topics)

function build(blocksEach: number): Directory {
  const builder = new DirectoryBuilder()
  for (let id = 0; id < topics; id++) {
    for (let n = 0; n < blocksEach; n++) builder.add(id, entryOf(id, n))
  }
  return builder.finish()
}

function entryOf(id: number, n: number): BlockEntry {
  const seq = id * 1000 + n
  return {
    tmin: 1.7e12 + n * 1000,
    tmax: 1.7e12 + n * 1000 + 999,
    seq,
    lastSeq: seq,
    seqMax: seq,
    count: 100,
  }
}

function median(rounds: number, work: () => void): string {
  const times = Array.from({ length: rounds }, () => {
    const started = performance.now()
    work()
    return performance.now() - started
  }).sort((a, b) => a - b)
  return `${times[Math.floor(rounds / 2)]?.toFixed(2)} ms (best ${times[0]?.toFixed(2)})`
}

for (const blocksEach of [1, 5]) {
  let directory = Directory.of()
  const took = median(3, () => (directory = build(blocksEach)))
  const bytes = directory.pages.reduce((sum, page) => sum + (page?.byteLength ?? 0), 0)
  console.log(
    `${topics} topics of ${blocksEach} blocks: ${(bytes / directory.blocks).toFixed(1)} bytes a block, built in ${took}`,
  )
  const spread = Array.from({ length: changed }, (_, i) => Math.floor((i * topics) / changed))
  const close = Array.from({ length: changed }, (_, i) => i)
  for (const [name, ids] of Object.entries({ spread, close })) {
    const changes = ids.map((topicId) => ({ topicId, entries: directory.blocksOf(topicId).packed() }))
    console.log(`  a change of ${changed} topics, ${name}: ${median(51, () => directory.with(changes))}`)
  }
  let found = 0
  const lookUps = median(9, () => {
    for (let i = 0; i < 100_000; i++)
      found += directory.blocksOf((i * 7919) % topics).firstAfter(1.7e12 + 500)
  })
  console.log(`  100,000 times the first block of a range: ${lookUps}${found < 0 ? '!' : ''}`)
}
console.log(`memory at the end: ${(process.memoryUsage().rss / 2 ** 20).toFixed(0)} MiB`)
