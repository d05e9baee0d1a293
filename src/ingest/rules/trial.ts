// A set of rules at work: what it makes of readings in their order, and what it remembers of them.

import type { NewReading } from '../../domain/reading.ts'
import { type Clean, createAutoClean } from '../clean/clean.ts'
import { createAliases } from '../decode/sparkplugAliases.ts'
import { applyRules } from './apply.ts'
import { createMemory } from './memory.ts'
import type { RuleSet } from './ruleSet.ts'

/** Sparkplug nodes and devices whose birth certificates are remembered, and topics whose last values are. */
const remembered = { sources: 10_000, topics: 100_000 }

/** `set` is asked for each reading. `onFault` hears of faults in a rule, which must not cost the reading: it is kept raw. */
export function createTrial(
  set: () => RuleSet,
  onFault: (error: unknown, reading: NewReading) => void = () => undefined,
): Clean {
  const aliases = createAliases({ sourcesMax: remembered.sources })
  const memory = createMemory({ topicsMax: remembered.topics })
  const otherwise = createAutoClean({ aliases })
  const failed = (error: unknown, reading: NewReading): readonly NewReading[] => {
    onFault(error, reading)
    const fields = Object.create(null) as Record<string, never>
    return [{ ...reading, fields, cleaned: { refused: { rule: '', reason: 'the rule failed' } } }]
  }
  return (reading) => {
    try {
      const made = applyRules({ set: set(), aliases, memory, otherwise }, reading)
      return made instanceof Promise ? made.catch((error: unknown) => failed(error, reading)) : made
    } catch (error) {
      return failed(error, reading)
    }
  }
}
