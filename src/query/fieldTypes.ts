// Which fields there are now, and of which type each is: asked of the newest reading of each topic, so that a table can have a
// column for each before its first row is read.

import type { Fields, Reading } from '../domain/reading.ts'
import type { Turns } from './turns.ts'

export type FieldType = 'number' | 'boolean' | 'string'

/** Numbers go before texts, and texts before booleans, where topics do not agree. */
const ranks: Record<FieldType, number> = { number: 2, string: 1, boolean: 0 }

/** Name → type, in the order of the names. */
export async function fieldTypesOf(
  newest: readonly Reading[],
  fieldsOf: (reading: Reading) => Fields,
  turns: Turns,
): Promise<Map<string, FieldType>> {
  const found = new Map<string, FieldType>()
  for (const reading of newest) {
    for (const [name, value] of Object.entries(fieldsOf(reading))) {
      const type = typeof value === 'bigint' ? 'number' : (typeof value as FieldType)
      const before = found.get(name)
      if (before === undefined || ranks[type] > ranks[before]) found.set(name, type)
    }
    if (turns.isOver) await turns.next()
  }
  return new Map([...found].sort(([a], [b]) => (a < b ? -1 : 1)))
}
