// Which bucket each slot of a block's index lies in, so that the index answers for it: worked out once a block, for all
// its fields, into the same arrays.

import type { IndexReader } from '../block/indexreader.ts'
import type { Buckets } from './buckets.ts'

/** In place of a bucket: the slot lies in none, or only rows can answer for it. */
export const outside = -1
export const byRows = -2

export class Slots {
  count = 0
  buckets = new Int32Array(64)
  /** The first and the last millisecond in which each slot may have a reading. */
  froms = new Float64Array(64)
  tos = new Float64Array(64)
  hasWhole = false
  hasRows = false
  /** The lowest and the highest bucket of whole slots. */
  low = 0
  high = 0

  /** Takes the slots of an index on; without `useIndex` rows answer for all that are not outside. */
  lay({ slots, slotMs, firstSlot, tmin, tmax }: IndexReader, buckets: Buckets, useIndex: boolean): void {
    if (slots > this.buckets.length) {
      this.buckets = new Int32Array(2 * slots)
      this.froms = new Float64Array(2 * slots)
      this.tos = new Float64Array(2 * slots)
    }
    this.count = slots
    this.hasWhole = false
    this.hasRows = false
    for (let slot = 0; slot < slots; slot++) {
      const from = slotMs === 0 ? tmin : Math.max(tmin, (firstSlot + slot) * slotMs)
      const to = slotMs === 0 ? tmax : Math.min(tmax, (firstSlot + slot + 1) * slotMs - 1)
      let bucket = buckets.at(from)
      if (bucket < 0) bucket = to < buckets.from || from >= buckets.to ? outside : byRows
      else if (!useIndex || to >= buckets.edges[bucket + 1]!) bucket = byRows
      this.froms[slot] = from
      this.tos[slot] = to
      this.buckets[slot] = bucket
      if (bucket === byRows) this.hasRows = true
      if (bucket < 0) continue
      if (!this.hasWhole) this.low = bucket
      this.high = bucket
      this.hasWhole = true
    }
  }
}
