// What the block directory costs: building it at open, finding a block, and a change of 1,000 topics among 100,000.
// `npx tsx bench/store/directory.ts [topics]`

import { type BlockEntry, Directory } from '../../src/store/leveldb/directory.ts'

const topics = Number(process.argv[2] ?? 100_000)
const changed = Math.min(1000, topics)
const start = 1.7e12

function entriesOf(id: number, blocks: number): BlockEntry[] {
  return Array.from({ length: blocks }, (_, n) => {
    const seq = id * 1000 + n
    return {
      tmin: start + n * 1000,
      tmax: start + n * 1000 + 999,
      seq,
      seqMin: seq,
      seqMax: seq + 99,
      count: 100,
    }
  })
}

function median(rounds: number, work: () => void): string {
  const times = Array.from({ length: rounds }, () => {
    const started = performance.now()
    work()
    return performance.now() - started
  }).sort((a, b) => a - b)
  return `${times[Math.floor(rounds / 2)]?.toFixed(2)} ms (best ${times[0]?.toFixed(2)})`
}

for (const blocks of [1, 5]) {
  const lists = new Map(Array.from({ length: topics }, (_, id) => [id, entriesOf(id, blocks)]))
  let directory = new Directory()
  const took = median(3, () => (directory = new Directory().with(lists)))
  const bytes = directory.shared.reduce((sum, page) => sum + (page?.byteLength ?? 0), 0)
  console.log(
    `${topics} topics of ${blocks} blocks: ${(bytes / directory.blocks).toFixed(1)} bytes a block with its topic, built in ${took}`,
  )
  const spread = Array.from({ length: changed }, (_, i) => Math.floor((i * topics) / changed))
  const close = Array.from({ length: changed }, (_, i) => i)
  for (const [name, ids] of Object.entries({ spread, close })) {
    const changes = new Map(ids.map((id) => [id, entriesOf(id, blocks)]))
    console.log(`  a change of ${changed} topics, ${name}: ${median(51, () => void directory.with(changes))}`)
  }
  let found = 0
  const lookUps = median(9, () => {
    for (let i = 0; i < 100_000; i++) {
      found += directory.between((i * 7919) % topics, start + 500, start + 501).length
    }
  })
  console.log(`  100,000 times the blocks of a range: ${lookUps}`)
  if (found !== 900_000) throw new Error(`${found} blocks found`)
}
