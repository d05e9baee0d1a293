// A full disk under the journal of sessions, on a small tmpfs: what is written once there is space again is there after the
// next start. On a database that stays open LevelDB loses it.

import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Level } from 'level'
import pino from 'pino'
import { afterAll, expect, test } from 'vitest'
import { Journal, type Write } from '../../../src/broker/sessions/journal.ts'
import { readFollowed } from '../../../src/broker/sessions/records.ts'
import { Staging } from '../../../src/broker/sessions/staging.ts'

const home = mkdtempSync(join(tmpdir(), 'amber-full-sessions-'))
const disk = join(home, 'disk')
mkdirSync(disk)
const isMounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=24m', 'tmpfs', disk]).status === 0
const path = join(disk, 'sessions')
const ballast = join(disk, 'ballast')

afterAll(() => {
  if (isMounted) spawnSync('umount', [disk])
  rmSync(home, { recursive: true, force: true })
})

/** Leaves so many bytes free. */
function fill(leaveBytes: number): void {
  const { bavail, bsize } = statfsSync(disk)
  writeFileSync(ballast, Buffer.alloc(bavail * bsize - leaveBytes))
}

const writing =
  (bytes: number) =>
  (key: string): Write =>
  (_durable, staging) =>
    staging.put(key, randomBytes(bytes))

if (!isMounted) {
  console.warn('FULL DISK UNDER SESSIONS NOT SHOWN: only root may mount a tmpfs')
  test('could not run: a tmpfs cannot be mounted', () => expect(isMounted).toBe(false))
} else {
  test('what is written after the disk was full is there after the next start', async () => {
    const db = new Level<string, string>(path)
    await db.open()
    const staging = new Staging(db)
    const journal = new Journal({ staging, log: pino({ level: 'silent' }), retryMs: 20 })
    const written = new Set<string>()
    const touch = (key: string, bytes: number): void => {
      written.add(key)
      journal.touch(key, writing(bytes))
    }
    for (let round = 0; round < 3; round++) {
      touch(`${round}/before`, 100)
      await journal.cut({ sync: true })
      fill(40 * 1024)
      touch(`${round}/too large`, 100_000)
      await expect(journal.cut({ sync: true })).rejects.toThrow()
      rmSync(ballast)
      for (let n = 0; n < 20; n++) {
        journal.follow(round * 100 + n + 1)
        touch(`${round}/${n}`, 2000)
        await journal.cut({ sync: true })
      }
    }
    await journal.close()
    await db.close()

    const again = new Level<string, string>(path)
    await again.open()
    const found = new Set(await again.keys().all())
    expect([...written].filter((key) => !found.has(key))).toEqual([])
    expect(await readFollowed(new Staging(again))).toBe(220)
    await again.close()
  })
}
