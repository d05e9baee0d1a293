// Imports: rows with times of their own become readings through capture, in their order and in batches. Promises that the
// same row sent again is a duplicate and not a second reading, by its `id` or else by what it says.

import { createHash } from 'node:crypto'
import { AppError, asAppError } from '../domain/errors.ts'
import type { NewReading } from '../domain/reading.ts'
import type { ReadingStore } from '../store/store.ts'
import type { Capture } from './capture.ts'
import { createStoredRows } from './storedRows.ts'

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
  const stored = createStoredRows(store)
  const marks = new Set<string>()
  const isKnown = (row: ImportRow): boolean => {
    if (row.id === null) return stored.has(row)
    const mark = markOf(row.id)
    if (marks.has(mark) || store.receipts.has(mark)) return true
    marks.add(mark)
    return false
  }
  return {
    async add(rows) {
      const failed: { line: number; reason: string }[] = []
      const pending: Promise<void>[] = []
      await stored.lookUp(rows.filter(({ id }) => id === null))
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
