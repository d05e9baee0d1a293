// Imports: rows with times of their own become readings through capture, in their order and in batches. Promises that the
// same row sent again is a duplicate and not a second reading, by its `id` or else by what it says.

import { createHash } from 'node:crypto'
import { AppError, asAppError } from '../domain/errors.ts'
import type { NewReading } from '../domain/reading.ts'
import type { ReadingStore } from '../store/store.ts'
import type { Capture } from './capture.ts'

export interface ImportRow {
  line: number
  /** `null`: recognised by topic, times and payload. */
  id: string | null
  /** Whether the row itself says when it was received: then that counts for what is the same. */
  hasReceivedAt: boolean
  reading: NewReading
}

export interface Import {
  /** Stores rows; gives what became of those that failed. */
  add(rows: readonly ImportRow[]): Promise<{ line: number; reason: string }[]>
  readonly imported: number
  readonly duplicates: number
}

/** A row as it is stored already. */
interface Known {
  time: number
  stored: number
  /** Of these, not yet met in this run of rows of one time. */
  left: number
  run: number
}

interface Deps {
  store: Pick<ReadingStore, 'range' | 'receipts'>
  capture: Capture
}

export function createImport({ store, capture }: Deps): Import {
  let imported = 0
  let duplicates = 0
  // Equal rows of one time that follow each other are that many readings: those stored before are counted off.
  let time = Number.NaN
  let run = 0
  let known = new Map<string, Known>()
  const marks = new Set<string>()

  /** Looks up a batch at once; what was counted for the time it goes on with stays. */
  const lookUp = async (rows: readonly ImportRow[]): Promise<void> => {
    const counts = await countsOf(store, rows)
    const kept = [...known].filter(([, one]) => one.time === time)
    known = new Map(kept)
    for (const { row, key, count } of counts) {
      if (!known.has(key)) known.set(key, { time: row.reading.time, stored: count, left: count, run: 0 })
    }
  }
  const isKnown = (row: ImportRow): boolean => {
    if (row.id !== null) {
      const mark = markOf(row.id)
      if (marks.has(mark) || store.receipts.has(mark)) return true
      marks.add(mark)
      return false
    }
    if (row.reading.time !== time) {
      time = row.reading.time
      run++
    }
    const found = known.get(keyOf(row))
    if (found === undefined) throw new Error('a row was not looked up')
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
  }

  return {
    async add(rows) {
      const failed: { line: number; reason: string }[] = []
      const pending: Promise<void>[] = []
      await lookUp(rows.filter(({ id }) => id === null))
      for (const row of rows) {
        if (isKnown(row)) {
          duplicates++
          continue
        }
        const receipt = row.id === null ? {} : { receipt: markOf(row.id) }
        pending.push(
          new Promise((resolve) => {
            capture(row.reading, { awaited: true, ...receipt }, (error) => {
              if (error) {
                if (row.id !== null) marks.delete(markOf(row.id))
                failed.push({ line: row.line, reason: asAppError(error).message })
              } else imported++
              resolve()
            })
          }),
        )
      }
      await Promise.all(pending)
      return failed
    },
    get imported() {
      return imported
    },
    get duplicates() {
      return duplicates
    },
  }
}

/** Throws `bad_request`: an id is remembered for ever, so it is a short one. */
export function checkImportId(id: unknown): string | null {
  if (id === undefined || id === null || id === '') return null
  const text = typeof id === 'number' ? String(id) : id
  if (typeof text !== 'string' || text.length > 200) {
    throw new AppError('bad_request', 'id: must be a text of at most 200 characters')
  }
  return text
}

function markOf(id: string): string {
  return `import ${createHash('sha256').update(id).digest('base64url').slice(0, 22)}`
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
  store: Deps['store'],
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
  store: Deps['store'],
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
