// What aggregates cost from the records of blocks, without the database below: every number of 10 million readings by the
// hour, by seven minutes, and 100,000 topics of 50 readings. Run: npx tsx bench/store/aggregate.ts

import { aggregateBlock } from '../../src/store/leveldb/aggregate/block.ts'
import { type SeriesChunk, unpacked } from '../../src/store/leveldb/aggregate/packed.ts'
import { RowAggregator } from '../../src/store/leveldb/aggregate/rows.ts'
import { AggregateTarget } from '../../src/store/leveldb/aggregate/target.ts'
import { encodeBlock } from '../../src/store/leveldb/block/block.ts'
import { openBlock } from '../../src/store/leveldb/block/open.ts'
import type { Rows } from '../../src/store/leveldb/block/rows.ts'
import { Shapes } from '../../src/store/leveldb/block/shapes.ts'
import { decodeBlock } from '../../src/store/leveldb/block/block.ts'

const start = Date.UTC(2025, 0, 1)
const hour = 3_600_000
const blockRows = 4096

interface Stored {
  shapes: Shapes
  topics: string[]
  /** Of each block: its topic, itself and its index. */
  topicOf: number[]
  blocks: Buffer[]
  indexes: Buffer[]
}

function walk(at: number, spread: number, low: number, high: number): () => number {
  let value = at
  return () => {
    value += Math.round((Math.random() + Math.random() + Math.random() - 1.5) * spread)
    if (value < low) value += 5
    if (value > high) value -= 5
    return value / 10
  }
}

function makeRows(count: number): Rows {
  const temperature = walk(220, 3, -100, 450)
  const humidity = walk(500, 4, 0, 1000)
  const times = new Float64Array(count)
  const offsets = new Uint32Array(count)
  const lengths = new Uint32Array(count)
  const texts: string[] = []
  let time = start + Math.floor(Math.random() * 10_000)
  let size = 0
  for (let row = 0; row < count; row++) {
    times[row] = time += 1000 + Math.floor(Math.random() * 9000)
    const text = `{"temperature":${temperature()},"humidity":${humidity()}}`
    texts.push(text)
    offsets[row] = size
    lengths[row] = text.length
    size += text.length
  }
  const seqs = Float64Array.from(times, (_, row) => 1e6 + row * 1000)
  const bytes = Buffer.from(texts.join(''))
  return {
    count,
    times,
    seqs,
    receivedAt: times,
    metas: new Uint32Array(count),
    bytes,
    offsets,
    lengths,
    fields: null,
  }
}

function store(topics: number, readings: number): Stored {
  const stored: Stored = { shapes: new Shapes(), topics: [], topicOf: [], blocks: [], indexes: [] }
  for (let topic = 0; topic < topics; topic++) {
    stored.topics.push(`plant/line${topic % 40}/device${topic}`)
    const rows = makeRows(readings)
    for (let from = 0; from < readings; from += blockRows) {
      const { block, index } = encodeBlock(rows, from, Math.min(readings, from + blockRows), stored.shapes)
      stored.topicOf.push(topic)
      stored.blocks.push(block)
      stored.indexes.push(index)
    }
  }
  return stored
}

function ask(
  { shapes, topics, topicOf, blocks, indexes }: Stored,
  {
    fields,
    everyMs,
    group,
    quantiles,
  }: { fields: string[]; everyMs: number; group?: string; quantiles?: number[] },
): { ms: number; opened: number; series: number; count: number } {
  const from = Math.floor(start / everyMs) * everyMs
  const edges = Float64Array.from(
    { length: Math.ceil((16 * hour) / everyMs) + 2 },
    (_, i) => from + i * everyMs,
  )
  const began = performance.now()
  let opened = 0
  const open = (block: number): ReturnType<typeof openBlock> => {
    opened++
    return openBlock(blocks[block]!, shapes)
  }
  const target = new AggregateTarget(
    { open, bytesMax: 2 ** 31 },
    { fields, edges, quantiles: quantiles ?? [] },
  )
  let series = 0
  let count = 0
  const take = (chunks: Iterable<SeriesChunk>): void => {
    for (const chunk of chunks) {
      series += chunk.groups.length
      for (const { counts } of unpacked(chunk)) for (const own of counts) count += own
    }
  }
  for (let block = 0; block < blocks.length; block++) {
    aggregateBlock(target, target.group(group ?? topics[topicOf[block]!]!), block, indexes[block]!)
    take(target.ready())
  }
  take(target.finish())
  return { ms: performance.now() - began, opened, series, count }
}

