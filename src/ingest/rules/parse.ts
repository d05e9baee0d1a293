// A rules file as text becomes what its schema says, or a list of everything wrong with the line and the key of each.

import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv'
import { closest, distance } from 'fastest-levenshtein'
import { isMap, isScalar, LineCounter, parseDocument } from 'yaml'
import { AppError, type Problem } from '../../domain/errors.ts'
import { printable } from '../../domain/topic.ts'
import { type RulesFile, rulesFileSchema } from './schema.ts'

/** Path into the file, such as `['rules', 0, 'where']`. */
export type RulePath = readonly (string | number)[]

export interface ParsedRules {
  file: RulesFile
  /** `rules.yaml:12` for what stands at a path. */
  placeOf: (path: RulePath) => string
}

const bytesMax = 1_048_576
let compiled: ValidateFunction<RulesFile> | null = null

/** Made for the first file: who has no rules need not wait for it. */
function validator(): ValidateFunction<RulesFile> {
  compiled ??= new Ajv({
    allErrors: true,
    verbose: true,
    strict: false,
    allowUnionTypes: true,
    validateSchema: false,
    meta: false,
  }).compile<RulesFile>(rulesFileSchema)
  return compiled
}

/** Throws `bad_rules` with a problem for each fault. `name` is what the file is called in messages. */
export function parseRules(text: string, name: string): ParsedRules {
  if (text.length > bytesMax) throw badRules([{ path: name, message: `is longer than ${bytesMax} bytes` }])
  const lines = new LineCounter()
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    schema: 'core',
    merge: false,
  })
  const placeAt = (offset: number): string => `${name}:${lines.linePos(offset).line}`
  if (document.errors.length > 0) {
    throw badRules(document.errors.map(({ message, pos }) => ({ path: placeAt(pos[0]), message })))
  }
  const placeOf = (path: RulePath): string => {
    for (let length = path.length; length > 0; length--) {
      // A value may begin lines below its key.
      const parent = document.getIn(path.slice(0, length - 1), true)
      const pair = isMap(parent)
        ? parent.items.find(({ key }) => keyOf(key) === String(path[length - 1]))
        : undefined
      const key = pair?.key as { range?: [number, number, number] } | undefined
      if (key?.range) return placeAt(key.range[0])
      const node = document.getIn(path.slice(0, length), true) as
        | { range?: [number, number, number] }
        | undefined
      if (node?.range) return placeAt(node.range[0])
    }
    return `${name}:1`
  }
  const file: unknown = document.toJS({ maxAliasCount: 100 }) ?? {}
  const validate = validator()
  if (!validate(file)) throw badRules(faults(validate.errors ?? [], placeOf))
  return { file, placeOf }
}

const keyOf = (key: unknown): string => String(isScalar(key) ? key.value : key)

export function badRules(problems: readonly Problem[]): AppError {
  const [first] = problems
  const more = problems.length > 1 ? ` (and ${problems.length - 1} more)` : ''
  return new AppError('bad_rules', `${first?.path ?? 'rules'}: ${first?.message ?? 'not valid'}${more}`, {
    problems,
  })
}

function faults(errors: readonly ErrorObject[], placeOf: (path: RulePath) => string): Problem[] {
  const found = new Map<string, Problem>()
  for (const { instancePath, keyword, params, message = 'is not valid', parentSchema } of errors) {
    const path = instancePath
      .split('/')
      .slice(1)
      .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
      .map((part) => (/^\d+$/.test(part) ? Number(part) : part))
    const where = path.join('.')
    if (keyword === 'additionalProperties') {
      const key = String((params as { additionalProperty: string }).additionalProperty)
      found.set(`${where}.${key}`, {
        path: placeOf([...path, key]),
        message: `there is no key "${printable(key)}" here${nearest(key, parentSchema)}`,
      })
    } else if (keyword === 'enum') {
      const allowed = (params as { allowedValues: string[] }).allowedValues.join(', ')
      found.set(where, { path: placeOf(path), message: `${where} must be one of ${allowed}` })
    } else if (keyword === 'required') {
      const key = String((params as { missingProperty: string }).missingProperty)
      found.set(`${where}.${key}`, { path: placeOf(path), message: `${where} needs the key "${key}"` })
    } else if (keyword === 'pattern') {
      found.set(where, {
        path: placeOf(path),
        message: `${where} must be a length of time such as 30s, 5m or 90d`,
      })
    } else if (!found.has(where))
      found.set(where, { path: placeOf(path), message: `${where || 'the file'} ${message}` })
  }
  return [...found.values()]
}

function nearest(key: string, schema: unknown): string {
  const names = Object.keys((schema as { properties?: object } | undefined)?.properties ?? {})
  if (names.length === 0) return ''
  const near = closest(key, names)
  return distance(key, near) <= 4 ? `; did you mean "${near}"?` : `; it may have ${names.join(', ')}`
}
