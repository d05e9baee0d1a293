// All rules in force: the file's own, then those of its profiles, found by topic. A set never changes; a mended file makes a
// new one with another version.

import { createHash } from 'node:crypto'
import { closest, distance } from 'fastest-levenshtein'
import type { Problem } from '../../domain/errors.ts'
import type { Cleaned } from '../../domain/reading.ts'
import { zoneClock } from '../../domain/zonedTime.ts'
import { createFilterTrie } from '../../domain/filterTrie.ts'
import { createLayouts, type Layouts } from '../decode/layouts.ts'
import type { Profile } from '../profiles/profile.ts'
import { profiles } from '../profiles/profiles.ts'
import { type CompiledRule, compileRule } from './compile.ts'
import { badRules, parseRules, type RulePath } from './parse.ts'
import type { ParsedJson } from './parsedJson.ts'
import type { RuleFiles } from './ruleFiles.ts'
import type { Samples } from './samples.ts'

export interface RuleSet {
  /** The same for the same rules, on every server. */
  version: string
  /** The file as it was written. */
  text: string
  rules: readonly CompiledRule[]
  /** What another thread makes the same set of; `null` when files or a `transform` belong to it. */
  source: RuleSetSource | null
  /** How long readings are kept, by the filters of the rules that say so. */
  retention: readonly RuleRetention[]
  /** What applies to a topic; `null` when no rule does. */
  rulesFor(topic: string): Applying | null
}

export interface RuleSetSource {
  text: string
  name: string
  profiles: readonly string[]
}

/** The first whose filter matches a topic holds for it. */
export interface RuleRetention {
  filter: string
  maxAgeMs: number
  /** Name of the rule. */
  rule: string
}

/** The rules of a topic in order: the first that matches, and those after it that it lets run. Worked out once a topic. */
export interface Applying {
  rules: readonly CompiledRule[]
  /** What every reading of the topic carries: version, rule, tags. */
  cleaned: Cleaned
  tags: Record<string, string>
  /** Whether they say nothing but tags, so that the payload need not be looked into. */
  onlyTags: boolean
  /** Whether they say nothing but tags and what fields are or may be. */
  onlyFields: boolean
  hasTransform: boolean
  /** Reads the JSON that fields hold as text: never of a message whose layout is known, for its text has quotes in it. */
  parsedJson: ParsedJson | null
  /** Takes messages of several samples apart. */
  samples: Samples | null
  /** Whether no rule says what a field is or may be. */
  leavesFields: boolean
  keepsPayload: boolean
  /** Of the JSON that came on the topic. */
  layouts: Layouts
  /** Whether names of all leaves of a layout show that it holds neither a time nor samples. */
  isTimeless: (names: readonly string[]) => boolean
  /** Units of the message before, which are mostly those of the next one too: field, unit, field, unit, … */
  lastUnits: { list: readonly string[]; units: Record<string, string>; cleaned: Cleaned }
}

/** Topics whose rules are remembered. */
const topicsMax = 100_000

export interface RuleSetOptions {
  /** What the file is called in messages. */
  name: string
  files: RuleFiles
  /** More profiles than the file names. */
  profiles?: readonly string[]
}

/** Throws `bad_rules` with the line and key of each fault. */
export function createRuleSet(text: string, { name, files, profiles: more = [] }: RuleSetOptions): RuleSet {
  const { file, placeOf } = parseRules(text, name)
  const problems: Problem[] = []
  const isZone = file.zone === undefined || zoneClock(file.zone) !== null
  if (!isZone) {
    const message = `zone: "${file.zone}" is no time zone; write Europe/Berlin, UTC or +01:00`
    problems.push({ path: placeOf(['zone']), message })
  }
  const context = { zone: isZone ? file.zone : undefined, files, placeOf, problems }
  const own = file.profiles ?? []
  const wanted = own === 'all' || more.includes('all') ? 'all' : [...new Set([...own, ...more])]
  // What the file names must be there also where the server asks for all.
  const named = chooseProfiles(wanted === 'all' ? own : wanted, placeOf, problems)
  const chosen = wanted === 'all' ? profiles : named
  const sources = [
    ...(file.rules ?? []).map((source, index) => ({ source, path: ['rules', index] as RulePath })),
    ...chosen.flatMap(({ rules }) => rules.map((source) => ({ source, path: ['profiles'] as RulePath }))),
  ]
  const rules = sources.map(({ source, path }, order) => compileRule(source, order, path, context))
  const names = new Set<string>()
  for (const [index, { name: one }] of (file.rules ?? []).entries()) {
    if (names.has(one)) {
      problems.push({
        path: placeOf(['rules', index, 'name']),
        message: `there are two rules named "${one}"`,
      })
    }
    names.add(one)
  }
  if (problems.length > 0) throw badRules(problems)
  const compiled = rules.filter((rule) => rule !== null)
  const version = createHash('sha256')
    .update(JSON.stringify([file, chosen]))
    .digest('hex')
    .slice(0, 12)
  const retention = compiled.flatMap(({ name: rule, filters, retentionMs: maxAgeMs }) =>
    maxAgeMs === null ? [] : filters.map((filter) => ({ filter, maxAgeMs, rule })),
  )
  const needs = ['transform', 'schema', 'protobuf'] as const
  const isAlone = sources.every(({ source }) => needs.every((key) => source[key] === undefined))
  const source = isAlone ? { text, name, profiles: more } : null
  return { version, text, rules: compiled, source, retention, rulesFor: matcherOf(compiled, version) }
}

