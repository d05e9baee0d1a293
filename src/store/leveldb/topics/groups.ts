// Topics that an aggregate puts together.

import type { AggregateQuery } from '../../store.ts'
import { pausing } from '../pausing.ts'
import type { TopicNames } from './names.ts'

const stepTopics = 512

/**
 * Topics by their groups, these in code-unit order; `groupNumbers` says which each is of. Without `groupOf` each topic is one.
 * A hundred thousand names take a tenth of a second, in turns.
 */
export async function groupTopics(
  names: TopicNames,
  ids: Uint32Array,
  groupOf: AggregateQuery['groupOf'],
): Promise<{ ids: Uint32Array; groups: string[]; groupNumbers: Uint32Array }> {
  const pause = pausing()
  if (!groupOf) {
    const groups: string[] = []
    for (const id of ids) if (groups.push(names.nameOf(id)) % stepTopics === 0) await pause()
    return { ids, groups, groupNumbers: Uint32Array.from(ids, (_, at) => at) }
  }
  const members = new Map<string, number[]>()
  for (const [at, id] of ids.entries()) {
    if (at % stepTopics === 0) await pause()
    const group = groupOf(names.nameOf(id))
    if (group === null) continue
    const known = members.get(group)
    if (known) known.push(id)
    else members.set(group, [id])
  }
  const sorted = [...members].sort(([a], [b]) => (a < b ? -1 : 1))
  return {
    ids: Uint32Array.from(sorted.flatMap(([, own]) => own)),
    groups: sorted.map(([group]) => group),
    groupNumbers: Uint32Array.from(sorted.flatMap(([, own], at) => own.map(() => at))),
  }
}
