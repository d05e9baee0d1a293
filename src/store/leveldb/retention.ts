// Retention: which readings are too old, or too many, by topic filter; the first rule that matches a topic holds for it.
// Blocks go as a whole where they can, so that a topic is not written again every minute.

import type { RetentionRule } from '../../config/retention.ts'
import type { Log } from '../../ops/log.ts'
import type { Removed } from '../store.ts'
import type { Directory } from './directory.ts'
import type { TopicSelect } from './topics/select.ts'
import type { TopicStats } from './topics/stats.ts'

export interface RetentionDeps {
  rules: readonly RetentionRule[]
  /** Bytes on disk of the whole store; 0: any. */
  bytesMax: number
  select: TopicSelect
  stats: TopicStats
  directory: () => Directory
  diskBytes: () => Promise<number>
  remove: (topicIds: Uint32Array, from: number, to: number, slackMs: number) => Promise<Removed>
  log: Log
}

/** A block that begins this part of the age before the limit is written again without what is too old. */
const slackShare = 0.1

export async function applyRetention(deps: RetentionDeps): Promise<void> {
  const taken = new Set<number>()
  for (const rule of deps.rules) {
    const { filter, max_age_s: ageSeconds, max_bytes: bytesMax } = rule
    const ageMs = ageSeconds * 1000
    const ids = topicsOf(deps, filter).filter((id) => !taken.has(id))
    for (const id of ids) taken.add(id)
    if (ageMs > 0) await removeBefore(deps, ids, Date.now() - ageMs, ageMs * slackShare, filter)
    if (bytesMax > 0) await shrink(deps, ids, await share(deps, ids), bytesMax, filter)
  }
  const { bytesMax } = deps
  if (bytesMax > 0)
    await shrink(deps, topicsOf(deps, '#'), await deps.diskBytes(), bytesMax, 'store.max_bytes')
}

function topicsOf({ select, stats }: RetentionDeps, filter: string): Uint32Array {
  const filters = filter === '#' ? [] : [filter]
  return select.select({ filters, limit: Number.POSITIVE_INFINITY }, (id) => stats.readings(id) > 0)
}

async function removeBefore(
  { remove, log }: RetentionDeps,
  ids: Uint32Array,
  time: number,
  slackMs: number,
  rule: string,
): Promise<void> {
  const removed = await remove(ids, Number.NEGATIVE_INFINITY, time, slackMs)
  if (removed.readings > 0) log.info({ ...removed, rule }, 'retention removed readings')
}

/** The part of the disk that these topics take, by their readings. */
async function share({ stats, diskBytes }: RetentionDeps, ids: Uint32Array): Promise<number> {
  const readings = ids.reduce((sum, id) => sum + stats.readings(id), 0)
  return stats.total === 0 ? 0 : (await diskBytes()) * (readings / stats.total)
}

/** Removes the oldest blocks until the topics take no more than `bytesMax`. */
async function shrink(
  deps: RetentionDeps,
  ids: Uint32Array,
  bytes: number,
  bytesMax: number,
  rule: string,
): Promise<void> {
  if (bytes <= bytesMax) return
  const directory = deps.directory()
  const blocks = [...ids].flatMap((id) => directory.entries(id))
  const readings = blocks.reduce((sum, { count }) => sum + count, 0)
  // A little more than must be, so that this is not done for every block that comes.
  const excess = readings * (1 - (0.95 * bytesMax) / bytes)
  let counted = 0
  let cutoff = Number.NEGATIVE_INFINITY
  for (const { tmax, count } of blocks.sort((a, b) => a.tmax - b.tmax)) {
    if (counted >= excess) break
    counted += count
    cutoff = tmax + 1
  }
  await removeBefore(deps, ids, cutoff, Number.POSITIVE_INFINITY, rule)
}