function show(name: string, run: () => { ms: number; opened: number; series: number; count: number }): void {
  const runs = Array.from({ length: 5 }, run)
  const best = runs.reduce((a, b) => (b.ms < a.ms ? b : a))
  console.log(
    `${name.padEnd(52)} ${best.ms.toFixed(1).padStart(8)} ms   ${runs[0]!.ms.toFixed(0).padStart(5)} first   ` +
      `${String(best.opened).padStart(6)} blocks opened   ${best.series} series, ${best.count} numbers`,
  )
}

const large = store(1000, 10_000)
const bytes = large.indexes.reduce((sum, { length }) => sum + length, 0)
console.log(`${large.indexes.length} blocks, ${(bytes / large.indexes.length).toFixed(0)} bytes an index`)
show('hourly, one field, 1,000 × 10,000', () => ask(large, { fields: ['temperature'], everyMs: hour }))
show('hourly, all fields', () => ask(large, { fields: [], everyMs: hour }))
show('hourly, one field, all topics together', () =>
  ask(large, { fields: ['temperature'], everyMs: hour, group: 'all' }),
)
show('7 minutes, one field', () => ask(large, { fields: ['temperature'], everyMs: 420_000 }))
show('7 minutes, all fields', () => ask(large, { fields: [], everyMs: 420_000 }))
show('hourly, one field, median', () =>
  ask(large, { fields: ['temperature'], everyMs: hour, quantiles: [0.5] }),
)

const one = makeRows(blockRows)
const shapes = new Shapes()
const { block } = encodeBlock(one, 0, blockRows, shapes)
const slices = Array.from({ length: 200 }, () => {
  const began = performance.now()
  decodeBlock(block, shapes, { by: 'time', from: one.times[2000]!, to: one.times[2000]! + hour })
  return performance.now() - began
})
console.log(
  `an hour of rows out of a block                       ${(Math.min(...slices) * 1000).toFixed(0)} µs`,
)

const hot = makeRows(200_000)
show('hourly, one field, 200,000 hot rows', () => {
  const edges = Float64Array.from({ length: 2000 }, (_, i) => start + i * hour)
  const source = { open: () => openBlock(block, shapes), bytesMax: 2 ** 30 }
  const began = performance.now()
  const target = new AggregateTarget(source, { fields: ['temperature'], edges, quantiles: [] })
  const rows = new RowAggregator(target)
  const group = target.group('a')
  const row = {
    time: 0,
    seq: 0,
    bytes: hot.bytes,
    start: 0,
    end: 0,
    fieldBytes: hot.bytes,
    fieldsStart: 0,
    fieldsEnd: 0,
  }
  for (let i = 0; i < hot.count; i++) {
    row.time = hot.times[i]!
    row.seq = hot.seqs[i]!
    row.start = hot.offsets[i]!
    row.end = row.start + hot.lengths[i]!
    rows.add(group, row)
  }
  const series = [...target.finish()].flatMap(unpacked)
  return { ms: performance.now() - began, opened: 0, series: series.length, count: hot.count }
})

const many = store(100_000, 50)
show('hourly, one field, 100,000 × 50', () => ask(many, { fields: ['temperature'], everyMs: hour }))
show('hourly, all fields, 100,000 × 50', () => ask(many, { fields: [], everyMs: hour }))
