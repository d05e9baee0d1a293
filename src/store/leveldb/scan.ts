// Reads rows of many topics in one (time, seq) order, forwards or backwards, from blocks and from what is still hot.
// Everything is seen as it stood when the scan began, whatever is rolled meanwhile.

import type { RangeQuery } from '../store.ts'
import type { Database } from './database.ts'
import type { HotRows } from './hot.ts'
import { readBlock } from './roll.ts'
import { byTime, type Row } from './row.ts'
import type { BlockEntry, Topic } from './topics.ts'

type Snapshot = ReturnType<Database['snapshot']>
type Bounds = Pick<RangeQuery, 'from' | 'to' | 'order' | 'after'>

/** One topic's rows in the asked order, a row at a time. */
class TopicCursor {
  readonly topic: Topic
  #blocks: BlockEntry[]
  #rows: Row[] = []
  #at = 0
  #hot: Row[]
  #hotAt = 0
  readonly #open: (topic: Topic, entry: BlockEntry) => Row[]
  readonly #sign: 1 | -1

  constructor(
    topic: Topic,
    hot: readonly HotRows[],
    bounds: Bounds,
    open: (topic: Topic, entry: BlockEntry) => Row[],
  ) {
    const sign = bounds.order === 'asc' ? 1 : -1
    const prepare = (rows: Row[]): Row[] => {
      const kept = rows.filter((row) => isWithin(row, bounds))
      return sign === 1 ? kept : kept.reverse()
    }
    const blocks = topic.blocks.filter(
      (entry) => entry.tmax >= bounds.from && entry.tmin < bounds.to && mayHold(entry, bounds),
    )
    this.topic = topic
    this.#blocks = sign === 1 ? blocks : blocks.reverse()
    this.#hot = prepare(hot.flatMap((epoch) => epoch.sorted(topic.id)).sort(byTime))
    this.#open = (t, entry) => prepare(open(t, entry))
    this.#sign = sign
  }

  /** The next row without taking it; opens blocks as they are reached. */
  peek(): Row | null {
    while (this.#at >= this.#rows.length) {
      const entry = this.#blocks.shift()
      if (!entry) break
      this.#rows = this.#open(this.topic, entry)
      this.#at = 0
    }
    const cold = this.#rows[this.#at]
    const hot = this.#hot[this.#hotAt]
    if (!cold || !hot) return cold ?? hot ?? null
    return byTime(cold, hot) * this.#sign < 0 ? cold : hot
  }

  take(): void {
    if (this.peek() === this.#rows[this.#at]) this.#at++
    else this.#hotAt++
  }
}

function isWithin(row: Row, { from, to, order, after }: Bounds): boolean {
  if (row.time < from || row.time >= to) return false
  if (!after) return true
  return order === 'asc' ? byTime(row, after) > 0 : byTime(row, after) < 0
}

function mayHold(entry: BlockEntry, { order, after }: Bounds): boolean {
  if (!after) return true
  return order === 'asc' ? entry.tmax >= after.time : entry.tmin <= after.time
}

/** Merges the topics' rows; at most `bounds.limit`. */
export function* scanRows(
  {
    db,
    hot,
    topics,
    snapshot,
  }: { db: Database; hot: readonly HotRows[]; topics: readonly Topic[]; snapshot: Snapshot },
  bounds: Bounds & Pick<RangeQuery, 'limit'>,
): Generator<Row> {
  const sign = bounds.order === 'asc' ? 1 : -1
  const open = (topic: Topic, entry: BlockEntry): Row[] => readBlock(db, topic, entry, snapshot)
  const heap: { row: Row; cursor: TopicCursor }[] = []
  for (const topic of topics) {
    const cursor = new TopicCursor(topic, hot, bounds, open)
    const row = cursor.peek()
    if (row) push(heap, { row, cursor }, sign)
  }
  for (let left = bounds.limit; left > 0; left--) {
    const first = heap[0]
    if (!first) return
    yield first.row
    first.cursor.take()
    const row = first.cursor.peek()
    if (row) heap[0] = { row, cursor: first.cursor }
    else {
      const last = heap.pop()
      if (!last || last === first) continue
      heap[0] = last
    }
    sink(heap, sign)
  }
}

type Entry = { row: Row; cursor: TopicCursor }

function push(heap: Entry[], entry: Entry, sign: 1 | -1): void {
  let at = heap.length
  heap.push(entry)
  while (at > 0) {
    const up = (at - 1) >>> 1
    const parent = heap[up]
    if (!parent || byTime(parent.row, entry.row) * sign <= 0) break
    heap[at] = parent
    at = up
  }
  heap[at] = entry
}

function sink(heap: Entry[], sign: 1 | -1): void {
  const entry = heap[0]
  if (!entry) return
  let at = 0
  for (;;) {
    let child = 2 * at + 1
    let least = heap[child]
    const right = heap[child + 1]
    if (least && right && byTime(right.row, least.row) * sign < 0) {
      least = right
      child++
    }
    if (!least || byTime(least.row, entry.row) * sign >= 0) break
    heap[at] = least
    at = child
  }
  heap[at] = entry
}
