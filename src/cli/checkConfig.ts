// `amber check-config`: says what the server would run with and where each value comes from, or everything that is wrong.

import type { Command } from 'commander'
import { readAcl, readPasswords } from '../auth/files.ts'
import type { ResolvedConfig } from '../config/load.ts'
import { configKeys } from '../config/tree.ts'
import { addConfigFlags, configOf } from './configFlags.ts'
import { hasColour, type Io, write } from './io.ts'
import { formatTable } from './table.ts'

const examples = `
Reads the YAML file, the environment and the flags, and the password and ACL files they name. Exit code 0: amber serve
would start with them; 1: it would not, and every fault is listed with its line.

Examples:
  amber check-config
  amber check-config --config /etc/amber.yaml
  amber check-config | grep '"http.port"'`

export function addCheckConfig(program: Command, { io }: { io: Io }): void {
  const command = program
    .command('check-config')
    .summary('check the configuration and show what is in force')
    .description('Check the configuration, the password file and the ACL file without starting anything.')
    .argument('[file]', 'YAML file; the same as --config')
    .addHelpText('after', examples)
    .action(async (file: string | undefined, options: Record<string, unknown>) => {
      await checkConfig(io, configOf(io, file === undefined ? options : { ...options, config: file }))
    })
  addConfigFlags(command)
}

async function checkConfig(io: Io, resolved: ResolvedConfig): Promise<void> {
  const { config, origins, file } = resolved
  const passwords = await readPasswords(config.auth, 'amber')
  await readAcl(config.auth)
  const rows = configKeys().map(({ name }) => ({
    key: name,
    value: valueAt(config, name),
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

function valueAt(config: unknown, key: string): unknown {
  return key.split('.').reduce<unknown>((value, part) => (value as Record<string, unknown>)[part], config)
}
