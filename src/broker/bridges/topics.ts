// The topics of a bridge: what to subscribe on either side, and what a topic of one side is called on the other. As in
// Mosquitto the prefixes stand before the filter, and the first entry that matches a topic names it.

import type { BridgeConfig } from '../../config/bridge.ts'
import { AppError } from '../../domain/errors.ts'
import { filterFault, matches, topicFault } from '../../domain/topic.ts'

export interface BridgeFilter {
  filter: string
  qos: 0 | 1 | 2
}

export interface BridgeTopics {
  /** To subscribe here, and there. */
  local: readonly BridgeFilter[]
  remote: readonly BridgeFilter[]
  /** What a topic from here is called there, or `null` when it is not carried. */
  toRemote(topic: string): string | null
  toLocal(topic: string): string | null
  /** Whether a topic of the other side both goes there and comes back from there. */
  isBoth(remoteTopic: string): boolean
}

interface Rule {
  from: string
  fromPrefix: string
  toPrefix: string
  qos: 0 | 1 | 2
}

/** Throws `bad_config` for what is no topic filter. */
export function createBridgeTopics({ name, topics }: Pick<BridgeConfig, 'name' | 'topics'>): BridgeTopics {
  const outgoing: Rule[] = []
  const incoming: Rule[] = []
  for (const { filter, direction, qos, local_prefix: local, remote_prefix: remote } of topics) {
    const here = local + filter
    const there = remote + filter
    for (const side of [here, there]) {
      const fault = filterFault(side)
      if (fault !== null)
        throw new AppError('bad_config', `bridge ${name}: "${side}" is no topic filter: ${fault}`)
    }
    const level = qos as 0 | 1 | 2
    if (direction !== 'in') outgoing.push({ from: here, fromPrefix: local, toPrefix: remote, qos: level })
    if (direction !== 'out') incoming.push({ from: there, fromPrefix: remote, toPrefix: local, qos: level })
  }
  return {
    local: filtersOf(outgoing),
    remote: filtersOf(incoming),
    toRemote: (topic) => rename(outgoing, topic),
    toLocal: (topic) => rename(incoming, topic),
    isBoth: (remoteTopic) => {
      const here = rename(incoming, remoteTopic)
      return here !== null && rename(outgoing, here) === remoteTopic
    },
  }
}

function rename(rules: readonly Rule[], topic: string): string | null {
  const rule = rules.find(({ from }) => matches(from, topic))
  if (rule === undefined) return null
  const renamed = rule.toPrefix + topic.slice(rule.fromPrefix.length)
  return topicFault(renamed) === null ? renamed : null
}

/** Each filter once, with the highest QoS it has. */
function filtersOf(rules: readonly Rule[]): BridgeFilter[] {
  const filters = new Map<string, 0 | 1 | 2>()
  for (const { from, qos } of rules) {
    const before = filters.get(from) ?? 0
    filters.set(from, qos > before ? qos : before)
  }
  return [...filters].map(([filter, qos]) => ({ filter, qos }))
}
