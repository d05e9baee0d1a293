// `amber rules check` and `amber rules preview`: finds every fault of a rules file without a server, and shows what the file would make
// of the newest messages of a running one.

import { readFileSync } from 'node:fs'
import { basename, dirname, resolve } from 'node:path'
import { type Command, Option } from 'commander'
import { AppError } from '../domain/errors.ts'
import type { RuleSet } from '../ingest/rules/ruleSet.ts'
import { basicAuthorization } from './credentials.ts'
import { httpGet } from './httpGet.ts'
import { type Io, UsageError, write } from './io.ts'
import { wholeNumber } from './mqttOptions.ts'

interface PreviewFlags {
  url?: string
  user?: string
  topic?: string[]
  limit: number
  all?: true
}

const examples = `
Examples:
  amber rules check rules.yaml
  amber rules preview rules.yaml -u admin:12345678 --topic 'attic/#'`

export function addRules(program: Command, { io }: { io: Io }): void {
  const rules = program
    .command('rules')
    .summary('check cleaning rules and try them out')
    .description('Check a file of cleaning rules, or try it on what a running server has stored.')
    .addHelpText('after', examples)
  rules
    .command('check')
    .description('Say everything that is wrong with a rules file, by line. Exit code 0: nothing is.')
    .argument('<file>', 'the rules file')
    .action((file: string) => check(io, file))
  rules
    .command('preview')
    .description('Show what a rules file would make of the newest stored messages. Nothing is changed.')
    .argument('<file>', 'the rules file')
    .option('--url <url>', 'the server (also AMBER_URL; default: http://localhost:8080)')
    .option('-u, --user <name:password>', 'an administrator (also AMBER_USER and AMBER_PASSWORD)')
    .option('--topic <filter...>', 'only these topics')
    .addOption(new Option('--limit <messages>', 'how many messages').argParser(wholeNumber).default(100))
    .option('--all', 'also messages that would not change')
    .action((file: string, flags: PreviewFlags) => preview(io, file, flags))
}

/** Throws `bad_rules`, whose problems name file, line and key. */
async function load(io: Io, name: string): Promise<{ set: RuleSet; text: string }> {
  const file = resolve(io.cwd, name)
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    throw new AppError(
      'bad_rules',
      `cannot read ${name}: ${error instanceof Error ? error.message : String(error)}`,
    )
  }
  const { createRuleFiles } = await import('../ingest/rules/ruleFiles.ts')
  const { createRuleSet } = await import('../ingest/rules/ruleSet.ts')
  return { set: createRuleSet(text, { name: basename(file), files: createRuleFiles(dirname(file)) }), text }
}

async function check(io: Io, file: string): Promise<void> {
  try {
    const { set } = await load(io, file)
    await write(io.stdout, `${file} is valid: ${set.rules.length} rules, version ${set.version}\n`)
  } catch (error) {
    if (!(error instanceof AppError) || error.problems.length === 0) throw error
    const lines = error.problems.map(({ path, message }) => `${path}: ${message}`)
    throw new AppError('bad_rules', lines.join('\n'), { cause: error })
  }
}

interface Row {
  changed: boolean
  before: { topic: string; time: string; fields: object; refused?: object }
  after: { time: string; fields: object; tags?: object; units?: object; refused?: object }[]
}

async function preview(
  io: Io,
  file: string,
  { url: base, user, topic = [], limit, all }: PreviewFlags,
): Promise<void> {
  const { text } = await load(io, file)
  const server = base ?? io.env['AMBER_URL'] ?? 'http://localhost:8080'
  if (!/^https?:\/\/./.test(server) || !URL.canParse(server)) {
    throw new UsageError(`--url: "${server}" is not an address such as http://localhost:8080`)
  }
  const url = new URL('/api/v1/rules/preview', server)
  const filters = topic.map((filter) => `topic=${encodeURIComponent(filter)}`)
  url.search = [...filters, `limit=${limit}`].join('&')
  const body = { type: 'application/yaml', text }
  const deps = { authorization: basicAuthorization(io, user), accept: 'application/json', body }
  const answer = JSON.parse((await httpGet(url, deps)).text) as {
    messages: number
    changed: number
    refused: number
    data: Row[]
  }
  for (const { changed, before, after } of answer.data) {
    if (!changed && !all) continue
    await write(io.stdout, `${before.time} ${before.topic}\n  - ${shown(before)}\n`)
    for (const one of after) await write(io.stdout, `  + ${shown(one)}\n`)
    if (after.length === 0) await write(io.stdout, '  + not stored\n')
  }
  const { messages, changed, refused } = answer
  await write(io.stdout, `${messages} messages: ${changed} would change, ${refused} would be refused\n`)
}

function shown({ fields, ...rest }: Row['after'][number] | Row['before']): string {
  const more = (['tags', 'units', 'refused'] as const).flatMap((name) => {
    const value = (rest as Partial<Record<typeof name, object>>)[name]
    return value ? [`${name} ${JSON.stringify(value)}`] : []
  })
  return [JSON.stringify(fields), ...more].join(' ')
}
