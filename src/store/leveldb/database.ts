// Opens the LevelDB of a store, and only ever one that is ours and whole: LevelDB itself would empty a directory whose
// CURRENT file is missing, and would hand a locked or foreign one back as a riddle.

import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Level } from 'level'
import { AppError } from '../../domain/errors.ts'
import { makeDirectory } from '../../ops/makeDirectory.ts'
import { formatVersion, formatVersionMin } from './frame.ts'
import { versionKey } from './keys.ts'

export type Database = Level<Buffer, Buffer>

const options = {
  keyEncoding: 'buffer',
  valueEncoding: 'buffer',
  compression: true,
  blockSize: 16 * 1024,
  maxFileSize: 8 * 2 ** 20,
} as const

/** What LevelDB may hold: up to two write buffers, the cache of blocks, and the index of each open file. */
const memoryOptions = {
  normal: { writeBufferSize: 16 * 2 ** 20, cacheSize: 8 * 2 ** 20, maxOpenFiles: 1000 },
  small: { writeBufferSize: 2 * 2 ** 20, cacheSize: 2 * 2 ** 20, maxOpenFiles: 128 },
} as const

export type MemoryProfile = keyof typeof memoryOptions

/** Opens the database for this thread and others of the process; the first of them says what memory it may take. */
export async function openThreadDatabase(path: string, memory: MemoryProfile = 'normal'): Promise<Database> {
  const shared = { ...options, ...memoryOptions[memory], createIfMissing: false, multithreading: true }
  const db: Database = new Level<Buffer, Buffer>(path, shared)
  await db.open()
  return db
}

/** Gives the space of deleted records from `start` to `end` back to the disk. */
export async function compactRange(db: Database, start: Buffer, end: Buffer): Promise<void> {
  // The declarations of `level` name only what every platform has; on Node it is classic-level.
  const level = db as Database & { compactRange(start: Buffer, end: Buffer): Promise<void> }
  await level.compactRange(start, end)
}

/** Throws `store_locked`, `store_foreign`, `store_corrupt`, `store_full` or `store_unavailable`, each with what to do. */
export async function openDatabase(path: string, memory: MemoryProfile = 'normal'): Promise<Database> {
  const isNew = await prepare(path)
  const db: Database = new Level<Buffer, Buffer>(path, {
    ...options,
    ...memoryOptions[memory],
    createIfMissing: isNew,
  })
  try {
    await db.open()
    await checkVersion(db, path, isNew)
    // Only now is it known that nobody else has it: shared between threads, a second store here would get in too.
    await db.close()
    return await openThreadDatabase(path, memory)
  } catch (error) {
    await db.close()
    const known = explained(error, path)
    throw known.code === 'store_full' ? await tooFullToOpen(path, known) : known
  }
}

/** LevelDB writes what its log holds into a table before it opens: a full disk keeps even readers out. */
async function tooFullToOpen(path: string, cause: AppError): Promise<AppError> {
  const logs = (await readdir(path)).filter((name) => name.endsWith('.log'))
  const sizes = await Promise.all(logs.map(async (name) => (await stat(join(path, name))).size))
  const megabytes = Math.ceil(sizes.reduce((sum, size) => sum + size, 0) / 2 ** 20) + 1
  return new AppError(
    'store_full',
    `the disk of ${path} is too full to open the store: it needs ${megabytes} MiB free to take in its log; free that much, then start again. Nothing acknowledged is lost`,
    { cause },
  )
}

/** Whether the directory holds no database yet. */
async function prepare(path: string): Promise<boolean> {
  let names: string[]
  try {
    await makeDirectory(path, 0o700)
    names = await readdir(path)
  } catch (error) {
    throw explained(error, path)
  }
  if (names.includes('CURRENT')) return false
  const tables = names.filter((name) => /\.(ldb|sst|log)$|^MANIFEST-/.test(name))
  if (tables.length > 0) {
    throw new AppError(
      'store_corrupt',
      `${path} holds ${tables.length} files of a database but no CURRENT file; nothing was touched. Restore CURRENT (it names the newest MANIFEST) or the directory from a backup`,
    )
  }
  const strange = names.filter((name) => !/^(LOCK|LOG|LOG\.old)$/.test(name))
  if (strange.length > 0) {
    throw new AppError(
      'store_foreign',
      `${path} is not a database of Amber: it holds ${strange.slice(0, 3).join(', ')}`,
    )
  }
  return true
}

async function checkVersion(db: Database, path: string, isNew: boolean): Promise<void> {
  const version = await db.get(versionKey)
  if (version === undefined) {
    const [first] = await db.keys({ limit: 1 }).all()
    if (!isNew && first !== undefined)
      throw new AppError('store_foreign', `${path} is a LevelDB, but not one of Amber`)
    const batch = db.batch()
    batch.put(versionKey, Buffer.from(String(formatVersion)))
    await batch.write({ sync: true })
    return
  }
  if (Number(String(version)) < formatVersionMin) {
    throw new AppError(
      'store_foreign',
      `${path} was written by a version of Amber before the first release (format ${String(version)}); nothing was touched. Move it away, or choose another directory with --store.path`,
    )
  }
  if (Number(String(version)) > formatVersion) {
    throw new AppError(
      'store_foreign',
      `${path} was written by a newer Amber (format ${String(version)}, this one reads up to ${formatVersion}); start that version`,
    )
  }
  // From now on it may hold records that an older server would misread.
  if (Number(String(version)) < formatVersion) {
    await db.put(versionKey, Buffer.from(String(formatVersion)), { sync: true })
  }
}

/** What went wrong, in words of the field. */
export function explained(error: unknown, path: string): AppError {
  if (error instanceof AppError) return error
  const texts: string[] = []
  const codes: string[] = []
  for (let e: unknown = error; e instanceof Error; e = e.cause) {
    texts.push(e.message)
    if ('code' in e) codes.push(String(e.code))
  }
  const text = texts.join(': ')
  if (codes.includes('LEVEL_LOCKED')) {
    return new AppError('store_locked', `${path} is in use by another process; stop that one first`, {
      cause: error,
    })
  }
  if (/no space|ENOSPC|disk quota|EDQUOT/i.test(text)) {
    return new AppError(
      'store_full',
      `the disk of ${path} is full; free some space, and writing goes on by itself`,
      {
        cause: error,
      },
    )
  }
  if (codes.includes('LEVEL_CORRUPTION') || /corrupt/i.test(text)) {
    return new AppError('store_corrupt', `the database in ${path} is damaged: ${text}`, { cause: error })
  }
  if (codes.includes('EACCES') || codes.includes('EROFS') || /permission denied|read-only/i.test(text)) {
    return new AppError('store_foreign', `${path} cannot be written: ${text}`, { cause: error })
  }
  return new AppError('store_unavailable', `the store in ${path} failed: ${text}`, { cause: error })
}
