// What blocks leave on the disk that were joined with others is given back when nothing else is to be done.

import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createLog } from '../../../src/ops/log.ts'
import { directoryBytes } from '../../../src/store/directory.ts'
import { openStore } from '../../../src/store/open.ts'
import type { ReadingStore } from '../../../src/store/store.ts'
import { append, collect, reading } from '../reading.ts'

const [topics, rolls, payloadBytes] = [32, 17, 1024]

test('sixteen small blocks that became one take the space of one', async () => {
  const path = mkdtempSync(join(tmpdir(), 'amber-compaction-'))
  const store = (await openStore(
    {
      engine: 'leveldb',
      path,
      durability: 'fsync',
      max_pending_bytes: 64 * 2 ** 20,
      max_bytes: 0,
      memory: 'normal',
      retention: () => [],
    },
    { log: createLog({ level: 'silent', format: 'json' }) },
  )) as ReadingStore & { roll(): Promise<void> }
  for (let n = 0; n < rolls; n++) {
    for (let topic = 0; topic < topics; topic++) {
      await append(
        store,
        reading({ topic: `t/${topic}`, time: 1000 + n, payload: randomBytes(payloadBytes) }),
      )
    }
    await store.roll()
  }
  const payloads = topics * rolls * payloadBytes
  expect(await directoryBytes(path)).toBeGreaterThan(2 * payloads)
  await expect
    .poll(() => directoryBytes(path), { timeout: 20_000, interval: 100 })
    .toBeLessThan(1.2 * payloads)
  expect(await collect(store)).toHaveLength(topics * rolls)
  await store.close()
  rmSync(path, { recursive: true, force: true })
})
