// Where a topic's blocks stand, told by their indexes: for a change of blocks that failed between two batches.

import { AppError } from '../../../domain/errors.ts'
import { readIndexExtent } from '../block/blockindex.ts'
import type { Database } from '../database.ts'
import type { BlockEntry } from '../directory.ts'
import { indexRange, readBlockKey } from '../keys.ts'

/** A topic's blocks as they stand on the disk. */
export async function storedEntries(db: Database, topicId: number): Promise<BlockEntry[]> {
  const entries: BlockEntry[] = []
  for await (const [key, record] of db.iterator({ ...indexRange(topicId), fillCache: false })) {
    const { tmin, seq } = readBlockKey(key)
    const extent = readIndexExtent(record)
    if (!extent) throw new AppError('store_corrupt', `an index of topic number ${topicId} is damaged`)
    const { tmax, seqMin, seqMax, count } = extent
    entries.push({ tmin, tmax, seq, seqMin, seqMax, count })
  }
  return entries
}
