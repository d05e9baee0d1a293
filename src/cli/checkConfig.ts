// `amber check-config`: says what the server would run with and where each value comes from, or everything that is wrong.

import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { readAcl, readPasswords } from '../auth/files.ts'
import type { ResolvedConfig } from '../config/load.ts'
import { isMosquittoConf, readMosquittoConf } from '../config/mosquitto/convert.ts'
import { formatNotes } from '../config/mosquitto/report.ts'
import { configKeys } from '../config/tree.ts'
import { addConfigFlags, configOf } from './configFlags.ts'
import { hasColour, type Io, write } from './io.ts'
import { formatTable } from './table.ts'

const examples = `
Reads the YAML file or mosquitto.conf, the environment and the flags, and the password and ACL files they name. Exit code 0: amber serve
would start with them; 1: it would not, and every fault is listed with its line.

Examples:
  amber check-config
  amber check-config --config /etc/amber.yaml
  amber check-config /etc/mosquitto/mosquitto.conf
  amber check-config | grep '"http.port"'`

export function addCheckConfig(program: Command, { io }: { io: Io }): void {
  const command = program
    .command('check-config')
    .summary('check the configuration and show what is in force')
    .description('Check the configuration, the password file and the ACL file without starting anything.')
    .argument('[file]', 'YAML file, the same as --config, or a mosquitto.conf, the same as --mosquitto-conf')
    .addHelpText('after', examples)
    .action(async (file: string | undefined, options: Record<string, unknown>) => {
      const named = file === undefined ? options : { ...options, [kindOf(io, file)]: file }
      await writeNotes(io, named)
      await checkConfig(io, configOf(io, named))
    })
  addConfigFlags(command)
}

async function checkConfig(io: Io, resolved: ResolvedConfig): Promise<void> {
  const { config, origins, file } = resolved
  const passwords = await readPasswords(config.auth, 'amber')
  await readAcl(config.auth)
  for (const listener of config.mqtt.listeners) {
    const { allow_anonymous, password_file, acl_file } = { ...config.auth, ...listener }
    await readPasswords({ allow_anonymous, password_file, acl_file }, 'amber')
    await readAcl({ allow_anonymous, password_file, acl_file })
  }
  const rows = configKeys().map(({ name }) => ({
    key: name,
    value: withoutSecrets(valueAt(config, name)),
    from: origins.get(name) ?? 'default',
  }))
  if (io.stdout.isTTY !== true) {
    await write(io.stdout, rows.map((row) => `${JSON.stringify(row)}\n`).join(''))
  } else {
    const cells = rows.map(({ key, value, from }) => [key, JSON.stringify(value), from])
    await write(io.stdout, formatTable(['KEY', 'VALUE', 'FROM'], cells, { colour: hasColour(io) }))
    const read = file === null ? 'no configuration file' : file
    await write(io.stdout, `\nIn order: ${read}; accounts: ${passwords.accounts.size}.\n`)
  }
  for (const warning of passwords.warnings) await write(io.stderr, `warning: ${warning}\n`)
}

/** What became of each line of a mosquitto.conf; also of one that the server would not start with. */
async function writeNotes(io: Io, { mosquittoConf }: Record<string, unknown>): Promise<void> {
  if (typeof mosquittoConf !== 'string') return
  const { notes } = readMosquittoConf(mosquittoConf, io.cwd)
  const rows = notes.map((note) => `${JSON.stringify(note)}\n`).join('')
  await write(io.stdout, io.stdout.isTTY === true ? `${formatNotes(notes)}\n` : rows)
}

/** Which flag a file is meant for, by its name and then by what is in it. */
function kindOf(io: Io, file: string): 'config' | 'mosquittoConf' {
  if (/\.ya?ml$/i.test(file)) return 'config'
  if (/\.conf$/i.test(file)) return 'mosquittoConf'
  try {
    return isMosquittoConf(readFileSync(resolve(io.cwd, file), 'utf8')) ? 'mosquittoConf' : 'config'
  } catch {
    // That it cannot be read is said by who reads it for its contents.
    return 'config'
  }
}

/** The same value with passwords covered. */
function withoutSecrets(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (key, inner: unknown) =>
      /^password$/.test(key) && typeof inner === 'string' && inner !== '' ? '***' : inner,
    ),
  ) as unknown
}

function valueAt(config: unknown, key: string): unknown {
  return key.split('.').reduce<unknown>((value, part) => (value as Record<string, unknown>)[part], config)
}
