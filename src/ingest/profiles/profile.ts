// What a profile is: a name to ask for it by, and rules.

import type { FieldSource, RuleSource } from '../rules/schema.ts'

export interface Profile {
  name: string
  /** Whose messages these are. */
  title: string
  rules: readonly RuleSource[]
}

/** Field or pattern → unit, as rules write it. */
export function units(table: Readonly<Record<string, string>>): Record<string, FieldSource> {
  return Object.fromEntries(Object.entries(table).map(([field, unit]) => [field, { unit }]))
}

/** Rules for topics that carry one bare value each: filter → unit. */
export function valueRules(
  name: string,
  tags: NonNullable<RuleSource['tags']>,
  table: Readonly<Record<string, string>>,
): RuleSource[] {
  return Object.entries(table).map(([topic, unit]) => ({
    name: `${name}: ${topic}`,
    topic,
    tags,
    fields: { value: { unit } },
  }))
}
