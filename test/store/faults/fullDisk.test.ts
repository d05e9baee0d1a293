// A full disk under the store, on a small tmpfs: appends are refused and never acknowledged, reads go on, and once there is
// space writing goes on by itself, with every acknowledged reading there once.

import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { createLog } from '../../../src/ops/log.ts'
import { openStore } from '../../../src/store/open.ts'
import type { ReadingStore } from '../../../src/store/store.ts'
import { append } from '../reading.ts'
import { numbered } from './numbered.ts'
import { findFaults } from './verifier.ts'
import { storeConfig } from './storeConfig.ts'

const home = mkdtempSync(join(tmpdir(), 'amber-full-'))
const disk = join(home, 'disk')
mkdirSync(disk)
// Large beside what is written: LevelDB holds a log and the tables made of it at once.
const isMounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64m', 'tmpfs', disk]).status === 0
const path = join(disk, 'store')
const ballast = join(disk, 'ballast')
const log = createLog({ level: 'silent', format: 'json' })
const pattern = 'late'

afterAll(() => {
  if (isMounted) spawnSync('umount', [disk])
  rmSync(home, { recursive: true, force: true })
})

/** Appends until one is refused as `store_full`; the number of the first that was never appended. */
async function fill(store: ReadingStore, first: number, acknowledged: Map<number, number>): Promise<number> {
  let next = first
  for (let isFull = false; !isFull; ) {
    const batch = Array.from({ length: 100 }, () => next++)
    const results = await Promise.allSettled(batch.map((n) => append(store, numbered(n, pattern))))
    for (const [i, result] of results.entries()) {
      if (result.status === 'fulfilled') acknowledged.set(batch[i]!, result.value)
      else {
        expect(result.reason).toMatchObject({ code: expect.stringMatching(/^store_(full|unavailable)$/) })
        isFull = true
      }
    }
  }
  return next
}

if (!isMounted) {
  console.warn('FULL DISK NOT SHOWN: only root may mount a tmpfs')
  test('could not run: a tmpfs cannot be mounted', () => expect(isMounted).toBe(false))
} else {
  test('a disk that is full again and again loses nothing acknowledged, and needs no restart', {
    timeout: 120_000,
  }, async () => {
    const acknowledged = new Map<number, number>()
    const store = await openStore({ ...storeConfig, path }, { log })
    let end = 0
    for (const megabytes of [61, 59, 57]) {
      for (let k = 0; k < 200; k++, end++) acknowledged.set(end, await append(store, numbered(end, pattern)))
      writeFileSync(ballast, Buffer.alloc(megabytes * 2 ** 20))
      end = await fill(store, end, acknowledged)
      expect(await findFaults(store, { pattern, acknowledged, end })).toEqual([])
      rmSync(ballast)
      await expect.poll(() => store.status.state, { timeout: 30_000 }).toBe('ok')
      acknowledged.set(end, await append(store, numbered(end, pattern)))
      end++
      expect(await findFaults(store, { pattern, acknowledged, end })).toEqual([])
    }
    await store.close()
    const free = (): number => {
      const { bavail, bsize } = statfsSync(disk)
      return bavail * bsize
    }
    writeFileSync(ballast, Buffer.alloc(free()))
    await expect(openStore({ ...storeConfig, path }, { log })).rejects.toMatchObject({
      code: 'store_full',
      message: expect.stringMatching(/too full to open the store: it needs \d+ MiB free/),
    })
    rmSync(ballast)
    const again = await openStore({ ...storeConfig, path }, { log })
    const faults = await findFaults(again, { pattern, acknowledged, end })
    await again.close()
    expect(faults).toEqual([])
  })
}
