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

interface Deps {
  store: Pick<ReadingStore, 'range' | 'receipts'>
  capture: Capture
}

export function createImport({ store, capture }: Deps): Import {
  let imported = 0
  let duplicates = 0
  // Equal rows of one time are that many readings: those stored before are counted off. Exports have them in a row.
  let time = Number.NaN
  let stored = new Map<string, number>()
  const marks = new Set<string>()

  const isKnown = async (row: ImportRow): Promise<boolean> => {
    const { id, reading } = row
    if (id !== null) {
      const mark = markOf(id)
      if (marks.has(mark) || store.receipts.has(mark)) return true
      marks.add(mark)
      return false
    }
    if (reading.time !== time) {
      time = reading.time
      stored = new Map()
    }
    const key = keyOf(row)
    let left = stored.get(key)
    if (left === undefined) left = await countOf(store, row)
    stored.set(key, Math.max(0, left - 1))
    return left > 0
  }

  return {
    async add(rows) {
      const failed: { line: number; reason: string }[] = []
      const pending: Promise<void>[] = []
      for (const row of rows) {
        if (await isKnown(row)) {
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
  reading: { topic, receivedAt, payload },
  hasReceivedAt,
}: Pick<ImportRow, 'reading' | 'hasReceivedAt'>): string {
  return `${hasReceivedAt ? receivedAt : ''} ${topic}\0${Buffer.from(payload).toString('latin1')}`
}

/** How many readings like this are stored. */
async function countOf(store: Deps['store'], row: ImportRow): Promise<number> {
  const { topic, time } = row.reading
  const { hasReceivedAt } = row
  const key = keyOf(row)
  let count = 0
  const chunks = store.range({
    filters: [topic],
    from: time,
    to: time + 1,
    order: 'asc',
    limit: Number.POSITIVE_INFINITY,
  })
  for await (const chunk of chunks) {
    for (const reading of chunk) if (keyOf({ reading, hasReceivedAt }) === key) count++
  }
  return count
}
