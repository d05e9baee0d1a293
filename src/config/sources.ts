// Where values come from besides the defaults: the YAML file, the environment and the flags. Each is read into the
// same list of settings with their places, and a key nobody knows is a problem that names the nearest one.

import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { closest, distance } from 'fastest-levenshtein'
import { isMap, isPair, isScalar, LineCounter, type Node, parseDocument } from 'yaml'
import { AppError, type Problem } from '../domain/errors.ts'
import { printable } from '../domain/topic.ts'
import { configKeys, configRoot, fromText, type SchemaNode } from './tree.ts'

/** A value for a key, and where it stands: `amber.yaml:3`, `AMBER_HTTP__PORT`, `--http.port`. */
export interface Setting {
  key: string
  value: unknown
  place: string
}

export interface SourceResult {
  settings: Setting[]
  problems: Problem[]
}

/** Variables of the client commands and of the loader itself, which are no configuration keys. */
export const otherVariables: readonly string[] = [
  'AMBER_CONFIG',
  'AMBER_URL',
  'AMBER_USER',
  'AMBER_PASSWORD',
  'AMBER_PASSWORD_FILE',
]

const fileBytesMax = 1_048_576
const keyNodes: ReadonlyMap<string, SchemaNode> = new Map(configKeys().map(({ name, node }) => [name, node]))

/** The YAML file. Throws `bad_config` when it is no YAML at all. */
export function readYaml(text: string, path: string): SourceResult {
  if (text.length > fileBytesMax) {
    throw new AppError(
      'bad_config',
      `${path} has more than ${fileBytesMax} characters; is it the right file?`,
    )
  }
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines })
  const [fault] = document.errors
  if (fault) {
    const what = fault.message.split('\n')[0]?.replace(/ at line \d+, column \d+:?$/, '')
    throw new AppError('bad_config', `${path}:${lines.linePos(fault.pos[0]).line}: not valid YAML: ${what}`)
  }
  const result: SourceResult = { settings: [], problems: [] }
  const placeOf = (node: unknown): string => {
    const start = (node as Node | null)?.range?.[0]
    return start === undefined ? path : `${path}:${lines.linePos(start).line}`
  }
  const walk = (node: unknown, schema: SchemaNode, prefix: string, place: string): void => {
    if (isScalar(node) && node.value === null) return
    if (!isMap(node)) {
      const name = prefix === '' ? 'the file' : prefix.slice(0, -1)
      result.problems.push({ path: place, message: `${name} must be a section: keys below it, indented` })
      return
    }
    for (const pair of node.items) {
      if (!isPair(pair)) continue
      const key = prefix + (isScalar(pair.key) ? String(pair.key.value) : String(pair.key))
      const child = childOf(schema, key.slice(prefix.length))
      const at = placeOf(pair.key)
      if (child === undefined) {
        result.problems.push({ path: at, message: unknownKey(key, isMap(pair.value)) })
      } else if (child.properties) {
        if (pair.value !== null) walk(pair.value, child, `${key}.`, at)
      } else {
        const value = pair.value as { toJS(document: unknown): unknown } | null
        result.settings.push({ key, value: value === null ? null : value.toJS(document), place: at })
      }
    }
  }
  if (document.contents !== null) walk(document.contents, configRoot, '', `${path}:1`)
  return result
}

