// Rules on messages, for the tests of rules.

import { join } from 'node:path'
import type { NewReading } from '../../../src/domain/reading.ts'
import { createAutoClean } from '../../../src/ingest/clean/clean.ts'
import { createAliases } from '../../../src/ingest/decode/sparkplugAliases.ts'
import { applyRules } from '../../../src/ingest/rules/apply.ts'
import { createMemory } from '../../../src/ingest/rules/memory.ts'
import { createRuleFiles } from '../../../src/ingest/rules/ruleFiles.ts'
import { createRuleSet } from '../../../src/ingest/rules/ruleSet.ts'
import { reading } from '../../store/reading.ts'

export const receivedAt = Date.parse('2026-01-01T00:00:00Z')
export const files = createRuleFiles(join(import.meta.dirname, '../../fixtures/rules'))

export const ruleSet = (text: string) => createRuleSet(text, { name: 'rules.yaml', files })

/** A function that applies the rules of `text`, with a memory of its own. */
export function applier(text: string) {
  const aliases = createAliases({ sourcesMax: 10 })
  const context = {
    set: ruleSet(text),
    aliases,
    memory: createMemory({ topicsMax: 10 }),
    otherwise: createAutoClean({ aliases }),
  }
  return async (
    topic: string,
    payload: string | Buffer,
    at: number = receivedAt,
  ): Promise<readonly NewReading[]> =>
    applyRules(context, reading({ topic, payload: Buffer.from(payload), time: at, receivedAt: at }))
}
