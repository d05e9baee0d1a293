// A backup back into a data directory: into an empty one only, and whole or not at all.

import { readdir, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { Level } from 'level'
import { AppError } from '../domain/errors.ts'
import { makeDirectory } from '../ops/makeDirectory.ts'
import { type BackupEnd, type BackupHead, decodeBackup } from './backup.ts'

const databases = new Set(['readings', 'sessions'])

type Raw = Level<Uint8Array, Uint8Array>

/** Throws `conflict` when there is something already, `store_corrupt` when the backup is not whole. */
export async function restoreBackup(
  source: AsyncIterable<Uint8Array>,
  path: string,
): Promise<BackupHead & BackupEnd> {
  const root = resolve(path)
  await makeDirectory(root, 0o700)
  const there = await readdir(root)
  if (there.length > 0) {
    throw new AppError(
      'conflict',
      `${root} is not empty: it holds ${there.slice(0, 3).join(', ')}; a backup is restored into an empty directory`,
    )
  }
  const opened = new Map<string, Raw>()
  let head: BackupHead | null = null
  try {
    const end = await decodeBackup(source, {
      async onHead(found) {
        head = found
        for (const name of found.databases) {
          if (!databases.has(name)) {
            throw new AppError(
              'store_foreign',
              `the backup holds "${name}", which this version does not know`,
            )
          }
          opened.set(name, await openNew(join(root, name)))
        }
      },
      async onRecords(name, records) {
        const db = opened.get(name)
        const batch = db?.batch()
        for (const [key, value] of records) batch?.put(key, value)
        await batch?.write()
      },
    })
    for (const db of opened.values()) {
      // What was written before is on the disk with this.
      await db.batch().del(Buffer.from('\xff')).write({ sync: true })
      await db.close()
    }
    if (!head) throw new AppError('store_corrupt', 'this is not a whole backup: it has no header')
    return { ...(head as BackupHead), ...end }
  } catch (error) {
    for (const db of opened.values()) await db.close()
    for (const name of opened.keys()) await rm(join(root, name), { recursive: true, force: true })
    throw error
  }
}

async function openNew(path: string): Promise<Raw> {
  await makeDirectory(path, 0o700)
  const options = { keyEncoding: 'view', valueEncoding: 'view', createIfMissing: true, errorIfExists: true }
  const db: Raw = new Level<Uint8Array, Uint8Array>(path, options)
  await db.open()
  return db
}
