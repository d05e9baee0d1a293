// After a failed write LevelDB refuses every other until it is opened again: waits until the disk takes something, opens it
// and takes back what the failed batches may have left behind.

import { setTimeout as delay } from 'node:timers/promises'
import type { Log } from '../../ops/log.ts'
import { checkSpace } from '../directory.ts'
import type { Batch } from './committer.ts'
import { type Database, type MemoryProfile, openDatabase } from './database.ts'
import { formatVersion } from './frame.ts'
import { receiptKey, segmentKey, versionKey } from './keys.ts'
import { receiptValue } from './receipts.ts'
import type { WriteGate } from './writeGate.ts'

export interface Reopening {
  log: Log
  memory: MemoryProfile
  /** Closes the database everywhere. */
  close: () => Promise<void>
  /** The database is open for reading. */
  opened: (db: Database) => void
  failed: () => readonly Batch[]
  gate: WriteGate
}

const waitMsMax = 2000

/** Tries until a write succeeds; `null` when told to stop. */
export async function reopenDatabase(
  path: string,
  signal: AbortSignal,
  { log, memory, close, opened, failed, gate }: Reopening,
): Promise<Database | null> {
  for (let waitMs = 250; !signal.aborted; waitMs = Math.min(waitMs * 2, waitMsMax)) {
    await delay(waitMs, undefined, { signal }).catch(() => {})
    try {
      await checkSpace(path)
      await close()
      const db = await openDatabase(path, memory)
      gate.mend()
      // Nobody else writes before what has failed is taken back.
      await gate.entered()
      opened(db)
      await takeBack(db, failed())
      gate.leave()
      return db
    } catch (error) {
      gate.break()
      log.debug({ err: error }, 'the store still refuses')
    }
  }
  return null
}

/**
 * A batch that failed may still be in LevelDB's log file. Nobody was told that it is stored, and its publishers send
 * it again: so its segments and its marks are taken back.
 */
async function takeBack(db: Database, failed: readonly Batch[]): Promise<void> {
  const batch = db.batch()
  for (const { segments, marks } of failed) {
    for (const { seq } of segments) batch.del(segmentKey(seq))
    for (const { receipt, isSet } of marks) {
      const key = receiptKey(receipt)
      if (isSet) batch.del(key)
      else batch.put(key, receiptValue(key))
    }
  }
  batch.put(versionKey, (await db.get(versionKey)) ?? Buffer.from(String(formatVersion)))
  await batch.write({ sync: true })
}
