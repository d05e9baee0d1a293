// What is wrong with a rules file, in the words of whoever wrote it: the rule and the key, what stands there, what to write instead.

import type { ErrorObject } from 'ajv'
import { closest, distance } from 'fastest-levenshtein'
import type { LineCounter, YAMLParseError } from 'yaml'
import type { Problem } from '../../domain/errors.ts'
import { printable } from '../../domain/topic.ts'

/** Path into the file, such as `['rules', 0, 'where']`. */
export type RulePath = readonly (string | number)[]

const remedies: Readonly<Record<string, string>> = {
  TAB_AS_INDENT: 'a tab cannot indent YAML; write two blanks for each level',
  BAD_INDENT: 'this line is indented otherwise than its neighbours; align it with the keys of the same level',
  BLOCK_IN_FLOW: 'a block cannot stand within { } or [ ]; close them, or put quotes around the text',
  BLOCK_AS_IMPLICIT_KEY:
    'a value cannot hold ": " here; put quotes around it, or align this line with the keys of the same level',
  DUPLICATE_KEY: 'there are two keys of this name; leave one of them out',
  MISSING_CHAR: 'a quote, bracket, comma or colon is missing here or above',
  MULTIPLE_DOCS: 'there is a second document; leave the line --- out',
  BAD_SCALAR_START: 'a value cannot begin with %, @ or `; put quotes around it',
  BAD_ALIAS: 'a name with * in front is an alias of YAML; put quotes around a pattern: "*temp"',
  MULTILINE_IMPLICIT_KEY: 'the line above is not complete, or this one is indented too far',
}

/** The first fault of each line of YAML that cannot be read; what follows from it is not told. */
export function yamlFaults(
  errors: readonly YAMLParseError[],
  text: string,
  name: string,
  lines: LineCounter,
): Problem[] {
  const written = text.split(/\r?\n/)
  const found = new Map<number, Problem>()
  for (const { code, message, pos } of errors) {
    const { line } = lines.linePos(pos[0])
    const here = (written[line - 1] ?? '').trim()
    const isAlias = /^(?:- )?\*/.test(here)
    const isUnlisted = message.startsWith('Sequence item')
    const isOpen = message.startsWith('Flow')
    const known = isAlias ? 'BAD_ALIAS' : isUnlisted ? 'BAD_INDENT' : isOpen ? 'MISSING_CHAR' : code
    const remedy = remedies[known]
    const quoted = here === '' ? '' : `"${printable(here.slice(0, 60))}": `
    if (!found.has(line)) {
      found.set(line, { path: `${name}:${line}`, message: `${quoted}${remedy ?? message.split('\n')[0]}` })
    }
  }
  return [...found.values()]
}

/** What a key may be, and how it is written. */
const shapes: Readonly<Record<string, string>> = {
  rules: 'a list; begin each rule with a dash: - name: attic',
  profiles: '`all` or a list: [tasmota, shelly]',
  topic: 'text in quotes, or a list of such: topic: "attic/#"',
  tags: 'name: level of the topic, a whole number, or text: { device: 2, building: main }',
  time: 'what says where the time is: { path: timestamp }',
  if: 'field: value: { type: report }',
  keep: 'a list of fields: ["temp*"]',
  drop: 'a list of fields: ["temp*"]',
  parse_json: 'a list of fields: [payload]',
  rename: 'old name: new name: { temp: temperature }',
  fields: 'field: what it is: { temperature: { unit: "°C" } }',
  csv: '{ delimiter: ";", header: true }',
  protobuf: '{ file: sensor.proto, message: sensor.Reading }',
  dedupe: '{ window: 5s }',
  deadband: 'field: number: { temperature: 0.2, max_silence: 5m }',
  missing: 'a value, or a list of values: [-127, 85]',
  retention: 'a length of time such as 90d',
  max_silence: 'a length of time such as 5m',
  max_age: 'a length of time such as 30d',
  max_future: 'a length of time such as 5m',
  window: 'a length of time such as 5s',
  round: 'a whole number of digits from 0 to 15',
}
const types: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number without quotes or unit',
  integer: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map of keys and values',
}
/** Keys people look for one level away from where they are. */
const elsewhere: Readonly<Record<string, string>> = {
  units: 'a unit belongs to its field: fields: { temperature: { unit: "°C" } }',
  unit: 'it belongs to a field: fields: { temperature: { unit: "°C" } }',
  min: 'it belongs to a field: fields: { temperature: { min: -40 } }',
  max: 'it belongs to a field: fields: { temperature: { max: 125 } }',
  type: 'it belongs to a field: fields: { temperature: { type: number } }',
  round: 'it belongs to a field: fields: { temperature: { round: 1 } }',
  missing: 'it belongs to a field: fields: { temperature: { missing: [-127] } }',
  format: 'it belongs to the time: time: { path: ts, format: epoch_s }',
  timestamp: 'write time: { path: timestamp }',
  filter: 'the filter of a rule is its topic',
  match: 'the filter of a rule is its topic',
}

