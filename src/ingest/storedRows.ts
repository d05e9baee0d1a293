// Which rows of an import are stored already: looked up a batch at a time, by what they say. Equal rows of one time that follow
// each other are that many readings, so those stored before are counted off, over the batches as well.

import { AssertionError } from 'node:assert'
import type { ReadingStore } from '../store/store.ts'
import type { ImportRow } from './importRows.ts'

type Store = Pick<ReadingStore, 'range'>

export interface StoredRows {
  /** Before the rows of a batch are asked about, when those of the batch before are durable. */
  lookUp(rows: readonly ImportRow[]): Promise<void>
  /** Whether this row is a duplicate; if it is not, it counts as stored from now on. */
  has(row: ImportRow): boolean
}

/** A row as it is stored already. */
interface Known {
  time: number
  stored: number
  /** Of these, not yet met in this run of rows of one time. */
  left: number
  run: number
}

export function createStoredRows(store: Store): StoredRows {
  let time = Number.NaN
  let run = 0
  let known = new Map<string, Known>()
  return {
    async lookUp(rows) {
      const counts = await countsOf(store, rows)
      // What was counted for the time it goes on with stays.
      known = new Map([...known].filter(([, one]) => one.time === time))
      for (const { row, key, count } of counts) {
        if (!known.has(key)) known.set(key, { time: row.reading.time, stored: count, left: count, run: 0 })
      }
    },
    has(row) {
      if (row.reading.time !== time) {
        time = row.reading.time
        run++
      }
      const found = known.get(keyOf(row))
      if (found === undefined) throw new AssertionError({ message: 'a row was not looked up' })
      if (found.run !== run) {
        found.run = run
        found.left = found.stored
      }
      if (found.left > 0) {
        found.left--
        return true
      }
      found.stored++
      return false
    },
  }
}

function keyOf({
  reading: { topic, time, receivedAt, payload },
  hasReceivedAt,
}: Pick<ImportRow, 'reading' | 'hasReceivedAt'>): string {
  return `${time} ${hasReceivedAt ? receivedAt : ''} ${topic}\0${Buffer.from(payload).toString('latin1')}`
}

/** Readings looked at for a batch before its rows are looked up one by one: they lie far apart in a dense store. */
const seenMax = 10_000

/** How many readings like each row are stored. */
async function countsOf(
  store: Store,
  rows: readonly ImportRow[],
): Promise<{ row: ImportRow; key: string; count: number }[]> {
  if (rows.length === 0) return []
  const found = await countStored(store, rows, seenMax)
  const counts: { row: ImportRow; key: string; count: number }[] = []
  for (const row of rows) {
    const key = keyOf(row)
    const stored = found ?? (await countStored(store, [row], Number.POSITIVE_INFINITY))
    counts.push({ row, key, count: stored?.get(key) ?? 0 })
  }
  return counts
}

/** By key; `null` when there is too much to look at. */
async function countStored(
  store: Store,
  rows: readonly ImportRow[],
  most: number,
): Promise<Map<string, number> | null> {
  const counts = new Map(rows.map((row) => [keyOf(row), 0]))
  const times = rows.map(({ reading }) => reading.time)
  let seen = 0
  const chunks = store.range({
    filters: [...new Set(rows.map(({ reading }) => reading.topic))],
    from: Math.min(...times),
    to: Math.max(...times) + 1,
    order: 'asc',
    limit: most + 1,
  })
  for await (const chunk of chunks) {
    for (const reading of chunk) {
      if (++seen > most) return null
      for (const hasReceivedAt of [true, false]) {
        const key = keyOf({ reading, hasReceivedAt })
        const count = counts.get(key)
        if (count !== undefined) counts.set(key, count + 1)
      }
    }
  }
  return counts
}
