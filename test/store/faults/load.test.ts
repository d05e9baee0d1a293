// A roll under load that never pauses: it must come to its end, since removal waits for it.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createLog } from '../../../src/ops/log.ts'
import { openStore } from '../../../src/store/open.ts'
import type { ReadingStore } from '../../../src/store/store.ts'
import { numbered } from './numbered.ts'
import { storeConfig } from './storeConfig.ts'
import { findFaults } from './verifier.ts'

test('a roll ends while readings come without a pause', { timeout: 60_000 }, async () => {
  const path = mkdtempSync(join(tmpdir(), 'amber-load-'))
  const log = createLog({ level: 'silent', format: 'json' })
  const store = await openStore({ ...storeConfig, path }, { log })
  const acknowledged = new Map<number, number>()
  let next = 0
  let isOver = false
  // Each acknowledgement brings the next reading at once, so that there are always 200 under way.
  const appendNext = (): void => {
    const n = next++
    store.append(numbered(n, 'steady'), { awaited: true }, (error, seq) => {
      if (error) return
      acknowledged.set(n, seq)
      if (!isOver) appendNext()
    })
  }
  for (let k = 0; k < 200; k++) appendNext()
  while (acknowledged.size < 500) await new Promise((resolve) => setTimeout(resolve, 1))
  const slow = new Promise<string>((resolve) => setTimeout(resolve, 15_000, 'still rolling').unref())
  const roll = (store as ReadingStore & { roll(): Promise<void> }).roll().then(() => 'rolled')
  const outcome = await Promise.race([roll, slow])
  isOver = true
  while (acknowledged.size < next) await new Promise((resolve) => setTimeout(resolve, 1))
  try {
    expect(outcome).toBe('rolled')
    expect(await findFaults(store, { pattern: 'steady', acknowledged, end: next })).toEqual([])
  } finally {
    await store.close()
    rmSync(path, { recursive: true })
  }
})
