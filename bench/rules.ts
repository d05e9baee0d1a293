// What cleaning costs a reading on the main thread, on top of capture: without rules, with ten declarative ones, with a filter; and how
// long a topic takes to find its rules among 1,000 filters. `npx tsx bench/rules.ts`

import type { NewReading } from '../src/domain/reading.ts'
import { createAutoClean } from '../src/ingest/clean/clean.ts'
import { createAliases } from '../src/ingest/decode/sparkplugAliases.ts'
import { applyRules } from '../src/ingest/rules/apply.ts'
import { createMemory } from '../src/ingest/rules/memory.ts'
import { noRuleFiles } from '../src/ingest/rules/ruleFiles.ts'
import { createRuleSet } from '../src/ingest/rules/ruleSet.ts'
import { createFilterTrie } from '../src/domain/filterTrie.ts'

const rounds = 10_000
const aliases = createAliases({ sourcesMax: 10 })
const auto = createAutoClean({ aliases })
const receivedAt = Date.now()

function readingOf(topic: string, payload: string): NewReading {
  const sent = { source: 'mqtt', clientId: 'c', user: null, qos: 1, retain: false, dup: false } as const
  return {
    ...sent,
    topic,
    time: receivedAt,
    receivedAt,
    properties: null,
    payload: Buffer.from(payload),
    fields: null,
  }
}

function applier(text: string): (reading: NewReading) => unknown {
  const set = createRuleSet(text, { name: 'bench', files: noRuleFiles })
  const context = { set, aliases, memory: createMemory({ topicsMax: 10_000 }), otherwise: auto }
  return (reading) => applyRules(context, reading)
}

function time(name: string, work: (i: number) => unknown): void {
  const once = (): number => {
    const started = performance.now()
    for (let i = 0; i < rounds; i++) work(i)
    return ((performance.now() - started) * 1000) / rounds
  }
  once()
  const best = Math.min(...Array.from({ length: 60 }, once))
  console.log(`${name}: ${best.toFixed(2)} µs`)
}

const rule = (name: string, rest: string): string =>
  `  - { name: ${name}, topic: "home/#", also: true, ${rest} }\n`
const ten = [
  'tags: { room: 2 }',
  'drop: ["*_raw"]',
  'rename: { temp: temperature }',
  'fields: { temperature: { type: number } }',
  'fields: { temperature: { unit: "°C" } }',
  'fields: { temperature: { min: -40, max: 85 } }',
  'fields: { temperature: { round: 1 } }',
  'fields: { humidity: { unit: "%", max: 100, on_range: clamp } }',
  'fields: { "battery*": { unit: "V" } }',
  'tags: { building: main }',
].map((rest, i) => rule(`r${i}`, rest))
const json = readingOf('home/kitchen/climate', '{"temperature":21.5,"humidity":40}')
const many = Array.from(
  { length: 1000 },
  (_, i) => `  - { name: n${i}, topic: "site/${i}/+/sensor/#", tags: { room: 2 } }\n`,
)
const thousand = createRuleSet(`rules:\n${many.join('')}`, { name: 'bench', files: noRuleFiles })
const trie = createFilterTrie<number>()
for (const { filters } of thousand.rules) for (const filter of filters) trie.add(filter, 1)
const topics = Array.from({ length: 1000 }, (_, i) => `site/${i}/a/sensor/t`)

time('no rules, two-field JSON', () => auto(json))
time('one rule with tags', applyTo(applier('rules:\n  - { name: a, topic: "home/#", tags: { room: 2 } }\n')))
time('ten declarative rules', applyTo(applier(`rules:\n${ten.join('')}`)))
time(
  'one rule with where',
  applyTo(applier('rules:\n  - { name: a, topic: "home/#", where: "fields.temperature > -100" }\n')),
)
time('all profiles, a topic of none', applyTo(applier('profiles: all\n')))
time('rules of a topic among 1,000 filters, seen before', (i) => thousand.rulesFor(topics[i % 1000] ?? ''))
time('rules of a topic among 1,000 filters, by the trie', (i) => trie.match(topics[i % 1000] ?? ''))

function applyTo(apply: (reading: NewReading) => unknown): () => unknown {
  return () => apply(json)
}