function chooseProfiles(
  wanted: 'all' | readonly string[],
  placeOf: (path: RulePath) => string,
  problems: Problem[],
): Profile[] {
  if (wanted === 'all') return [...profiles]
  return wanted.flatMap((name, index) => {
    const found = profiles.find((profile) => profile.name === name)
    if (found) return [found]
    const known = profiles.map((profile) => profile.name).join(', ')
    const near = closest(
      name.toLowerCase(),
      profiles.map((profile) => profile.name),
    )
    const isNear = distance(name.toLowerCase(), near) <= near.length / 2
    const meant = isNear ? `did you mean "${near}"? ` : ''
    const message = `there is no profile "${name}"; ${meant}there are ${known}`
    problems.push({ path: placeOf(['profiles', index]), message })
    return []
  })
}

function matcherOf(rules: readonly CompiledRule[], version: string): RuleSet['rulesFor'] {
  const trie = createFilterTrie<CompiledRule>()
  for (const rule of rules) for (const filter of rule.filters) trie.add(filter, rule)
  const known = new Map<string, Applying | null>()
  return (topic) => {
    const remembered = known.get(topic)
    if (remembered !== undefined) return remembered
    const matching = [...new Set(trie.match(topic))].sort((a, b) => a.order - b.order)
    const last = matching.findIndex(({ also }) => !also)
    const applying = applyingOf(topic, last === -1 ? matching : matching.slice(0, last + 1), version)
    if (known.size >= topicsMax) known.clear()
    known.set(topic, applying)
    return applying
  }
}

function applyingOf(topic: string, rules: readonly CompiledRule[], version: string): Applying | null {
  if (rules.length === 0) return null
  const tags = Object.create(null) as Record<string, string>
  for (const rule of rules) Object.assign(tags, rule.tags?.(topic))
  const named = { rules: version, rule: rules.map(({ name }) => name).join(' + ') }
  const hasTags = Object.keys(tags).length > 0
  const cleaned = hasTags ? { ...named, tags } : named
  return {
    rules,
    cleaned,
    tags,
    onlyTags: rules.every((rule) => rule.fields === null && rule.parsedJson === null && saysOnlyFields(rule)),
    onlyFields: rules.every(saysOnlyFields),
    parsedJson: rules.find(({ parsedJson }) => parsedJson !== null)?.parsedJson ?? null,
    samples: rules.find(({ samples }) => samples !== null)?.samples ?? null,
    hasTransform: rules.some(({ transform }) => transform !== null),
    leavesFields: rules.every(({ leavesFields }) => leavesFields),
    keepsPayload: rules.every(({ store }) => store !== 'fields'),
    layouts: createLayouts(),
    isTimeless: timelessOf(rules),
    lastUnits: { list: [], units: {}, cleaned },
  }
}

/** Found out once a layout. Where a rule gives fields other names, nothing is known beforehand. */
function timelessOf(rules: readonly CompiledRule[]): (names: readonly string[]) => boolean {
  if (rules.some(({ select, transform }) => select !== null || transform !== null)) return () => false
  const looks = rules.flatMap(({ timeLook, samples }) => [timeLook, samples?.looksAt ?? null])
  const known = new WeakMap<readonly string[], boolean>()
  return (names) => {
    let found = known.get(names)
    if (found === undefined) {
      found = !names.some((name) => looks.some((look) => look?.(name)))
      known.set(names, found)
    }
    return found
  }
}

function saysOnlyFields(rule: CompiledRule): boolean {
  const parts = ['time', 'samples', 'schema', 'transform', 'select', 'where', 'dedupeMs', 'deadband'] as const
  return rule.leavesFields && rule.store === 'raw+fields' && parts.every((part) => rule[part] === null)
}
