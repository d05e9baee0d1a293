// `amber query`: asks the HTTP API. On a terminal a table; in a pipe the server's NDJSON lines as they are, so that
// a 19-digit integer keeps every digit.

import { type Command, Option } from 'commander'
import { AppError } from '../domain/errors.ts'
import { authorizationOf } from './credentials.ts'
import { type HttpDeps, httpGet } from './httpGet.ts'
import { hasColour, type Io, UsageError, write } from './io.ts'
import { wholeNumber } from './mqttOptions.ts'
import { cellText, parseRow } from './row.ts'
import { formatTable } from './table.ts'

interface QueryFlags {
  url?: string
  user?: string
  prefix?: string
  from?: string
  to?: string
  order?: string
  fields?: string
  raw?: true
  q?: string
  field?: string[]
  every?: string
  fn?: string
  group?: string
  fill?: string
  tz?: string
  limit?: number
  output?: 'table' | 'ndjson'
}

const kinds = ['latest', 'readings', 'aggregate', 'topics'] as const
type Kind = (typeof kinds)[number]

/** Rows without --limit: a screen's worth for people, all for programs. */
const tableRows = 50
const pageRowsMax = 1000

/** Of a table; `null`: what the rows have. */
const columns: Record<Kind, readonly string[] | null> = {
  latest: ['topic', 'time', 'value'],
  readings: ['time', 'topic', 'value'],
  aggregate: null,
  topics: ['topic', 'readings', 'bytes', 'first_time', 'last_time'],
}

/** Which flags a question has; the others are refused. */
const parametersOf: Record<Kind, readonly (keyof QueryFlags)[]> = {
  latest: ['prefix', 'fields', 'raw'],
  readings: ['prefix', 'from', 'to', 'order', 'fields', 'raw'],
  aggregate: ['prefix', 'from', 'to', 'field', 'every', 'fn', 'group', 'fill', 'tz'],
  topics: ['prefix', 'q'],
}

const examples = `
Questions:
  latest     the newest reading of each topic
  readings   the readings in a range of time, newest first; without --from the last hour
  aggregate  figures over buckets of time, such as hourly means; without --from the last hour
  topics     which topics there are, and how much of each

Examples:
  amber query latest -u admin:12345678
  amber query readings home/kitchen/temperature --from -1d
  amber query readings 'home/+/temperature' --from 2026-11-01 --to 2026-11-02 --order asc > november.ndjson
  amber query aggregate 'home/+/climate' --field temperature --from -7d --every 1h --fn mean,max
  amber query topics --q kitchen
  AMBER_USER=admin AMBER_PASSWORD=12345678 amber query latest --url http://server:8080

On a terminal the answer is a table of ${tableRows} rows at most; in a pipe it is NDJSON, all of it.`

export function addQuery(program: Command, { io }: { io: Io }): void {
  program
    .command('query')
    .summary('read back what was stored')
    .description('Ask a running server over HTTP for what was published.')
    .argument('<question>', 'latest, readings, aggregate or topics')
    .argument('[filter...]', "topic filters, such as 'home/+/temperature'; without one every topic")
    .option('--url <url>', 'the server (also AMBER_URL; default: http://localhost:8080)')
    .option('-u, --user <name:password>', 'who asks (also AMBER_USER and AMBER_PASSWORD)')
    .option('--prefix <topic>', 'this topic and everything below it')
    .option('--from <time>', 'first time: 2026-11-24T08:00:00Z, -15m, -1h, -7d')
    .option('--to <time>', 'last time, left out')
    .addOption(new Option('--order <order>', 'newest or oldest first').choices(['desc', 'asc']))
    .option('--fields <names>', 'only these fields, with commas between them')
    .option('--raw', 'the exact payload as well')
    .option('--q <text>', 'part of the topic')
    .option('--field <path...>', 'of an aggregate: these fields; without one every field that has numbers')
    .option('--every <length>', 'of an aggregate: the buckets: 90s, 5m, 1h, 1d, 1w, 1mo, all (default: 5m)')
    .option(
      '--fn <names>',
      'of an aggregate: mean, min, max, sum, count, first, last, stddev, p95 … (default: mean)',
    )
    .option('--group <names>', 'of an aggregate: topic, none, or tags (default: topic)')
    .option('--fill <how>', 'of an aggregate: empty buckets are none, null, previous or linear')
    .option('--tz <zone>', 'of an aggregate: time zone of days and weeks, such as Europe/Berlin')
    .addOption(new Option('--limit <rows>', 'most rows').argParser(wholeNumber))
    .addOption(new Option('--output <form>', 'table or ndjson').choices(['table', 'ndjson']))
    .addHelpText('after', examples)
    .action((kind: string, filters: string[], flags: QueryFlags) =>
      query(io, checkKind(kind, flags), filters, flags),
    )
}

