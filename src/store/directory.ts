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
  /** Who came and went. */
  presence: string
  /** Jobs over what is stored. */
  jobs: string
}

const ours = new Set([
  'readings',
  'sessions',
  'backups',
  'logins',
  'jobs',
  'jobs.new',
  'presence',
  'presence.new',
])
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
    presence: join(root, 'presence'),
    jobs: join(root, 'jobs'),
  }
}

function errno(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error)
}

/** How often a directory is looked through whose files are replaced meanwhile. */
const looksMax = 20

/**
 * Bytes of the files in a directory (not below it). LevelDB writes files anew and then deletes those before: a file that goes
 * away between its name and its size means that others hold what it held, and the directory is looked through again.
 */
export async function directoryBytes(path: string): Promise<number> {
  let most = 0
  for (let look = 0; look < looksMax; look++) {
    const { bytes, isWhole } = await bytesOnce(path)
    if (isWhole) return bytes
    most = Math.max(most, bytes)
  }
  return most
}

async function bytesOnce(path: string): Promise<{ bytes: number; isWhole: boolean }> {
  let isWhole = true
  const sizes = await Promise.all(
    (await readdir(path)).map(async (name) => {
      try {
        return (await stat(join(path, name))).size
      } catch (error) {
        if (errno(error) !== 'ENOENT') throw error
        isWhole = false
        return 0
      }
    }),
  )
  return { bytes: sizes.reduce((sum, size) => sum + size, 0), isWhole }
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