/** What the schema found, one fault a key. */
export function schemaFaults(
  errors: readonly ErrorObject[],
  file: unknown,
  placeOf: (path: RulePath) => string,
): Problem[] {
  const found = new Map<string, Problem>()
  const paths = errors.map(({ instancePath }) => instancePath)
  for (const error of errors) {
    const { instancePath, keyword, params } = error
    const path = pathOf(instancePath)
    const where = ruleLabel(path, file)
    // Of the alternatives of a value only those that were nearly met are told.
    const isNearer = paths.some((other) => other.startsWith(`${instancePath}/`))
    if (keyword === 'additionalProperties') {
      const key = String((params as { additionalProperty: string }).additionalProperty)
      found.set(`${instancePath}/${key}`, {
        path: placeOf([...path, key]),
        message: `there is no key "${printable(key)}" here${nearest(key, error)}`,
      })
    } else if (keyword === 'required') {
      const key = String((params as { missingProperty: string }).missingProperty)
      found.set(`${instancePath}/${key}`, { path: placeOf(path), message: `${where} needs the key "${key}"` })
    } else if (!found.has(instancePath) && !(isNearer && (keyword === 'type' || keyword === 'anyOf'))) {
      found.set(instancePath, { path: placeOf(path), message: `${where} must be ${neededOf(error, path)}` })
    }
  }
  return [...found.values()]
}

function pathOf(pointer: string): (string | number)[] {
  return pointer
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
    .map((part) => (/^\d+$/.test(part) ? Number(part) : part))
}

/** A place by the name of its rule: `rule "attic", fields.t.min`. */
function ruleLabel([top, index, ...rest]: RulePath, file: unknown): string {
  if (top === undefined) return 'the file'
  if (top !== 'rules' || typeof index !== 'number') return [top, index, ...rest].filter(isGiven).join('.')
  const name = (file as { rules?: { name?: unknown }[] }).rules?.[index]?.name
  const rule = typeof name === 'string' ? `rule "${printable(name)}"` : `rule ${index + 1}`
  return rest.length === 0 ? rule : `${rule}, ${rest.join('.')}`
}

const isGiven = (part: string | number | undefined): boolean => part !== undefined

function neededOf({ keyword, params, message, data }: ErrorObject, path: RulePath): string {
  const key = String(path.at(-1) ?? '')
  const isMember =
    path.length >= 2 && ['fields', 'tags', 'rename', 'deadband', 'if'].includes(String(path.at(-2)))
  const stands = `, not ${shown(data)}`
  if (keyword === 'enum') {
    const values = (params as { allowedValues: string[] }).allowedValues
    const near = typeof data === 'string' ? closest(data.toLowerCase(), values) : ''
    const isNear = near !== '' && distance(String(data).toLowerCase(), near) <= Math.floor(near.length / 3)
    return `one of ${values.join(', ')}${stands}${isNear ? `; did you mean "${near}"?` : ''}`
  }
  if (keyword === 'pattern') return 'a length of time such as 30s, 5m or 90d'
  if (path.length === 0) return 'a map that begins with rules: or profiles:'
  const needed = String((params as { type?: string }).type ?? '')
  if (path.at(-2) === 'fields') return `a map: ${key}: { unit: "°C", min: -40 }`
  if (path.at(-2) === 'tags') return `a level of the topic, a whole number from 1, or text${stands}`
  if (typeof path.at(-1) === 'number' && path.length === 2) return 'a map that begins with name: and topic:'
  const shape = isMember && key !== 'max_silence' ? undefined : shapes[key]
  if (shape !== undefined) return `${shape}${stands}`
  return types[needed] === undefined
    ? (message ?? 'valid').replace(/^must be /, '')
    : `${types[needed]}${stands}`
}

function shown(data: unknown): string {
  if (data === null || data === undefined) return 'left empty'
  return printable(JSON.stringify(data).slice(0, 60))
}

function nearest(key: string, { parentSchema, instancePath }: ErrorObject): string {
  const names = Object.keys((parentSchema as { properties?: object } | undefined)?.properties ?? {})
  if (names.length === 0) return ''
  const near = closest(key.toLowerCase(), names)
  if (distance(key.toLowerCase(), near) <= Math.max(1, Math.floor(near.length / 2)))
    return `; did you mean "${near}"?`
  const hint = /^\/rules\/\d+$/.test(instancePath) ? elsewhere[key.toLowerCase()] : undefined
  return hint === undefined ? `; it may have ${names.join(', ')}` : `; ${hint}`
}
