// Adds a block to an aggregate: slots that lie in one bucket are answered by its index; the block is opened for the rest
// only, and of it the times and the fields asked for are read.

import type { IndexReader } from '../block/indexreader.ts'
import type { FieldSlots } from '../block/slots.ts'
import { placeFrom, rowFrom } from './cache.ts'
import type { Cells } from './cells.ts'
import { byRows, outside, type Slots } from './slots.ts'
import type { AggregateTarget, Group } from './target.ts'

/** Rows from…to of a block lie in one bucket. */
interface Run {
  bucket: number
  from: number
  to: number
}

/** Adds block number `block`, whose index record is given, to `group`. Throws `store_corrupt`, `query_limit`. */
export function aggregateBlock(
  target: AggregateTarget,
  group: Group,
  block: number,
  index: Uint8Array,
): void {
  const { reader, buckets } = target
  reader.open(index)
  if (reader.tmax < buckets.from || reader.tmin >= buckets.to) return
  target.slots.lay(reader, buckets, target.quantiles.length === 0)
  const { slots } = target
  const scan: Scan = { target, group, block }
  const listed = new Set<number>()
  const runs = slots.hasRows ? runsOf(scan, slots, byRows) : []
  forListed(target, reader, (at, field) => {
    if (!reader.isComplete) listed.add(field)
    if (slots.hasWhole) addSlots(scan, slots, field, reader.read(at))
    if (runs.length > 0) addRuns(scan, field, runs)
  })
  if (reader.isComplete) return
  // Which other fields there are, and what they come to, only the block knows.
  const others = fieldsOf(scan).filter((field) => !listed.has(field))
  if (others.length === 0) return
  const all = runsOf(scan, slots, 0)
  for (const field of others) addRuns(scan, field, all)
}

interface Scan {
  target: AggregateTarget
  group: Group
  block: number
}

/** Calls `visit` with the place in the index and the number of every field that counts. */
function forListed(
  target: AggregateTarget,
  reader: IndexReader,
  visit: (at: number, field: number) => void,
): void {
  if (!target.isChosen) {
    for (let at = 0; at < reader.fields; at++) visit(at, target.fieldAt(at, reader))
    return
  }
  for (const [field, path] of target.pathBytes.entries()) {
    if (!path) continue
    for (let at = 0; at < reader.fields; at++) {
      if (!reader.hasPath(at, path)) continue
      visit(at, field)
      break
    }
  }
}

function addSlots({ target, group, block }: Scan, slots: Slots, field: number, values: FieldSlots): void {
  const cells = target.cellsOf(group, field)
  const { counts, sums, m2s, mins, maxs, firsts, lasts } = values
  const { first, last } = target.wants
  const source = -1 - block
  cells.cover(slots.low, slots.high)
  for (let slot = 0; slot < slots.count; slot++) {
    const bucket = slots.buckets[slot]!
    const count = counts[slot]!
    if (bucket < 0 || count === 0) continue
    const at = cells.at(bucket)
    cells.add(at, count, sums[slot]!, m2s[slot]!, mins[slot]!, maxs[slot]!)
    if (first) cells.first(at, firsts[slot]!, slots.froms[slot]!, slots.tos[slot]!, source)
    if (last) cells.last(at, lasts[slot]!, slots.froms[slot]!, slots.tos[slot]!, source)
  }
}

/** The runs of rows in slots that rows must answer (`byRows`), or in all slots of the range (0). */
function runsOf({ target, block }: Scan, slots: Slots, which: typeof byRows | 0): Run[] {
  const { buckets, scanned } = target
  const times = scanned.times(block)
  const runs: Run[] = []
  for (let slot = 0; slot < slots.count; slot++) {
    const isMeant = (at: number): boolean =>
      which === byRows ? slots.buckets[at] === byRows : slots.buckets[at] !== outside
    if (!isMeant(slot)) continue
    const from = Math.max(buckets.from, slots.froms[slot]!)
    while (slot + 1 < slots.count && isMeant(slot + 1)) slot++
    const to = slots.tos[slot]!
    let row = rowFrom(times, from)
    while (row < times.length && times[row]! <= to) {
      const bucket = buckets.at(times[row]!)
      if (bucket < 0) break
      const until = Math.min(buckets.edges[bucket + 1]!, to + 1)
      const start = row
      row = rowFrom(times, until, row)
      runs.push({ bucket, from: start, to: row })
    }
  }
  return runs
}

/** Numbers of the fields that count in a block whose index does not list all. */
function fieldsOf({ target, block }: Scan): number[] {
  if (target.isChosen) return target.paths.map((_, field) => field)
  const paths = target.scanned.open(block).paths()
  return [...paths].flatMap(([path, types]) => (types.has('number') ? [target.fieldOf(path)] : []))
}

function addRuns({ target, group, block }: Scan, field: number, runs: readonly Run[]): void {
  const times = target.scanned.times(block)
  const { rows, values } = target.scanned.numbers(block, field)
  const { spread, first: wantsFirst, last: wantsLast } = target.wants
  let cells: Cells | null = null
  for (const { bucket, from, to } of runs) {
    const first = rows ? placeFrom(rows, from) : from
    const end = rows ? placeFrom(rows, to) : to
    if (first >= end) continue
    cells ??= target.cellsOf(group, field)
    const at = cells.at(bucket)
    if (spread) addValues(cells, at, values, first, end)
    else cells.add(at, end - first, sumOf(values, first, end), 0, 0, 0)
    if (wantsFirst) {
      const time = times[rows ? rows[first]! : first]!
      cells.first(at, values[first]!, time, time, -1 - block)
    }
    if (wantsLast) {
      const time = times[rows ? rows[end - 1]! : end - 1]!
      cells.last(at, values[end - 1]!, time, time, -1 - block)
    }
    if (target.quantiles.length > 0) cells.collect(bucket, values, first, end)
  }
}

function sumOf(values: Float64Array, from: number, to: number): number {
  let sum = 0
  for (let i = from; i < to; i++) sum += values[i]!
  return sum
}

/** Adds values[from…to), at least one. */
function addValues(cells: Cells, at: number, values: Float64Array, from: number, to: number): void {
  // Distances from one of the values, so that large values close together keep their digits.
  const base = values[from]!
  let sum = base
  let distances = 0
  let squares = 0
  let min = base
  let max = base
  for (let i = from + 1; i < to; i++) {
    const value = values[i]!
    const distance = value - base
    sum += value
    distances += distance
    squares += distance * distance
    if (value < min) min = value
    if (value > max) max = value
  }
  const count = to - from
  cells.add(at, count, sum, Math.max(0, squares - (distances * distances) / count), min, max)
}
