// `amber export` and `amber import`: readings out of a running server into a file, and back. A file is either whole or not
// there; what could not be imported is told by its line.

import { createReadStream, createWriteStream } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { resolve } from 'node:path'
import { Readable, type Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { type Command, Option } from 'commander'
import { AppError } from '../domain/errors.ts'
import { printable } from '../domain/topic.ts'
import { authorizationOf } from './credentials.ts'
import { httpStream } from './httpStream.ts'
import { exitCodes, type Io, ReaderGone, UsageError, write } from './io.ts'
import { createProgress } from './progress.ts'
import { serverUrl, urlFlag, urlHelp, userFlag, userHelp } from './serverAddress.ts'

interface ExportFlags {
  url?: string
  user?: string
  prefix?: string
  from?: string
  to?: string
  format?: 'ndjson' | 'csv' | 'parquet'
  fields?: string
  output?: string
}

interface ImportFlags {
  url?: string
  user?: string
  format?: 'ndjson' | 'csv'
}

export interface TransferDeps {
  io: Io
  setExitCode: (code: number) => void
}

const types = { ndjson: 'application/x-ndjson', csv: 'text/csv' }

export function addTransfer(program: Command, { io, setExitCode }: TransferDeps): void {
  program
    .command('export')
    .summary('write stored readings to a file')
    .description('Write stored readings of a running server to a file or to standard output.')
    .argument('[filter...]', "topic filters, such as 'home/#'; without one every topic")
    .option(urlFlag, urlHelp)
    .option(userFlag, userHelp)
    .option('--prefix <topic>', 'this topic and everything below it')
    .option('--from <time>', 'first time: 2026-11-24T08:00:00Z, -15m, -7d; by default all there is')
    .option('--to <time>', 'last time, left out')
    .addOption(
      new Option('--format <format>', 'by default what the file is named').choices([
        'ndjson',
        'csv',
        'parquet',
      ]),
    )
    .option(
      '--fields <names>',
      'also these fields, with commas between them, * for all; in CSV and Parquet a column each',
    )
    .option('-o, --output <file>', 'the file; without it standard output')
    .addHelpText('after', '\nExample:\n  amber export -u admin:12345678 --from -7d --fields t,h -o week.csv')
    .action((filters: string[], flags: ExportFlags) => exportReadings(io, filters, flags))
  program
    .command('import')
    .summary('store readings of a file, with their own times')
    .description(
      'Store readings of a file that export wrote, or of your own. What is stored already is not stored again.',
    )
    .argument('<file>', 'NDJSON or CSV, also with .gz; - for standard input')
    .option(urlFlag, urlHelp)
    .option(userFlag, userHelp)
    .addOption(
      new Option('--format <format>', 'by default what the file is named').choices(['ndjson', 'csv']),
    )
    .addHelpText('after', '\nExample:\n  amber import -u admin:12345678 week.csv')
    .action((file: string, flags: ImportFlags) => importReadings({ io, setExitCode }, file, flags))
}

async function exportReadings(io: Io, filters: readonly string[], flags: ExportFlags): Promise<void> {
  const url = serverUrl(io, '/api/v1/export', flags.url)
  const parameters = new URLSearchParams(filters.map((filter): [string, string] => ['topic', filter]))
  for (const name of ['prefix', 'from', 'to', 'fields'] as const) {
    const value = flags[name]
    if (value !== undefined) parameters.set(name, value)
  }
  parameters.set('format', flags.format ?? formatOfName(flags.output))
  // The API takes + literally, so a space must go as %20.
  url.search = parameters.toString().replaceAll('+', '%20')
  const answer = await httpStream(url, { authorization: authorizationOf(io, flags.user) })
  const progress = createProgress(io, 'exported')
  if (flags.output === undefined) {
    await toOutput(io, answer.pipe(progress.stream))
  } else {
    await toFile(resolve(io.cwd, flags.output), answer, progress.stream)
  }
  await progress.end()
}

function formatOfName(name = ''): string {
  return /\.(csv|parquet)$/.exec(name)?.[1] ?? 'ndjson'
}

async function toOutput(io: Io, pieces: Readable): Promise<void> {
  try {
    for await (const piece of pieces) await write(io.stdout, piece as Buffer)
  } catch (error) {
    if (error instanceof ReaderGone) throw error
    throw new AppError('bad_request', 'the export broke off; what was written is not whole', { cause: error })
  }
}

export async function toFile(path: string, answer: Readable, progress: Transform): Promise<void> {
  const temporary = `${path}.part`
  try {
    await pipeline(answer, progress, createWriteStream(temporary))
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true })
    throw new AppError('bad_request', `${path} was not written: ${(error as Error).message}`, {
      cause: error,
    })
  }
}

interface ImportAnswer {
  imported: number
  duplicates: number
  failed: { line: number; reason: string }[]
  failed_total: number
}

async function importReadings(
  { io, setExitCode }: TransferDeps,
  file: string,
  flags: ImportFlags,
): Promise<void> {
  const named = /\.(csv|ndjson|jsonl|json)(?:\.gz)?$/.exec(file)?.[1]
  const format = flags.format ?? (named === undefined ? undefined : named === 'csv' ? 'csv' : 'ndjson')
  if (format === undefined)
    throw new UsageError(`${printable(file)}: say what is in it with --format ndjson or csv`)
  const url = serverUrl(io, '/api/v1/import', flags.url)
  const source: Readable = file === '-' ? Readable.from(io.stdin) : createReadStream(resolve(io.cwd, file))
  const progress = createProgress(io, 'sent')
  const body = source.pipe(progress.stream)
  source.on('error', (error) => body.destroy(error))
  const headers: Record<string, string> = { 'content-type': types[format] }
  if (file.endsWith('.gz')) headers['content-encoding'] = 'gzip'
  const response = await httpStream(url, { authorization: authorizationOf(io, flags.user), headers, body })
  let text = ''
  for await (const piece of response) text += String(piece)
  await progress.end()
  const answer = JSON.parse(text) as ImportAnswer
  for (const { line, reason } of answer.failed) {
    await write(io.stderr, `${printable(file)}:${line}: ${printable(reason)}\n`)
  }
  const { imported, duplicates, failed_total: failed } = answer
  const summary = { imported, duplicates, failed }
  await write(
    io.stdout,
    io.stdout.isTTY === true
      ? `imported ${imported}, stored already ${duplicates}, failed ${failed}\n`
      : `${JSON.stringify(summary)}\n`,
  )
  if (failed > 0) setExitCode(exitCodes.failed)
}
