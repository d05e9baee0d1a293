// A rule as functions, made once: what is left to do for a message is to run them. Everything that can be wrong with a rule is
// found here, before it meets a message.

import { Environment } from '@marcbachmann/cel-js'
import type { Problem } from '../../domain/errors.ts'
import type { Fields } from '../../domain/reading.ts'
import { parseDuration } from '../../domain/time.ts'
import { checkFilter } from '../../domain/topic.ts'
import type { DecodeOptions } from '../decode/decode.ts'
import { compileFields, FieldFault, type FieldStep, globMatcher, type Refusal } from './fieldStep.ts'
import type { RulePath } from './parse.ts'
import { compileParsedJson, type ParsedJson } from './parsedJson.ts'
import type { RuleSource } from './schema.ts'
import { compileSchema, readProtobuf, type RuleFiles } from './ruleFiles.ts'
import { compileSamples, type Samples } from './samples.ts'
import { compileTime, timeLook, timeReader, type TimeStep } from './timeStep.ts'
import { compileTransform, type Transform } from './transform.ts'

export interface CompiledRule {
  name: string
  filters: readonly string[]
  /** Its place among the rules: the first that matches applies. */
  order: number
  also: boolean
  decode: Pick<DecodeOptions, 'format' | 'csv' | 'protobuf'>
  tags: ((topic: string) => Record<string, string>) | null
  time: TimeStep | null
  /** Whether a field of this name can have to do with `time`. */
  timeLook: ((name: string) => boolean) | null
  /** Takes a message of several samples apart. */
  samples: Samples | null
  /** Reads the JSON that fields hold as text. */
  parsedJson: ParsedJson | null
  /** Whether the payload's JSON is what it should be. */
  schema: ((payload: Uint8Array, fields: Fields) => Refusal | null) | null
  transform: Transform | null
  /** keep, drop, rename: changes the fields. */
  select: ((fields: Fields) => void) | null
  fields: FieldStep | null
  /** `false`: no fields. */
  where: ((fields: Fields, tags: Record<string, string>, topic: string) => boolean | Refusal) | null
  dedupeMs: number | null
  deadband: { fields: readonly [string, number][]; maxSilenceMs: number } | null
  store: 'raw+fields' | 'fields' | 'none'
  retentionMs: number | null
  /** Whether its fields are the payload's own, unless `fields` or `where` changes them. */
  leavesFields: boolean
}

export interface CompileContext {
  zone: string | undefined
  files: RuleFiles
  placeOf: (path: RulePath) => string
  problems: Problem[]
}

/** `null` when something is wrong with the rule: then `problems` says what. */
export function compileRule(
  source: RuleSource,
  order: number,
  path: RulePath,
  { zone, files, placeOf, problems }: CompileContext,
): CompiledRule | null {
  const before = problems.length
  /** Runs one part; what is wrong with it is a problem at its key. */
  const part = <T>(key: string, make: () => T): T | null => {
    try {
      return make()
    } catch (error) {
      const message = error instanceof Error ? error.message.split('\n')[0] : String(error)
      const at = error instanceof FieldFault ? [key, error.field] : [key]
      problems.push({
        path: placeOf([...path, ...at]),
        message: `rule "${source.name}", ${at.join('.')}: ${message}`,
      })
      return null
    }
  }
  const when = <T>(key: keyof RuleSource, make: () => T): T | null =>
    source[key] === undefined ? null : part(key, make)
  const filters = [source.topic].flat()
  part('topic', () => filters.forEach(checkRuleFilter))
  const rule: CompiledRule = {
    name: source.name,
    filters,
    order,
    also: source.also ?? false,
    decode: {
      ...(source.decode ? { format: source.decode } : {}),
      ...(source.csv ? { csv: source.csv } : {}),
      ...protobufOf(source, files, part),
    },
    tags: when('tags', () => compileTags(source.tags ?? {})),
    time: when('time', () => compileTime([source.time ?? []].flat(), zone)),
    timeLook: source.time === undefined ? null : timeLook([source.time].flat()),
    samples: when('samples', () =>
      source.samples ? compileSamples(source.samples, timeReader(zone)) : null,
    ),
    parsedJson: when('parse_json', () => compileParsedJson(source.parse_json ?? [])),
    schema: when('schema', () => compileSchema(files, source.schema ?? '')),
    transform: when('transform', () => compileTransform(source.transform ?? '')),
    select: compileSelect(source),
    fields: when('fields', () => compileFields(source.fields ?? {})),
    where: when('where', () => compileWhere(source.where ?? '')),
    dedupeMs: when('dedupe', () => parseDuration(source.dedupe?.window ?? '')),
    deadband: when('deadband', () => compileDeadband(source.deadband ?? {})),
    store: source.store ?? 'raw+fields',
    retentionMs: when('retention', () => parseDuration(source.retention ?? '')),
    leavesFields: leavesFields(source),
  }
  return problems.length > before ? null : rule
}

/** A level that is `*` alone is meant as a wildcard, and would match nothing. */
function checkRuleFilter(filter: string): void {
  checkFilter(filter)
  if (filter.split('/').includes('*'))
    throw new RangeError(`"${filter}" has a level "*"; write + for one level, or # for all that are left`)
}

