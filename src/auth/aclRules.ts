// A list of ACL rules made fast: rules without wildcards are looked up, the others are tried in turn, and recent
// answers are kept. Denials come first, whatever their place in the list.

import { hasWildcard, matches } from '../domain/topic.ts'

export const canRead = 1
export const canWrite = 2

/** `access` is `canRead`, `canWrite`, both, or 0: denied. */
export interface AclRule {
  filter: string
  access: number
  /** Of the ACL file, counted from 1. */
  line: number
}

/** Whether the rules allow (`true`) or deny (`false`) what is wanted, or say nothing (`null`). */
export type TopicAccess = (topic: string, wanted: number) => boolean | null

/** Answers kept a rule set, and the longest topic kept: bounds what a client that makes up topics can hold. */
const answersMax = 512
const keptTopicLengthMax = 256
/** With fewer wildcard rules trying them is as fast as remembering. */
const wildWorthKeeping = 4
const denied = 4

export function compileRules(rules: readonly AclRule[]): TopicAccess {
  if (rules.length === 0) return () => null
  const exact = new Map<string, number>()
  const wild: Pick<AclRule, 'filter' | 'access'>[] = []
  for (const { filter, access } of rules) {
    const bits = access === 0 ? denied : access
    if (hasWildcard(filter)) wild.push({ filter, access: bits })
    else exact.set(filter, (exact.get(filter) ?? 0) | bits)
  }
  const answers = new Map<string, number>()

  const bitsOf = (topic: string): number => {
    let bits = exact.get(topic) ?? 0
    for (const rule of wild) {
      if ((bits & rule.access) !== rule.access && matches(rule.filter, topic)) bits |= rule.access
    }
    return bits
  }

  return (topic, wanted) => {
    let bits = answers.get(topic)
    if (bits === undefined) {
      bits = bitsOf(topic)
      if (wild.length >= wildWorthKeeping && topic.length <= keptTopicLengthMax) {
        if (answers.size >= answersMax) answers.clear()
        answers.set(topic, bits)
      }
    }
    if ((bits & denied) !== 0) return false
    return (bits & wanted) === 0 ? null : true
  }
}
