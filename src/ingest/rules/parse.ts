// A rules file as text becomes what its schema says, or a list of everything wrong with the line and the key of each.

import { Ajv, type ValidateFunction } from 'ajv'
import { isMap, isScalar, LineCounter, parseDocument } from 'yaml'
import { AppError, type Problem } from '../../domain/errors.ts'
import { type RulePath, schemaFaults, yamlFaults } from './faults.ts'
import { type RulesFile, rulesFileSchema } from './schema.ts'

export type { RulePath } from './faults.ts'

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
    throw badRules(yamlFaults(document.errors, text, name, lines))
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
  if (!validate(file)) throw badRules(schemaFaults(validate.errors ?? [], file, placeOf))
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