function protobufOf(
  { protobuf, decode }: RuleSource,
  files: RuleFiles,
  part: <T>(key: string, make: () => T) => T | null,
): Pick<DecodeOptions, 'protobuf'> {
  if (protobuf) {
    const read = part('protobuf', () => readProtobuf(files, protobuf))
    return read ? { protobuf: read } : {}
  }
  if (decode === 'protobuf') {
    part('decode', () => {
      throw new RangeError('needs `protobuf: { file, message }` beside it')
    })
  }
  return {}
}

/** `fields` and `where` say for each message whether they changed it. */
function leavesFields({ decode, ...source }: RuleSource): boolean {
  const changes = ['keep', 'drop', 'rename', 'deadband', 'transform', 'csv', 'protobuf'] as const
  if (changes.some((key) => source[key] !== undefined) || source.store === 'fields') return false
  return decode === undefined || decode === 'auto'
}

function compileTags(
  sources: Readonly<Record<string, number | string>>,
): (topic: string) => Record<string, string> {
  const entries = Object.entries(sources)
  if (entries.some(([, value]) => value === 0)) throw new RangeError('levels are counted from 1')
  return (topic) => {
    const levels = topic.split('/')
    const tags = Object.create(null) as Record<string, string>
    for (const [name, value] of entries) {
      const tag = typeof value === 'string' ? value : levels.at(value > 0 ? value - 1 : value)
      if (tag !== undefined) tags[name] = tag
    }
    return tags
  }
}

function compileSelect({ keep, drop, rename }: RuleSource): ((fields: Fields) => void) | null {
  if (!keep && !drop && !rename) return null
  const kept = keep?.map(globMatcher)
  const dropped = drop?.map(globMatcher) ?? []
  const names = Object.entries(rename ?? {})
  return (fields) => {
    if (kept || dropped.length > 0) {
      for (const name in fields) {
        if ((kept && !kept.some((fits) => fits(name))) || dropped.some((fits) => fits(name)))
          delete fields[name]
      }
    }
    const moved = names.flatMap(([from, to]) => {
      const value = fields[from]
      if (value === undefined) return []
      delete fields[from]
      return [[to, value] as const]
    })
    // All are taken out before any is put in: two names may change places.
    for (const [to, value] of moved) fields[to] = value
  }
}

/** CEL is no programming language: it always ends. These bounds keep it short too. */
const celLimits = {
  maxAstNodes: 500,
  maxDepth: 50,
  maxListElements: 1000,
  maxMapEntries: 100,
  maxCallArguments: 16,
}

function compileWhere(expression: string): NonNullable<CompiledRule['where']> {
  if (/\bmatches\s*\(/.test(expression)) {
    throw new RangeError(
      'matches() may take very long on a crafted text; use startsWith, endsWith, contains or in',
    )
  }
  if ((expression.match(/\.(?:all|exists|exists_one|map|filter)\s*\(/g) ?? []).length > 1) {
    throw new RangeError('one of all, exists, exists_one, map and filter is the most an expression may have')
  }
  const environment = new Environment({ limits: celLimits })
    .registerVariable('fields', 'map')
    .registerVariable('tags', 'map')
    .registerVariable('topic', 'string')
  const run = parsed(() => environment.parse(expression), expression)
  const { valid, error, type } = run.check()
  if (!valid) throw new RangeError(celFault(error?.message ?? 'is not valid'))
  if (type !== 'bool' && type !== 'dyn') throw new RangeError(`gives ${type}; it must give true or false`)
  return (fields, tags, topic) => {
    try {
      return run({ fields, tags, topic }) === true
    } catch (error) {
      // The message may hold the payload's text; its first words say what is missing.
      return {
        reason: `where: ${(error instanceof Error ? error.message : String(error)).split('\n')[0]?.slice(0, 80)}`,
      }
    }
  }
}

function parsed<T>(parse: () => T, expression: string): T {
  try {
    return parse()
  } catch (error) {
    const isAssignment = /[^=!<>]=[^=]/.test(expression)
    const message = celFault(error instanceof Error ? error.message : String(error))
    throw new RangeError(isAssignment ? `${message}; compare with ==` : message)
  }
}

/** The first line of what the parser says, and what to write instead. */
function celFault(message: string): string {
  const [first = ''] = message.split('\n')
  const [, name] = /^Unknown variable: ([A-Za-z_]\w*)/.exec(first) ?? []
  if (name !== undefined) return `there is no "${name}"; a field is fields.${name}, a tag tags.${name}`
  return first.startsWith('Unexpected token: EOF')
    ? 'the expression is not complete; something is missing at its end'
    : first
}

function compileDeadband(
  source: Readonly<Record<string, number | string>>,
): NonNullable<CompiledRule['deadband']> {
  const { max_silence: silence, ...fields } = source
  const maxSilenceMs = silence === undefined ? Number.POSITIVE_INFINITY : parseDuration(String(silence))
  return { fields: Object.entries(fields) as [string, number][], maxSilenceMs }
}
