// The data directory: what stands where, and that it is ours before anything is written into it.

import { access, constants, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { AppError } from '../domain/errors.ts'
import { makeDirectory } from '../ops/makeDirectory.ts'

export interface DataDirectory {
  root: string
  /** LevelDB of the readings. */
  readings: string
  /** LevelDB of the MQTT sessions. */
  sessions: string
  /** Logins of browsers. */
  logins: string
  /** Jobs over what is stored. */
  jobs: string
}

const ours = new Set(['readings', 'sessions', 'backups', 'logins', 'jobs', 'jobs.new'])
/** What file systems and tools put beside: no reason to refuse a directory. */
const harmless = new Set(['lost+found', '.gitkeep', '.DS_Store', '.snapshot'])

/** Makes the directory when it is missing. Throws `store_foreign` when it holds something else or cannot be written. */
export async function openDataDirectory(path: string): Promise<DataDirectory> {
  const root = resolve(path)
  try {
    await makeDirectory(root, 0o700)
    await access(root, constants.R_OK | constants.W_OK | constants.X_OK)
  } catch (error) {
    throw new AppError(
      'store_foreign',
      `the data directory ${root} cannot be written (${errno(error)}); give this user the right to write there, or choose another with --store.path`,
      { cause: error },
    )
  }
  const strange = (await readdir(root)).filter(
    (name) => !ours.has(name) && !harmless.has(name) && !/^logins\.\d+\.tmp$/.test(name),
  )
  if (strange.length > 0) {
    throw new AppError(
      'store_foreign',
      `${root} is not a data directory of Amber: it holds ${strange.slice(0, 3).join(', ')}${strange.length > 3 ? ', …' : ''}; choose an empty one with --store.path`,
    )
  }
  return {
    root,
    readings: join(root, 'readings'),
    sessions: join(root, 'sessions'),
    logins: join(root, 'logins'),
    jobs: join(root, 'jobs'),
  }
}

function errno(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error)
}

/** Bytes of the files in a directory (not below it); files that go away meanwhile count nothing. */
export async function directoryBytes(path: string): Promise<number> {
  let bytes = 0
  for (const name of await readdir(path)) {
    try {
      bytes += (await stat(join(path, name))).size
    } catch (error) {
      if (errno(error) !== 'ENOENT') throw error
    }
  }
  return bytes
}

/** Bytes that must be free before writing goes on after a full disk. */
const spaceBytes = 4 * 2 ** 20

/** Throws while the disk of `path` cannot take a few megabytes: asked by writing them, so that quotas count too. */
export async function checkSpace(path: string): Promise<void> {
  const file = join(path, 'SPACE')
  try {
    await writeFile(file, Buffer.alloc(spaceBytes), { flush: true })
  } finally {
    await rm(file, { force: true })
  }
}
