// A flag for every configuration key, made from the schema: `--http.port 8080`.

import { type Command, Option } from 'commander'
import { type ConfigSources, type ResolvedConfig, resolveConfig } from '../config/load.ts'
import { configKeys, expectation } from '../config/tree.ts'
import type { Io } from './io.ts'

/** Adds `--config FILE` and the flags of every key, grouped by section in the help. */
export function addConfigFlags(command: Command): Command {
  command.option(
    '--config <file>',
    'YAML file to read; without it amber.yaml in the working directory, if there is one',
  )
  command.option(
    '--mosquitto-conf <file>',
    'mosquitto.conf to begin with; the YAML file, variables and flags come on top',
  )
  for (const { name, node } of configKeys()) {
    const value = node.type === 'boolean' ? '[true|false]' : `<${placeholder(node.type)}>`
    const option = new Option(
      `--${name} ${value}`,
      `${node.description ?? ''} (${defaultText(node.default)})`,
    )
    const hint = node.enum ? ` One of ${expectation(node).replace('one of ', '')}.` : ''
    option.description = `${node.description ?? ''}${hint} (default: ${defaultText(node.default)})`
    command.addOption(option.helpGroup(`${name.split('.')[0] ?? ''}:`))
  }
  return command
}

/** The configuration that the flags of a command, the environment and the YAML file give. */
export function configOf(io: Io, options: Readonly<Record<string, unknown>>): ResolvedConfig {
  return resolveConfig(sourcesOf(io, options))
}

function sourcesOf(io: Io, options: Readonly<Record<string, unknown>>): ConfigSources {
  const flags: Record<string, string | true> = {}
  for (const { name } of configKeys()) {
    const given = options[name]
    if (typeof given === 'string' || given === true) flags[name] = given
  }
  const file = typeof options['config'] === 'string' ? options['config'] : undefined
  const mosquittoConf = options['mosquittoConf']
  return {
    flags,
    env: io.env,
    file,
    mosquittoConf: typeof mosquittoConf === 'string' ? mosquittoConf : undefined,
    cwd: io.cwd,
  }
}

function placeholder(type: string | undefined): string {
  if (type === 'integer' || type === 'number') return 'number'
  return type === 'array' ? 'a,b' : 'text'
}

function defaultText(value: unknown): string {
  if (value === '' || (Array.isArray(value) && value.length === 0)) return 'none'
  return Array.isArray(value) ? value.join(',') : String(value)
}
