// Files a rule names: JSON Schemas and .proto files, read from the directory of the rules file and nowhere else.

import { readFileSync, realpathSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join, sep } from 'node:path'
import { Ajv } from 'ajv'
import type * as protobufjs from 'protobufjs'
import { RE2JS } from 're2js'
import type { Fields } from '../../domain/reading.ts'
import { exactInteger } from '../decode/bytes.ts'
import { readJson } from '../decode/json.ts'
import type { Refusal } from './fieldStep.ts'

/** Reads a file by its name beside the rules file. Throws `RangeError` saying what is wrong. */
export type RuleFiles = (name: string) => string

const bytesMax = 1_048_576

export function createRuleFiles(directory: string): RuleFiles {
  return (name) => {
    let file: string
    try {
      file = realpathSync(join(directory, name))
    } catch {
      throw new RangeError(`there is no file "${name}" in ${directory}`)
    }
    if (!file.startsWith(realpathSync(directory) + sep)) {
      throw new RangeError(`"${name}" is outside ${directory}; files of rules stay beside the rules file`)
    }
    const text = readFileSync(file, 'utf8')
    if (text.length > bytesMax) throw new RangeError(`"${name}" is longer than ${bytesMax} bytes`)
    return text
  }
}

/** Without a rules file there is no directory to read from. */
export const noRuleFiles: RuleFiles = (name) => {
  throw new RangeError(`"${name}" cannot be read: there is no rules file, so no directory of rules`)
}

/** For `schema:`; what is checked is the payload's JSON, or the fields of a payload that is none. */
export function compileSchema(
  files: RuleFiles,
  name: string,
): (payload: Uint8Array, fields: Fields) => Refusal | null {
  const options = { allErrors: false, strict: false, validateFormats: false, code: { regExp: linearRegExp } }
  const validate = new Ajv(options).compile(parsed(files(name), name))
  return (payload, fields) => {
    const json = readJson(Buffer.from(payload).toString())
    if (validate(json ? json.documents[0] : { ...fields })) return null
    const [fault] = validate.errors ?? []
    const field = fault?.instancePath.slice(1).replaceAll('/', '.')
    return { ...(field ? { field } : {}), reason: `schema: ${fault?.message ?? 'does not fit'}` }
  }
}

function parsed(text: string, name: string): object {
  try {
    return JSON.parse(text) as object
  } catch (error) {
    throw new RangeError(`"${name}" is no JSON: ${error instanceof Error ? error.message : String(error)}`)
  }
}

const patternCharsMax = 2000

/** Patterns of RE2 take time by the length of the text; JavaScript's may take for ever on a text made for it. */
const linearRegExp = Object.assign(
  (pattern: string): { test: (text: string) => boolean } => {
    if (pattern.length > patternCharsMax)
      throw new RangeError(`a pattern has at most ${patternCharsMax} characters`)
    let regex: RE2JS
    try {
      regex = RE2JS.compile(pattern)
    } catch (error) {
      throw new RangeError(
        `the pattern "${pattern}" is not one of RE2: ${error instanceof Error ? error.message : String(error)}`,
      )
    }
    return { test: (text) => regex.matcher(text).find() }
  },
  { code: 'linearRegExp' },
)

/** For `protobuf:`; the tree of a message of the type named. */
export function readProtobuf(
  files: RuleFiles,
  { file, message }: { file: string; message: string },
): (payload: Uint8Array) => unknown {
  // Loaded with the first schema: it takes a megabyte, and few servers have one.
  const protobuf = createRequire(import.meta.url)('protobufjs') as typeof protobufjs
  const root = new protobuf.Root()
  const seen = new Set<string>()
  const load = (name: string): void => {
    if (seen.has(name)) return
    seen.add(name)
    const { imports = [] } = protobuf.parse(files(name), root, { keepCase: true })
    for (const one of imports) load(one)
  }
  load(file)
  const type = root.lookupType(message)
  const options = { longs: BigInt as never, enums: String, bytes: String, defaults: false }
  return (payload) => exact(type.toObject(type.decode(payload), options))
}

/** 64-bit integers come as bigint, however small. */
function exact(value: unknown): unknown {
  if (typeof value === 'bigint') return exactInteger(value)
  if (Array.isArray(value)) return value.map(exact)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, child]) => [key, exact(child)]))
}
