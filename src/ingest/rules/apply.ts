// Runs the rules over a reading: decode, then for each record schema, transform, time, select, fields and where. What is refused
// keeps its payload, has no fields, and says which rule, which field and why.

import type { Cleaned, Fields, NewReading } from '../../domain/reading.ts'
import { canonicalUnits } from '../../domain/units.ts'
import { type Clean, looksPlain, mayHoldRecords, needsFields, withMessage } from '../clean/clean.ts'
import { decode, type DecodeOptions } from '../decode/decode.ts'
import { type Decoded, type DecodedRecord, mergedRecord, nothing } from '../decode/decoded.ts'
import type { Aliases } from '../decode/sparkplugAliases.ts'
import { timeLimits, trustedTime } from '../clean/times.ts'
import type { CompiledRule } from './compile.ts'
import type { Draft, Refusal } from './fieldStep.ts'
import type { Applying, RuleSet } from './ruleSet.ts'
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
/** Of a bare number. */
const scalarNames = ['value']
const noFields = (): Fields => Object.create(null) as Fields

/** What to store of a reading; a promise only where a rule has a `transform`. */
export function applyRules(
  context: ApplyContext,
  reading: NewReading,
): readonly NewReading[] | Promise<readonly NewReading[]> {
  const applying = context.set.rulesFor(reading.topic)
  if (!applying) return context.otherwise(reading)
  const { topic, payload, receivedAt } = reading
  if (applying.onlyTags && !isSparkplug(topic) && !mayHoldRecords(payload) && looksPlain(payload)) {
    return [rebuilt(reading, reading.time, payload, reading.fields, applying.cleaned)]
  }
  const { rules } = applying
  for (const { store, dedupeMs } of rules) {
    if (store === 'none') return []
    if (dedupeMs !== null && context.memory.isRepeated(reading, dedupeMs)) return []
  }
  const { format, csv, protobuf } = (rules[0] as CompiledRule).decode
  const options: DecodeOptions = { topic, receivedAt, aliases: context.aliases }
  if (format !== undefined) options.format = format
  if (csv) options.csv = csv
  if (protobuf) options.protobuf = protobuf
  const known = decodeKnown(applying, payload, options)
  const plain = known ?? (payload.length === 0 ? nothing('empty') : decodeNew(applying, payload, options))
  const names = known ? applying.layouts.lastNames : plain.format === 'scalar' ? scalarNames : null
  const isTimeless = names !== null && applying.isTimeless(names)
  // A text with JSON in it has quotes that are escaped, and a layout that is known has none.
  const parsed = known ? null : (applying.parsedJson?.(plain) ?? null)
  const whole = parsed ?? plain
  const samples = isTimeless ? null : (applying.samples?.(whole, receivedAt) ?? null)
  const decoded = samples ?? whole
  const run = {
    context,
    applying,
    reading,
    decoded,
    isSampled: samples !== null,
    hasParsed: parsed !== null,
  }
  if (applying.hasTransform) return runSlowly(run)
  if (!isApart(run)) {
    const record = mergedRecord(decoded)
    const draft = draftOf(record)
    draft.hasTime = isTimeless
    return [finish(run, record, draft, steps(run, draft), false)]
  }
  const made = decoded.records.map((record) => {
    const draft = draftOf(record, run.isSampled)
    return finish(run, record, draft, steps(run, draft), true)
  })
  return withMessage(made, messageOf(run))
}

/** What `decode` would say, when the topic's messages before had the same layout. */
function decodeKnown({ layouts }: Applying, payload: Uint8Array, options: DecodeOptions): Decoded | null {
  if (!hasLayout(payload, options)) return null
  const fields = layouts.read(payload)
  return fields && { format: 'json', records: [{ time: null, fields }], marks: [], merge: 'index' }
}

function decodeNew({ layouts }: Applying, payload: Uint8Array, options: DecodeOptions): Decoded {
  const decoded = decode(payload, options)
  if (hasLayout(payload, options)) layouts.learn(payload, decoded)
  return decoded
}

function hasLayout(payload: Uint8Array, { format = 'auto', topic }: DecodeOptions): boolean {
  return format === 'auto' && payload[0] === openBrace && !isSparkplug(topic)
}

const openBrace = 123

/**
 * What `applyRules` would come to for a payload, from…to of `bytes`, of a known layout; `null` when it is not as simple as that.
 * Fields are `null` where they are the payload's own.
 */
export function applyToLayout(
  applying: Applying,
  bytes: Uint8Array,
  from: number,
  to: number,
): { fields: Fields | null; cleaned: Cleaned } | null {
  const fields = applying.onlyFields ? applying.layouts.read(bytes, from, to) : null
  if (!fields) return null
  const draft: Draft = { fields, units: null, marks: null, isChanged: false }
  for (const rule of applying.rules) {
    if (rule.fields?.(draft) || draft.marks) return null
  }
  const cleaned = draft.units ? unitsOf(applying, draft.units).cleaned : applying.cleaned
  return { fields: draft.isChanged ? draft.fields : null, cleaned }
}

/** Whether records become readings of their own: they have times, or the rule asks for a format of many. */
function isApart({ applying, decoded }: Run): boolean {
  const { records } = decoded
  if (records.length <= 1) return false
  const { format = 'auto' } = (applying.rules[0] as CompiledRule).decode
  return format !== 'auto' || records.some(({ time }) => time !== null)
}

function messageOf({ applying, reading, decoded }: Run): NewReading {
  const marks = decoded.marks.length > 0 ? { marks: decoded.marks } : {}
  return {
    ...reading,
    payload: applying.keepsPayload ? reading.payload : noPayload,
    cleaned: { ...applying.cleaned, ...marks },
  }
}

