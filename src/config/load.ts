// The configuration in force: flags over environment over YAML file over mosquitto.conf over defaults, checked as a whole and frozen.
// What is wrong is told with its place and with what would be right.

import { existsSync, readFileSync } from 'node:fs'
import { isAbsolute, resolve } from 'node:path'
import { AppError, type Problem } from '../domain/errors.ts'
import { printable } from '../domain/topic.ts'
import type { Note } from './mosquitto/conversion.ts'
import { type MosquittoConf, readMosquittoConf } from './mosquitto/convert.ts'
import type { Config } from './schema.ts'
import { readEnvironment, readFlags, readYaml, type Setting, type SourceResult } from './sources.ts'
import { configKeys, configRoot, expectation, isFitting, type SchemaNode } from './tree.ts'

export interface ConfigSources {
  /** By key, such as `http.port`; `true` is a flag without a value. */
  flags: Readonly<Record<string, string | true>>
  env: NodeJS.ProcessEnv
  /** YAML file; without one `AMBER_CONFIG`, else `amber.yaml` in `cwd` when there is one. */
  file?: string | undefined
  /** A mosquitto.conf to begin with; what the YAML file says as well is said there. */
  mosquittoConf?: string | undefined
  cwd: string
}

export interface ResolvedConfig {
  config: Config
  /** Key → where its value comes from; keys at their default are not in it. */
  origins: ReadonlyMap<string, string>
  /** The YAML file that was read. */
  file: string | null
  /** What became of each line of the mosquitto.conf; empty without one. */
  notes: readonly Note[]
}

/** The names looked for in the working directory. */
const fileNames = ['amber.yaml', 'amber.yml']

/** Throws `bad_config`; its `problems` are everything that is wrong, not only the first. */
export function loadConfig(sources: ConfigSources): Config {
  return resolveConfig(sources).config
}

/** As `loadConfig`, telling where each value comes from. */
export function resolveConfig({ flags, env, file, mosquittoConf, cwd }: ConfigSources): ResolvedConfig {
  const yaml = findFile(file ?? env['AMBER_CONFIG'], cwd)
  const none: SourceResult = { settings: [], problems: [] }
  const mosquitto = mosquittoConf === undefined ? null : readMosquittoConf(mosquittoConf, cwd)
  const results = [
    mosquitto ?? none,
    yaml === null ? none : readYaml(readConfigFile(yaml, cwd), yaml),
    readEnvironment(env, cwd),
    readFlags(flags),
  ]
  const problems = results.flatMap((result) => result.problems)
  const values = new Map<string, Setting>()
  for (const setting of results.flatMap((result) => result.settings)) values.set(setting.key, setting)
  if (mosquitto !== null) settleDefault(mosquitto, values)
  const nodes = new Map(configKeys().map(({ name, node }) => [name, node]))
  for (const setting of values.values()) {
    const node = nodes.get(setting.key)
    if (node) problems.push(...checkValue(node, setting.value, setting.key, setting.place))
  }
  throwProblems(problems)
  return {
    config: freeze(build(configRoot, '', values)) as Config,
    origins: new Map([...values].map(([key, setting]) => [key, setting.place])),
    file: yaml,
    notes: mosquitto?.notes ?? [],
  }
}

/** `mqtt.port` and `mqtt.host` of a source above the mosquitto.conf are meant for the listener that the file itself calls the default. */
function settleDefault(
  { defaultListener, settings }: MosquittoConf,
  values: ReadonlyMap<string, Setting>,
): void {
  if (defaultListener === null) return
  for (const key of ['port', 'host']) {
    const setting = values.get(`mqtt.${key}`)
    if (setting !== undefined && !settings.includes(setting)) defaultListener[key] = setting.value
  }
}

/** Throws `bad_config` for `problems`, the first one in the message. */
export function throwProblems(problems: readonly Problem[]): void {
  const [first] = problems
  if (first === undefined) return
  const more = problems.length === 1 ? '' : ` (and ${problems.length - 1} more)`
  throw new AppError('bad_config', `${first.path}: ${first.message}${more}`, { problems })
}

