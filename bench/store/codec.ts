// What the block codec costs and gains: bytes a reading and time a row, for two-field JSON with random-walk values, and
// for other kinds of payload that devices send. Run: npx tsx bench/store/codec.ts

import { randomBytes, randomUUID } from 'node:crypto'
import { decodeBlock, encodeBlock } from '../../src/store/leveldb/block/block.ts'
import { decodeIndex } from '../../src/store/leveldb/block/blockindex.ts'
import { openBlock } from '../../src/store/leveldb/block/open.ts'
import { blockRowsMax, type Rows } from '../../src/store/leveldb/block/rows.ts'
import { createNumberScanner } from '../../src/store/leveldb/block/scan.ts'
import { Shapes } from '../../src/store/leveldb/block/shapes.ts'

const start = Date.UTC(2025, 0, 1)

function makeRows(
  count: number,
  time: (row: number) => number,
  payload: (row: number) => string | Buffer,
): Rows {
  const payloads = Array.from({ length: count }, (_, row) => Buffer.from(payload(row) as string))
  const times = Float64Array.from({ length: count }, (_, row) => time(row))
  const lengths = Uint32Array.from(payloads, (bytes) => bytes.length)
  const offsets = new Uint32Array(count)
  for (let row = 1; row < count; row++) offsets[row] = offsets[row - 1]! + lengths[row - 1]!
  return {
    count,
    times,
    seqs: times.map((time, row) => time * 1024 + (row % 7 === 0 ? 1 : 0)),
    receivedAt: times.slice(),
    metas: new Uint32Array(count),
    bytes: Buffer.concat(payloads),
    offsets,
    lengths,
    fields: null,
  }
}

/** As a sensor walks: the sum of three uniform steps, in tenths. */
function walk(at: number, spread: number, low: number, high: number): () => number {
  let value = at
  return () => {
    value += Math.round((Math.random() + Math.random() + Math.random() - 1.5) * spread)
    if (value < low) value += 5
    if (value > high) value -= 5
    return value / 10
  }
}

function twoFields(): (row: number) => string {
  const temperature = walk(220, 3, -100, 450)
  const humidity = walk(500, 4, 0, 1000)
  return () => `{"temperature":${temperature()},"humidity":${humidity()}}`
}

function waits(): (row: number) => number {
  let time = start
  return () => (time += 1000 + Math.floor(Math.random() * 9000))
}

const grid = (row: number): number => start + row * 10_000 + Math.floor(Math.random() * 20)

/** The quickest of a few runs, in milliseconds: what is slower was somebody else's turn. */
function quickest(run: () => void): number {
  let best = Number.POSITIVE_INFINITY
  for (let i = 0; i < 40; i++) {
    const from = performance.now()
    run()
    best = Math.min(best, performance.now() - from)
  }
  return best
}

function measure(name: string, rows: Rows, path: string): void {
  const { count } = rows
  const shapes = new Shapes()
  const { block, index } = encodeBlock(rows, 0, count, shapes)
  const encode = quickest(() => encodeBlock(rows, 0, count, shapes))
  const decode = quickest(() => decodeBlock(block, shapes))
  const times = new Float64Array(blockRowsMax)
  const values = new Float64Array(blockRowsMax)
  const column = quickest(() => {
    const opened = openBlock(block, shapes)
    opened.times(times)
    opened.numbers(path, values)
  })
  const readIndex = quickest(() => decodeIndex(index))
  const scanner = createNumberScanner(path)
  const scan = quickest(() => {
    for (let row = 0; row < count; row++) {
      const from = rows.offsets[row]!
      scanner(rows.bytes, from, from + rows.lengths[row]!)
    }
  })
  const back = decodeBlock(block, shapes)
  if (!Buffer.from(back.bytes).equals(Buffer.from(rows.bytes))) throw new Error(`${name} came back otherwise`)
  console.log(
    [
      name.padEnd(34),
      (rows.bytes.length / count).toFixed(1).padStart(8),
      (block.length / count).toFixed(3).padStart(8),
      (index.length / count).toFixed(3).padStart(7),
      ((encode * 1e6) / count).toFixed(0).padStart(7),
      ((decode * 1e6) / count).toFixed(0).padStart(7),
      ((column * 1e6) / count).toFixed(1).padStart(8),
      ((scan * 1e6) / count).toFixed(0).padStart(6),
      (readIndex * 1e3).toFixed(1).padStart(7),
    ].join(' '),
  )
}

const full = blockRowsMax
const value = walk(215, 4, -100, 450)
const exact = (): number => value() + Math.random() * 1e-9
const tasmota = (row: number): string =>
  JSON.stringify({
    Time: new Date(start + row * 10_000).toISOString().slice(0, 19),
    ENERGY: {
      Total: Number((100 + row * 0.001).toFixed(3)),
      Power: Math.round(200 + Math.random() * 20),
      Factor: Number((0.9 + Math.random() * 0.05).toFixed(2)),
      Voltage: 230 + Math.round(Math.random() * 3),
    },
    Wifi: { RSSI: 60 + Math.round(Math.random() * 8) },
  })

console.log(
  'payload                              bytes    block   index  encode  decode   column   scan   index',
)
console.log(
  '                                   a reading, in  B/reading  ns a row  ns a row  ns a row  ns     µs',
)
const last = (n: number): string => ['ON', 'OFF'][n] ?? ''
measure('two fields, 1-10 s apart', makeRows(full, waits(), twoFields()), 'temperature')
measure('two fields, 10 s grid, jitter 20 ms', makeRows(full, grid, twoFields()), 'temperature')
measure('two fields, 4,096 rows', makeRows(4096, waits(), twoFields()), 'temperature')
measure('two fields, 50 rows', makeRows(50, waits(), twoFields()), 'temperature')
measure(
  'bare number',
  makeRows(full, grid, () => value().toFixed(2)),
  'value',
)
measure(
  'counter',
  makeRows(full, grid, (row) => `{"count":${row * 3}}`),
  'count',
)
measure(
  'doubles of 16 digits',
  makeRows(full, grid, () => JSON.stringify({ v: exact() })),
  'v',
)
measure(
  'ON and OFF as text',
  makeRows(full, grid, () => last(Math.floor(Math.random() * 2))),
  'value',
)
measure('plug, 7 fields and a time', makeRows(full, grid, tasmota), 'ENERGY.Power')
measure(
  'fixed decimals, blanks',
  makeRows(full, grid, () => `{"t": ${value().toFixed(2)}, "h": 4.0}`),
  't',
)
measure(
  'a UUID',
  makeRows(full, grid, (row) => JSON.stringify({ id: randomUUID(), n: row })),
  'n',
)
measure(
  'random bytes, 32',
  makeRows(full, grid, () => randomBytes(32)),
  'value',
)
