// Readings in memory of some topics, between two times: what a removal would meet.

import type { Removed } from '../../store.ts'
import type { Epoch } from './epoch.ts'

/** Whether the topic has readings in memory. */
export function isHot(epochs: readonly Epoch[], topicId: number): boolean {
  return epochs.some((epoch) => epoch.head(topicId) >= 0)
}

/** Milliseconds; `from` ≤ time < `to`. */
export function hotBetween(
  epochs: readonly Epoch[],
  topicIds: Uint32Array,
  from: number,
  to: number,
): Removed {
  const found: Removed = { readings: 0, bytes: 0 }
  for (const id of topicIds) {
    for (const epoch of epochs) {
      for (let row = epoch.head(id); row >= 0; row = epoch.rows.previous(row)) {
        const time = epoch.rows.time(row)
        if (time < from || time >= to) continue
        found.readings++
        found.bytes += epoch.rows.size(row)
      }
    }
  }
  return found
}
