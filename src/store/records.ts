// Every record of an open LevelDB as it is at one moment, for backups: a snapshot, read in lists of about a megabyte.

import type { Level } from 'level'
import type { DatabaseRecord } from './backup.ts'

const listBytes = 1024 * 1024
const listRecords = 4096

/** Writes go on meanwhile and are not seen. */
export async function* snapshotRecords<K, V>(
  db: Level<K, V>,
  signal?: AbortSignal,
): AsyncGenerator<DatabaseRecord[]> {
  const iterator = db.iterator<Buffer, Buffer>({
    keyEncoding: 'buffer',
    valueEncoding: 'buffer',
    highWaterMarkBytes: listBytes,
    fillCache: false,
  } as Parameters<typeof db.iterator<Buffer, Buffer>>[0])
  try {
    for (;;) {
      signal?.throwIfAborted()
      const list = await iterator.nextv(listRecords)
      if (list.length === 0) return
      yield list
    }
  } finally {
    await iterator.close()
  }
}