async function query(io: Io, kind: Kind, filters: readonly string[], flags: QueryFlags): Promise<void> {
  const asTable = (flags.output ?? (io.stdout.isTTY === true ? 'table' : 'ndjson')) === 'table'
  const limit = flags.limit ?? (asTable ? tableRows : Infinity)
  const deps: HttpDeps = { authorization: authorizationOf(io, flags.user), accept: 'application/x-ndjson' }
  const lines: string[] = []
  let left = limit
  let isCut = false
  let url: URL | null = firstPage(io, kind, filters, flags, limit)
  while (url !== null && left > 0) {
    const page: { text: string; next: URL | null } = await httpGet(url, deps)
    const all = page.text.split('\n').filter((line) => line !== '')
    const rows = all.slice(0, left)
    isCut = rows.length < all.length
    left -= rows.length
    if (asTable) lines.push(...rows)
    else await write(io.stdout, rows.map((row) => `${row}\n`).join(''))
    url = page.next
  }
  if (!asTable) return
  const rows = lines.map(parseRow)
  const shown = columns[kind] ?? Object.keys(rows[0] ?? {})
  const cells = rows.map((row) => shown.map((column) => cellText(row, column)))
  const head = shown.map((column) => column.toUpperCase())
  await write(io.stdout, formatTable(head, cells, { colour: hasColour(io) }))
  if (url !== null || isCut) await write(io.stderr, `There are more; see them with --limit ${limit * 10}.\n`)
}

function firstPage(io: Io, kind: Kind, filters: readonly string[], flags: QueryFlags, limit: number): URL {
  const base = flags.url ?? io.env['AMBER_URL'] ?? 'http://localhost:8080'
  if (!/^https?:\/\/./.test(base) || !URL.canParse(base)) {
    throw new UsageError(`--url: "${base}" is not an address such as http://localhost:8080`)
  }
  const url = new URL(`/api/v1/${kind}`, base)
  const parameters = new URLSearchParams(filters.map((filter): [string, string] => ['topic', filter]))
  for (const name of parametersOf[kind]) {
    const value = flags[name]
    if (Array.isArray(value)) for (const one of value) parameters.append(name, one)
    else if (value !== undefined) parameters.set(name, value === true ? '1' : String(value))
  }
  // An aggregate is one page, whose size the server bounds.
  if (kind !== 'aggregate') parameters.set('limit', String(Math.min(limit, pageRowsMax)))
  // The API takes + literally, so a space must go as %20.
  url.search = parameters.toString().replaceAll('+', '%20')
  return url
}

function checkKind(kind: string, flags: QueryFlags): Kind {
  const known = kinds.find((name) => name === kind)
  if (known === undefined) throw new UsageError(`"${kind}" is no question; ask for ${kinds.join(', ')}`)
  const always: readonly string[] = ['url', 'user', 'limit', 'output']
  const given = Object.keys(flags).filter((name) => !always.includes(name))
  const stray = given.find((name) => !(parametersOf[known] as readonly string[]).includes(name))
  if (stray !== undefined) throw new UsageError(`amber query ${known} has no flag --${stray}`)
  if (flags.limit === 0) throw new AppError('bad_request', '--limit must be at least 1')
  return known
}
