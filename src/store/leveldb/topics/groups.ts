// Topics that an aggregate puts together.

import type { AggregateQuery } from '../../store.ts'
import type { TopicNames } from './names.ts'

/** Topics by their groups, these in code-unit order; `groupNumbers` says which each is of. Without `groupOf` each topic is one. */
export function groupTopics(
  names: TopicNames,
  ids: Uint32Array,
  groupOf: AggregateQuery['groupOf'],
): { ids: Uint32Array; groups: string[]; groupNumbers: Uint32Array } {
  if (!groupOf) {
    const groups = Array.from(ids, (id) => names.nameOf(id))
    return { ids, groups, groupNumbers: Uint32Array.from(ids, (_, at) => at) }
  }
  const members = new Map<string, number[]>()
  for (const id of ids) {
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
