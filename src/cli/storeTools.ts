// `amber check-store` and `amber repair`: the store of a server that does not run, looked through record by record, and mended
// on demand.

import { resolve } from 'node:path'
import type { Command } from 'commander'
import { createLog } from '../ops/log.ts'
import type { StoreCheck } from '../store/leveldb/check.ts'
import { AppError } from '../domain/errors.ts'
import type { Config } from '../config/schema.ts'
import { addConfigFlags, configOf } from './configFlags.ts'
import { exitCodes, type Io, write } from './io.ts'
import { describeFaults } from './storeFaults.ts'

export interface StoreToolsDeps {
  io: Io
  setExitCode: (code: number) => void
}

const repairHelp = `
Without --yes it only says what is wrong and what would be done. With it, files that LevelDB refuses are made
again from the tables that are whole; indexes, topics, capture data and shapes are made again from what else
is stored; damaged log segments and receipts are set aside in the store. Make a copy of the directory first.`

export function addStoreTools(program: Command, deps: StoreToolsDeps): void {
  const check = program
    .command('check-store')
    .summary('look through every record of a store')
    .description(
      'Look through every record of the store of a server that does not run. Changes nothing in it.',
    )
    .action(async (options: Record<string, unknown>) => {
      const { config } = configOf(deps.io, options)
      await report(deps, await look(deps.io, config))
    })
  addConfigFlags(check)
  const repair = program
    .command('repair')
    .summary('mend a damaged store')
    .description('Mend the store of a server that does not run, as far as it can be.')
    .option('--yes', 'do it')
    .addHelpText('after', repairHelp)
    .action(async (options: Record<string, unknown>) => {
      const { config } = configOf(deps.io, options)
      await mend(deps, config, options['yes'] === true)
    })
  addConfigFlags(repair)
}

async function look(io: Io, { store }: Config): Promise<StoreCheck> {
  const { openDataDirectory } = await import('../store/directory.ts')
  const { checkStore } = await import('../store/leveldb/check.ts')
  const { readings } = await openDataDirectory(resolve(io.cwd, store.path))
  const shows = io.stderr.isTTY === true
  const check = await checkStore(readings, (records) => {
    if (shows) io.stderr.write(`\r${records} records `)
  })
  if (shows) await write(io.stderr, '\r')
  return check
}

async function report({ io, setExitCode }: StoreToolsDeps, check: StoreCheck): Promise<void> {
  const { faults, ...counts } = check
  await describeFaults(io, faults)
  const verdict = faults.length === 0 ? 'all whole' : `${faults.length} faults`
  const { records, readings, topics } = counts
  await write(
    io.stdout,
    io.stdout.isTTY === true
      ? `${verdict}: ${records} records, ${readings} readings of ${topics} topics\n`
      : `${JSON.stringify({ ...counts, faults: faults.length })}\n`,
  )
  if (faults.length > 0) setExitCode(exitCodes.failed)
}

async function mend(deps: StoreToolsDeps, config: Config, isWanted: boolean): Promise<void> {
  const { io } = deps
  if (!isWanted) {
    try {
      await report(deps, await look(io, config))
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== 'store_corrupt') throw error
      await write(io.stderr, `${error.message}\n`)
      deps.setExitCode(exitCodes.failed)
    }
    return write(io.stderr, 'nothing was changed; --yes mends what can be mended\n')
  }
  const { openDataDirectory } = await import('../store/directory.ts')
  const { repairStore } = await import('../store/leveldb/repair.ts')
  const { readings } = await openDataDirectory(resolve(io.cwd, config.store.path))
  const log = createLog({ level: 'warn', format: 'text' })
  // What is damaged is mended, and nothing is removed on the way.
  await repairStore({ ...config.store, retention: () => [], path: readings }, { log })
  await report(deps, await look(io, config))
}