/** `AMBER_HTTP__PORT`, and `AMBER_HTTP__PORT_FILE` for a value that stands in a file (a mounted secret). */
export function readEnvironment(env: NodeJS.ProcessEnv, cwd: string): SourceResult {
  const result: SourceResult = { settings: [], problems: [] }
  for (const [name, text] of Object.entries(env)) {
    if (!name.startsWith('AMBER_') || text === undefined) continue
    if (otherVariables.includes(name) || isServiceLink(name, text)) continue
    const key = keyOfVariable(name)
    const node = keyNodes.get(key)
    if (node !== undefined) {
      result.settings.push({ key, value: fromText(node, text), place: name })
      continue
    }
    const fileKey = name.endsWith('_FILE') ? keyOfVariable(name.slice(0, -'_FILE'.length)) : ''
    const fileNode = keyNodes.get(fileKey)
    if (fileNode === undefined) {
      const near = variableName(nearestKey(key))
      result.problems.push({ path: name, message: `there is no such setting; did you mean ${near}?` })
    } else if (env[variableName(fileKey)] !== undefined) {
      result.problems.push({
        path: name,
        message: `${variableName(fileKey)} is set as well; keep one of the two`,
      })
    } else {
      const value = readValueFile(resolve(cwd, text), name, result.problems)
      if (value !== null)
        result.settings.push({ key: fileKey, value: fromText(fileNode, value), place: name })
    }
  }
  return result
}

/** Flags by key; `true` is a flag without a value. */
export function readFlags(flags: Readonly<Record<string, string | true>>): SourceResult {
  const result: SourceResult = { settings: [], problems: [] }
  for (const [key, given] of Object.entries(flags)) {
    const place = `--${key}`
    const node = keyNodes.get(key)
    if (node === undefined) {
      result.problems.push({
        path: place,
        message: `there is no such flag; did you mean --${nearestKey(key)}?`,
      })
    } else {
      result.settings.push({ key, value: given === true ? true : fromText(node, given), place })
    }
  }
  return result
}

/** `http.port` → `AMBER_HTTP__PORT`. */
export function variableName(key: string): string {
  return `AMBER_${key.replaceAll('.', '__').toUpperCase()}`
}

/** The known key most like `key`; a last part alone (`port`) is compared with last parts. */
export function nearestKey(key: string): string {
  const names = [...keyNodes.keys()]
  const tail = names.filter((name) => name.endsWith(`.${key}`))
  if (tail[0] !== undefined) return tail[0]
  const sameTail = names.filter((name) => lastPart(name) === lastPart(key))
  if (sameTail.length > 0) return closest(key, sameTail)
  return closest(key, names)
}

function unknownKey(key: string, isSection: boolean): string {
  if (isSection && !key.includes('.')) {
    const sections = Object.keys(configRoot.properties ?? {})
    return `there is no section "${printable(key)}"; did you mean "${closest(key, sections)}"?`
  }
  const parent = key.split('.').slice(0, -1).join('.')
  const siblings = [...keyNodes.keys()].filter((name) => parent !== '' && name.startsWith(`${parent}.`))
  const sibling = siblings.length > 0 ? closest(key, siblings) : ''
  const near = sibling !== '' && distance(key, sibling) <= 4 ? sibling : nearestKey(key)
  return `there is no key "${printable(key)}"; did you mean "${near}"?`
}

function childOf(schema: SchemaNode, key: string): SchemaNode | undefined {
  const { properties = {} } = schema
  return Object.hasOwn(properties, key) ? properties[key] : undefined
}

function lastPart(key: string): string {
  return key.slice(key.lastIndexOf('.') + 1)
}

function keyOfVariable(name: string): string {
  return name.slice('AMBER_'.length).toLowerCase().replaceAll('__', '.')
}

/** Kubernetes and Docker set AMBER_PORT=tcp://… and the like beside a service called amber. */
function isServiceLink(name: string, text: string): boolean {
  if (name.includes('__')) return false
  return (
    /_SERVICE_(HOST|PORT)(_\w+)?$/.test(name) ||
    /_PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?$/.test(name) ||
    (name.endsWith('_PORT') && /^(tcp|udp|sctp):\/\//.test(text))
  )
}

function readValueFile(path: string, variable: string, problems: Problem[]): string | null {
  try {
    return readFileSync(path, 'utf8').replace(/\r?\n$/, '')
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    problems.push({ path: variable, message: `cannot read the file it names: ${why}` })
    return null
  }
}
