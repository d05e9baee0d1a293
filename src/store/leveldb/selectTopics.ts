// Topics a question is about, looked for in turns: a hundred thousand of them take a tenth of a second. What is then seen of the
// store is to be taken hold of afterwards, all at once, or it would be of two moments.

import type { Directory } from './directory.ts'
import type { Loaded } from './load.ts'
import { pausing } from './pausing.ts'
import type { TopicSelection } from './topics/select.ts'

/** Topics looked at before others are let in. */
const stepTopics = 1024

export interface SelectQuery extends Omit<TopicSelection, 'limit'> {
  /** By default all. */
  limit?: number
  signal?: AbortSignal | undefined
}

/** Ids of topics that have readings, in code-unit order. */
export async function selectTopics(
  { select, stats }: Pick<Loaded, 'select' | 'stats'>,
  { limit = Number.POSITIVE_INFINITY, signal, ...query }: SelectQuery,
): Promise<Uint32Array> {
  const isShown = (id: number): boolean => stats.readings(id) > 0
  const pause = pausing()
  let part = select.part({ ...query, limit }, isShown, stepTopics)
  if (part.after === null) return part.ids
  const ids = Array.from(part.ids)
  while (part.after !== null) {
    await pause()
    signal?.throwIfAborted()
    const { after } = part
    part = select.part({ ...query, after, limit: limit - ids.length }, isShown, stepTopics)
    for (const id of part.ids) ids.push(id)
  }
  return Uint32Array.from(ids)
}

/** Whether blocks have a reading behind `seq`. */
export async function hasNewer(directory: Directory, seq: number): Promise<boolean> {
  if (directory.blocks === 0) return false
  const pause = pausing()
  let looked = 0
  for (const id of directory.topicIds()) {
    if (directory.entries(id).some(({ seqMax }) => seqMax > seq)) return true
    if (++looked % stepTopics === 0) await pause()
  }
  return false
}
