// `amber token`: makes, lists and revokes the bearer tokens of a token file. The token itself is printed once, when made.

import { resolve } from 'node:path'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { createTokenFile } from '../auth/tokenFile.ts'
import { parseDuration } from '../domain/time.ts'
import { filterFault, printable } from '../domain/topic.ts'
import { hasColour, type Io, UsageError, write } from './io.ts'
import { formatTable } from './table.ts'

interface CreateFlags {
  name: string
  topic: string[]
  read?: true
  write?: true
  admin?: true
  expires?: number | null
  file: string
}

const examples = `
Examples:
  amber token create --name grafana --topic 'site/#' --expires 90d    may read; the token is printed once
  amber token create --name gateway --topic 'site/#' --read --write
  amber token list
  amber token revoke grafana

A program sends it as Authorization: Bearer TOKEN. A running server reads the file again by itself.`

export function addToken(program: Command, { io }: { io: Io }): void {
  const token = program
    .command('token')
    .summary('make, list and revoke bearer tokens for HTTP')
    .description('Make, list and revoke bearer tokens for HTTP.')
    .addHelpText('after', examples)
  const file = (): Option => new Option('--file <file>', 'the token file (auth.token_file)').default('tokens')
  token
    .command('create')
    .description('Make a token and print it.')
    .requiredOption('--name <name>', 'what it is for')
    .option(
      '--topic <filter>',
      'topics it may use; may be repeated',
      (one, all: string[]) => [...all, one],
      [],
    )
    .option('--read', 'it may read them (so it is without --write)')
    .option('--write', 'it may publish to them')
    .option('--admin', 'it may manage the server')
    .option('--expires <time>', 'how long it lives: 12h, 90d, 1y, never', parseLife, parseLife('90d'))
    .addOption(file())
    .action((flags: CreateFlags) => create(io, flags))
  token
    .command('list')
    .description('Show the tokens of the file; the tokens themselves are nowhere kept.')
    .addOption(file())
    .action((flags: { file: string }) => list(io, flags))
  token
    .command('revoke')
    .description('Take tokens away, at once also from a running server.')
    .argument('<name...>', 'names of the tokens')
    .addOption(file())
    .action((names: string[], flags: { file: string }) => revoke(io, names, flags))
}

async function create(io: Io, { name, topic, expires, file, ...may }: CreateFlags): Promise<void> {
  const wrong = topic.find((filter) => filterFault(filter) !== null)
  if (wrong !== undefined) {
    throw new UsageError(`--topic: "${printable(wrong)}" is not a topic filter: ${filterFault(wrong)}`)
  }
  if (topic.length === 0 && may.admin !== true)
    throw new UsageError("--topic: say which topics, such as 'a/#'")
  if (name.trim() !== name || name === '' || name.length > 200 || /\p{Cc}/u.test(name)) {
    throw new UsageError('--name: choose a name of 1 to 200 characters, without spaces around it')
  }
  const { token, entry } = await createTokenFile(resolve(io.cwd, file), { shown: file }).create({
    name,
    read: may.read === true || may.write !== true ? topic : [],
    write: may.write === true ? topic : [],
    admin: may.admin === true,
    lifeMs: expires ?? null,
  })
  await write(io.stdout, `${token}\n`)
  await write(io.stderr, `This is the only time it is shown. It ends ${entry.expires ?? 'never'}.\n`)
}

async function list(io: Io, { file }: { file: string }): Promise<void> {
  const entries = await createTokenFile(resolve(io.cwd, file), { shown: file }).list()
  if (io.stdout.isTTY !== true) {
    const lines = entries.map(({ sha256: _hash, ...entry }) => `${JSON.stringify(entry)}\n`)
    await write(io.stdout, lines.join(''))
    return
  }
  const rows = entries.map((entry) => [
    entry.name,
    entry.expires ?? 'never',
    entry.admin ? 'yes' : '',
    entry.read.join(' '),
    entry.write.join(' '),
  ])
  await write(
    io.stdout,
    formatTable(['NAME', 'EXPIRES', 'ADMIN', 'READ', 'WRITE'], rows, { colour: hasColour(io) }),
  )
}

async function revoke(io: Io, names: readonly string[], { file }: { file: string }): Promise<void> {
  await createTokenFile(resolve(io.cwd, file), { shown: file }).revoke(names)
  await write(io.stderr, `revoked: ${names.join(', ')}\n`)
}

/** Milliseconds; `null` for never. */
function parseLife(text: string): number | null {
  if (text === 'never') return null
  try {
    const lifeMs = parseDuration(text)
    if (!/^\d+$/.test(text) && lifeMs > 0) return lifeMs
  } catch {
    // Said below, with what is possible here.
  }
  throw new InvalidArgumentError('write 12h, 90d, 1y or never.')
}
