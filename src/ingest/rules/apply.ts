// Runs the rules over a reading: decode, then for each record schema, transform, time, select, fields and where. What is refused
// keeps its payload, has no fields, and says which rule, which field and why.

import type { Cleaned, Fields, NewReading } from '../../domain/reading.ts'
import { canonicalUnits } from '../../domain/units.ts'
import type { Clean } from '../clean/clean.ts'
import { decode } from '../decode/decode.ts'
import { type Decoded, type DecodedRecord, nothing } from '../decode/decoded.ts'
import type { Aliases } from '../decode/sparkplugAliases.ts'
import { timeLimits, trustedTime } from '../clean/times.ts'
import type { CompiledRule } from './compile.ts'
import type { Draft, Refusal } from './fieldStep.ts'
import type { RuleSet } from './ruleSet.ts'
import type { Memory } from './memory.ts'

export interface ApplyContext {
  set: RuleSet
  aliases: Aliases
  /** What was published before, for `dedupe` and `deadband`. */
  memory: Memory
  /** For topics without a rule. */
  otherwise: Clean
}

const noPayload = new Uint8Array(0)
const noFields = (): Fields => Object.create(null) as Fields

/** What to store of a reading; a promise only where a rule has a `transform`. */
export function applyRules(
  context: ApplyContext,
  reading: NewReading,
): readonly NewReading[] | Promise<readonly NewReading[]> {
  const rules = context.set.rulesFor(reading.topic)
  const [first] = rules
  if (!first) return context.otherwise(reading)
  if (rules.some(({ store }) => store === 'none')) return []
  if (rules.some(({ dedupeMs }) => dedupeMs !== null && context.memory.isRepeated(reading, dedupeMs)))
    return []
  const { topic, payload, receivedAt } = reading
  const decoded =
    payload.length === 0
      ? nothing('empty')
      : decode(payload, { ...first.decode, topic, receivedAt, aliases: context.aliases })
  const run = { context, rules, reading, decoded }
  if (rules.some(({ transform }) => transform !== null)) return runSlowly(run)
  const records = recordsOf(decoded).map((record) => {
    const draft = draftOf(record)
    return finish(run, record, draft, steps(run, draft))
  })
  return together(run, records)
}

interface Run {
  context: ApplyContext
  rules: readonly CompiledRule[]
  reading: NewReading
  decoded: Decoded
}

interface Working extends Draft {
  tags: Record<string, string> | null
  time: number | null
  rule: CompiledRule | null
}

/** A payload without fields still has its tags and its rule. */
function recordsOf({ records }: Decoded): DecodedRecord[] {
  return records.length > 0 ? records : [{ time: null, fields: noFields() }]
}

function draftOf({ fields, tags, units }: DecodedRecord): Working {
  return {
    fields,
    tags: tags ?? null,
    units: units ? canonicalUnits(units) : null,
    marks: null,
    isChanged: false,
    time: null,
    rule: null,
  }
}

/** Every rule in turn; the refusal of the first that refuses. */
function steps({ rules, reading, decoded }: Run, draft: Working): Refusal | null {
  for (const rule of rules) {
    const refusal = begin(rule, reading, decoded, draft) ?? end(rule, reading, draft)
    if (refusal) return refusal
  }
  return null
}

async function runSlowly(run: Run): Promise<readonly NewReading[]> {
  const records: NewReading[] = []
  for (const record of recordsOf(run.decoded)) {
    const draft = draftOf(record)
    records.push(finish(run, record, draft, await slowSteps(run, draft)))
  }
  return together(run, records)
}

async function slowSteps({ rules, reading, decoded }: Run, draft: Working): Promise<Refusal | null> {
  for (const rule of rules) {
    const refused = begin(rule, reading, decoded, draft)
    if (refused) return refused
    if (rule.transform) {
      const made = await rule.transform(reading.payload, draft.fields)
      if ('refusal' in made) return made.refusal
      draft.fields = made.fields
    }
    const refusal = end(rule, reading, draft)
    if (refusal) return refusal
  }
  return null
}

function begin(rule: CompiledRule, reading: NewReading, decoded: Decoded, draft: Working): Refusal | null {
  draft.rule = rule
  const { format } = rule.decode
  if (format !== undefined && format !== 'auto' && decoded.marks.includes('invalid')) {
    return { reason: `the payload is no ${format}` }
  }
  if (rule.tags) draft.tags = { ...draft.tags, ...rule.tags(reading.topic) }
  return rule.schema ? rule.schema(reading.payload, draft.fields) : null
}

function end(rule: CompiledRule, { receivedAt, topic }: NewReading, draft: Working): Refusal | null {
  if (rule.time) draft.time = rule.time(draft.fields, receivedAt) ?? draft.time
  if (rule.select) draft.fields = rule.select(draft.fields)
  const refusal = rule.fields ? rule.fields(draft) : null
  if (refusal || !rule.where) return refusal
  const keeps = rule.where(draft.fields, draft.tags ?? {}, topic)
  if (keeps === false) {
    draft.fields = noFields()
    draft.isChanged = true
  }
  return typeof keeps === 'boolean' ? null : keeps
}

/** A record as a reading; the first one has the payload, see `together`. */
function finish(
  { context, rules, reading, decoded }: Run,
  record: DecodedRecord,
  draft: Working,
  refusal: Refusal | null,
): NewReading {
  const { deadband } = draft.rule ?? {}
  if (deadband && !refusal)
    context.memory.leaveOutUnchanged(reading.topic, draft.fields, deadband, reading.receivedAt)
  const marks = [...decoded.marks, ...(draft.marks ?? [])]
  const refused = refusal && {
    rule: draft.rule?.name ?? '',
    ...(refusal.field === undefined ? {} : { field: refusal.field }),
    reason: refusal.reason,
  }
  const cleaned: Cleaned = {
    rules: context.set.version,
    rule: rules.map(({ name }) => name).join(' + '),
    ...(draft.tags ? { tags: draft.tags } : {}),
    ...(draft.units ? { units: draft.units } : {}),
    ...(marks.length > 0 ? { marks } : {}),
    ...(refused ? { refused } : {}),
  }
  const time = draft.time ?? trustedTime(record.time, reading.receivedAt, timeLimits) ?? reading.time
  const own =
    decoded.records.length <= 1 && !draft.isChanged && rules.every(({ leavesFields }) => leavesFields)
  const fields = refused ? noFields() : own && !reading.topic.startsWith('spBv1.0/') ? null : draft.fields
  return { ...reading, time, fields, cleaned }
}

function together({ rules, reading }: Run, records: readonly NewReading[]): readonly NewReading[] {
  const keepsPayload = rules.every(({ store }) => store !== 'fields')
  return records.map((record, index) => ({
    ...record,
    payload: index === 0 && keepsPayload ? reading.payload : noPayload,
    ...(records.length > 1 ? { cleaned: { ...record.cleaned, record: index } } : {}),
  }))
}
