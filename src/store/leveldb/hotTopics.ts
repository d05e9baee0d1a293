// The epochs in memory, oldest first: what a query sees of them, and the newest reading of a topic. Rows go to the last;
// the others are complete or nearly so, and wait to be rolled.

import type { StoredReading } from './topicRecord.ts'
import type { TopicSet } from './scan/jobs.ts'
import type { Epoch } from './hot/epoch.ts'
import { readBody } from './segment.ts'

/** Topics and their newest rows by arrival in each epoch, as they stand now. */
export function topicSet(epochs: readonly Epoch[], ids: Uint32Array): TopicSet {
  const heads = new Int32Array(ids.length * epochs.length)
  const isOrdered = new Uint8Array(heads.length)
  let at = 0
  for (const id of ids) {
    for (const epoch of epochs) {
      heads[at] = epoch.head(id)
      isOrdered[at++] = epoch.disordered.has(id) ? 0 : 1
    }
  }
  return { ids, heads, isOrdered }
}

/** The reading with number `seq` of a topic, if it is in memory; looked for from the newest back. */
export function findRow(
  epochs: readonly Epoch[],
  topicId: number,
  seq: number,
): (StoredReading & { time: number }) | null {
  for (let e = epochs.length - 1; e >= 0; e--) {
    const { rows } = epochs[e]!
    for (let row = epochs[e]!.head(topicId); row >= 0 && rows.seq(row) >= seq; row = rows.previous(row)) {
      if (rows.seq(row) !== seq) continue
      const bytes = rows.chunkOf(row)
      const time = rows.time(row)
      const body = readBody(bytes, rows.offsetOf(row), time)
      return {
        time,
        receivedAt: body.receivedAt,
        captureId: body.captureId,
        fields: bytes.subarray(body.fieldsAt, body.fieldsEnd),
        payload: bytes.subarray(body.payloadAt, body.payloadEnd),
      }
    }
  }
  return null
}

/** How many rows of these topics are in memory; stops counting above `max`. */
export function countRows(epochs: readonly Epoch[], ids: Uint32Array, max: number): number {
  let count = 0
  for (const epoch of epochs) {
    if (ids.length > max) return max + 1
    for (const id of ids) {
      for (let row = epoch.head(id); row >= 0 && count <= max; row = epoch.rows.previous(row)) count++
    }
  }
  return count
}