/** What is wrong with a value, and below it for lists and their entries. */
function checkValue(node: SchemaNode, value: unknown, name: string, place: string): Problem[] {
  if (node.type === 'array') {
    if (!Array.isArray(value)) return [mismatch(node, value, name, place)]
    const { minItems = 0, maxItems = Infinity } = node
    if (value.length < minItems || value.length > maxItems) {
      return [{ path: place, message: `${name} must have ${minItems} to ${maxItems} entries` }]
    }
    return value.flatMap((item, index) => checkValue(node.items ?? {}, item, `${name}[${index}]`, place))
  }
  if (!node.properties) return isFitting(node, value) ? [] : [mismatch(node, value, name, place)]
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return [mismatch(node, value, name, place)]
  }
  const entries = Object.entries(value)
  const known = Object.keys(node.properties)
  const missing = (node.required ?? []).filter(
    (key) => !Object.hasOwn(value, key) && node.properties?.[key]?.default === undefined,
  )
  return [
    ...missing.map((key) => ({ path: place, message: `${name} needs the key "${key}"` })),
    ...entries.flatMap(([key, child]) => {
      const childNode = known.includes(key) ? node.properties?.[key] : undefined
      if (childNode) return checkValue(childNode, child, `${name}.${key}`, place)
      return [{ path: place, message: `${name} has no key "${printable(key)}"; it has ${known.join(', ')}` }]
    }),
  ]
}

function mismatch(node: SchemaNode, value: unknown, name: string, place: string): Problem {
  const shown = value === undefined ? 'nothing' : printable(JSON.stringify(value))
  return { path: place, message: `${name} must be ${expectation(node)}, not ${shown}` }
}

function build(node: SchemaNode, prefix: string, values: ReadonlyMap<string, Setting>): unknown {
  if (!node.properties) {
    const setting = values.get(prefix)
    return withDefaults(node, setting === undefined ? structuredClone(node.default) : setting.value)
  }
  return Object.fromEntries(
    Object.entries(node.properties).map(([key, child]) => [
      key,
      build(child, prefix === '' ? key : `${prefix}.${key}`, values),
    ]),
  )
}

/** Fills the defaults inside the entries of a list. */
function withDefaults(node: SchemaNode, value: unknown): unknown {
  if (node.type === 'array' && Array.isArray(value)) {
    return value.map((item) => withDefaults(node.items ?? {}, item))
  }
  if (!node.properties || typeof value !== 'object' || value === null) return value
  const filled: Record<string, unknown> = {}
  for (const [key, child] of Object.entries(node.properties)) {
    const given = (value as Record<string, unknown>)[key] ?? structuredClone(child.default)
    if (given !== undefined) filled[key] = withDefaults(child, given)
  }
  return filled
}

function freeze(value: unknown): unknown {
  if (typeof value === 'object' && value !== null) {
    for (const child of Object.values(value)) freeze(child)
    Object.freeze(value)
  }
  return value
}

function findFile(named: string | undefined, cwd: string): string | null {
  if (named !== undefined && named !== '') return named
  const found = fileNames.filter((name) => existsSync(resolve(cwd, name)))
  if (found.length > 1) {
    throw new AppError('bad_config', `there are both ${found.join(' and ')}; keep one of the two`)
  }
  return found[0] ?? null
}

function readConfigFile(path: string, cwd: string): string {
  try {
    return readFileSync(isAbsolute(path) ? path : resolve(cwd, path), 'utf8')
  } catch (error) {
    const errno = error instanceof Error && 'code' in error ? error.code : ''
    const why = errno === 'ENOENT' ? 'there is no such file' : String(error)
    throw new AppError('bad_config', `cannot read the configuration file ${path}: ${why}`, { cause: error })
  }
}
