// `amber backup` and `amber restore`: everything a running server holds, as one file, and back into an empty data directory. A
// file is whole or not there, and what was restored has been looked through before it is called good.

import { createReadStream } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Readable } from 'node:stream'
import type { Command } from 'commander'
import { AppError } from '../domain/errors.ts'
import { addConfigFlags, configOf } from './configFlags.ts'
import { authorizationOf } from './credentials.ts'
import { httpStream } from './httpStream.ts'
import { exitCodes, type Io, write } from './io.ts'
import { createProgress } from './progress.ts'
import { serverUrl, urlFlag, urlHelp, userFlag, userHelp } from './serverAddress.ts'
import { describeFaults } from './storeFaults.ts'
import { toFile } from './transfer.ts'

export interface BackupDeps {
  io: Io
  setExitCode: (code: number) => void
}

export function addBackup(program: Command, { io, setExitCode }: BackupDeps): void {
  program
    .command('backup')
    .summary('copy everything a running server holds into a file')
    .description(
      'Copy readings, sessions and retained messages of a running server, as they are at one moment, into one file. The password, ACL, token and rules files are yours to copy.',
    )
    .argument('<file>', 'the file to write')
    .option(urlFlag, urlHelp)
    .option(userFlag, userHelp)
    .addHelpText('after', '\nExample:\n  amber backup -u admin:12345678 amber.backup')
    .action((file: string, flags: { url?: string; user?: string }) => backup(io, file, flags))
  const restore = program
    .command('restore')
    .summary('make a data directory out of a backup')
    .description('Make a data directory out of a backup, and look through it. The directory must be empty.')
    .argument('<file>', 'what `amber backup` wrote')
    .addHelpText('after', '\nExample:\n  amber restore amber.backup --store.path /var/lib/amber/data')
    .action(async (file: string, options: Record<string, unknown>) => {
      const { path } = configOf(io, options).config.store
      await restoreFile({ io, setExitCode }, resolve(io.cwd, file), resolve(io.cwd, path))
    })
  addConfigFlags(restore)
}

async function backup(io: Io, file: string, flags: { url?: string; user?: string }): Promise<void> {
  const url = serverUrl(io, '/api/v1/backup', flags.url)
  const answer = await httpStream(url, { authorization: authorizationOf(io, flags.user) })
  const progress = createProgress(io, 'saved')
  progress.expect(Number(answer.headers['x-size-estimate'] ?? 0))
  await toFile(resolve(io.cwd, file), answer, progress.stream)
  await progress.end()
}

async function restoreFile({ io, setExitCode }: BackupDeps, file: string, path: string): Promise<void> {
  const source = createReadStream(file)
  const progress = createProgress(io, 'restored')
  const body: Readable = source.pipe(progress.stream)
  source.on('error', (error) =>
    body.destroy(new AppError('not_found', `cannot read ${file}: ${error.message}`)),
  )
  const { checkStore } = await import('../store/leveldb/check.ts')
  const { restoreBackup } = await import('../store/restore.ts')
  const { created_at: createdAt } = await restoreBackup(body as AsyncIterable<Uint8Array>, path)
  await progress.end()
  const check = await checkStore(join(path, 'readings'))
  await describeFaults(io, check.faults)
  const text = `${check.readings} readings of ${check.topics} topics, as of ${createdAt}, in ${path}`
  await write(
    io.stdout,
    io.stdout.isTTY === true
      ? `restored ${text}\n`
      : `${JSON.stringify({ readings: check.readings, topics: check.topics, created_at: createdAt, path, faults: check.faults.length })}\n`,
  )
  if (check.faults.length > 0) setExitCode(exitCodes.failed)
}
