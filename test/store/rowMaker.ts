// What the contract of a store has its readings made to: twice their `t`, but for every fifth.

import type { Cleaned, Fields, Reading } from '../../src/domain/reading.ts'
import type { Remade, Remaker, RowMaker } from '../../src/store/remaker.ts'

export interface Doubling {
  /** Fields for those that have new ones; without, the new words of cleaning are all that changes. */
  hasFields: boolean
}

export function doubled(topic: string, payload: Uint8Array, { hasFields }: Doubling): Remade | null {
  const { t } = JSON.parse(Buffer.from(payload).toString()) as { t: number }
  if (t % 5 === 0) return null
  return { fields: hasFields ? { t: t * 2 } : null, cleaned: { rules: 'v2', tags: { topic } } }
}

/** `inThread`: where the engine has one. */
export function doubling(how: Doubling, { inThread }: { inThread: boolean }): Remaker {
  return {
    // oxlint-disable-next-line typescript/require-await
    make: async (readings: readonly Reading[]) => ({
      made: readings.map(({ topic, payload }) => doubled(topic, payload, how)),
      left: 0,
    }),
    thread: inThread ? { module: import.meta.url, data: how, key: JSON.stringify(how) } : null,
  }
}

/** Run in the thread. */
export function createRowMaker(data: unknown): RowMaker {
  return {
    make(rows) {
      const places = new Int32Array(rows.count).fill(-1)
      const cleaned: (Cleaned | undefined)[] = []
      const fields = new Map<number, Fields>()
      for (let row = 0; row < rows.count; row++) {
        const made = rows.isAsked(row) ? doubled(rows.topic, rows.payload(row), data as Doubling) : null
        if (!made) continue
        places[row] = cleaned.push(made.cleaned) - 1
        if (made.fields) fields.set(row, made.fields)
      }
      return { places, cleaned, fields, left: 0 }
    },
  }
}