interface Run {
  context: ApplyContext
  applying: Applying
  reading: NewReading
  decoded: Decoded
  /** Whether its records are samples with times of their own. */
  isSampled: boolean
  /** Whether it has fields that its payload says within a text. */
  hasParsed: boolean
}

interface Working extends Draft {
  time: number | null
  /** Whether no other time than its own is asked for, or none can be found. */
  hasTime: boolean
  rule: CompiledRule | null
}

const isSparkplug = (topic: string): boolean => topic.startsWith('spBv1.0/')

function draftOf({ fields, time }: DecodedRecord, isSampled = false): Working {
  const hasTime = isSampled && time !== null
  return { fields, units: null, marks: null, isChanged: false, time: null, hasTime, rule: null }
}

/** Every rule in turn; the refusal of the first that refuses. */
function steps({ applying, reading, decoded }: Run, draft: Working): Refusal | null {
  for (const rule of applying.rules) {
    const refusal = begin(rule, reading, decoded, draft) ?? end(rule, reading, draft, applying.tags)
    if (refusal) return refusal
  }
  return null
}

async function runSlowly(run: Run): Promise<readonly NewReading[]> {
  const apart = isApart(run)
  const made: NewReading[] = []
  for (const record of apart ? run.decoded.records : [mergedRecord(run.decoded)]) {
    const draft = draftOf(record, run.isSampled)
    made.push(finish(run, record, draft, await slowSteps(run, draft), apart))
  }
  return apart ? withMessage(made, messageOf(run)) : made
}

async function slowSteps({ applying, reading, decoded }: Run, draft: Working): Promise<Refusal | null> {
  for (const rule of applying.rules) {
    const refused = begin(rule, reading, decoded, draft)
    if (refused) return refused
    if (rule.transform) {
      const made = await rule.transform(reading.payload, draft.fields)
      if ('refusal' in made) return made.refusal
      draft.fields = made.fields
    }
    const refusal = end(rule, reading, draft, applying.tags)
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
  return rule.schema ? rule.schema(reading.payload, draft.fields) : null
}

function end(
  rule: CompiledRule,
  { receivedAt, topic }: NewReading,
  draft: Working,
  tags: Record<string, string>,
): Refusal | null {
  if (rule.time && !draft.hasTime) draft.time = rule.time(draft.fields, receivedAt) ?? draft.time
  rule.select?.(draft.fields)
  const refusal = rule.fields ? rule.fields(draft) : null
  if (refusal || !rule.where) return refusal
  const keeps = rule.where(draft.fields, tags, topic)
  if (keeps === false) {
    draft.fields = noFields()
    draft.isChanged = true
  }
  return typeof keeps === 'boolean' ? null : keeps
}

/** A record as a reading; `isPart`: of a message that is taken apart. */
function finish(
  { context, applying, reading, decoded, hasParsed }: Run,
  record: DecodedRecord,
  draft: Working,
  refusal: Refusal | null,
  isPart: boolean,
): NewReading {
  const { receivedAt, topic } = reading
  const { deadband, name = '' } = draft.rule ?? {}
  if (deadband && !refusal) context.memory.leaveOutUnchanged(topic, draft.fields, deadband, receivedAt)
  const own =
    !isPart &&
    !draft.isChanged &&
    !hasParsed &&
    !isSparkplug(topic) &&
    applying.leavesFields &&
    !needsFields(decoded, reading.payload)
  const keepsPayload = !isPart && applying.keepsPayload
  return rebuilt(
    reading,
    draft.time ?? trustedTime(record.time, receivedAt, timeLimits) ?? reading.time,
    keepsPayload ? reading.payload : noPayload,
    refusal ? noFields() : own ? null : draft.fields,
    cleanedOf(applying, record, decoded, draft, refusal && { rule: name, ...refusal }),
  )
}

/** Member by member: a spread of so many costs a microsecond. */
function rebuilt(
  { topic, receivedAt, source, clientId, user, qos, retain, dup, properties }: NewReading,
  time: number,
  payload: Uint8Array,
  fields: Fields | null,
  cleaned: Cleaned,
): NewReading {
  return {
    topic,
    time,
    receivedAt,
    source,
    clientId,
    user,
    qos,
    retain,
    dup,
    properties,
    payload,
    fields,
    cleaned,
  }
}

function cleanedOf(
  applying: Applying,
  { tags, units }: DecodedRecord,
  decoded: Decoded,
  draft: Draft,
  refused: Cleaned['refused'] | null,
): Cleaned {
  const { cleaned } = applying
  const hasMarks = decoded.marks.length > 0 || draft.marks !== null
  const last = draft.units && unitsOf(applying, draft.units)
  if (!tags && !units && !hasMarks && !refused) return last ? last.cleaned : cleaned
  const ruled = last?.units
  return {
    ...cleaned,
    ...(tags ? { tags: { ...tags, ...applying.tags } } : {}),
    ...(units ? { units: { ...canonicalUnits(units), ...ruled } } : ruled ? { units: ruled } : {}),
    ...(hasMarks ? { marks: [...decoded.marks, ...(draft.marks ?? [])] } : {}),
    ...(refused ? { refused } : {}),
  }
}

/** The same objects for the same units: they seldom change from one message of a topic to the next. */
function unitsOf(applying: Applying, list: readonly string[]): Applying['lastUnits'] {
  const { lastUnits, cleaned } = applying
  if (lastUnits.list.length === list.length && list.every((one, i) => one === lastUnits.list[i]))
    return lastUnits
  const units = Object.create(null) as Record<string, string>
  for (let i = 0; i < list.length; i += 2) units[list[i] as string] = list[i + 1] as string
  applying.lastUnits = { list, units, cleaned: { ...cleaned, units } }
  return applying.lastUnits
}
