import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createLog } from '../../../src/ops/log.ts'
import { createMemoryStore } from '../../../src/store/memory.ts'
import { openStore } from '../../../src/store/open.ts'
import type { RangeQuery, ReadingStore } from '../../../src/store/store.ts'
import { copyCrashed } from '../crashImage.ts'
import { describeModel, type ModelEngine, stepsAgree } from '../model.ts'

const log = createLog({ level: 'silent', format: 'json' })
const config = {
  engine: 'leveldb',
  durability: 'fsync',
  max_pending_bytes: 64 * 2 ** 20,
  max_bytes: 0,
  retention: () => [],
  memory: 'small',
} as const

/** A store in memory whose crashes do harm; `null`: none. */
function fragile(harm: ((store: ReadingStore) => ReadingStore) | null): () => ModelEngine {
  return () => {
    const store = Object.assign(Object.create(createMemoryStore()) as ReadingStore, { close: async () => {} })
    return {
      open: async () => store,
      settle: async () => {},
      crash: async (each) => (harm ? harm(each) : each),
      remove: async () => {},
    }
  }
}

/** The same store, that has lost its third reading. */
const withoutThird = (store: ReadingStore): ReadingStore =>
  Object.assign(Object.create(store) as ReadingStore, {
    status: store.status,
    async *range(query: RangeQuery) {
      for await (const chunk of store.range(query)) yield chunk.filter(({ seq }) => seq !== 3)
    },
  })

test('an engine that loses a reading in a crash does not pass', async () => {
  const once = { numRuns: 30, endOnFailure: true }
  expect((await fc.check(stepsAgree(fragile(null)), once)).failed).toBe(false)
  expect((await fc.check(stepsAgree(fragile(withoutThird)), once)).failed).toBe(true)
})

describeModel(
  'leveldb',
  () => {
    let path = mkdtempSync(join(tmpdir(), 'amber-model-'))
    const open = (): Promise<ReadingStore> => openStore({ ...config, path }, { log })
    return {
      open,
      settle: (store) => (store as ReadingStore & { roll(): Promise<void> }).roll(),
      async crash(store) {
        const crashed = await copyCrashed(path)
        await store.close()
        rmSync(path, { recursive: true })
        path = crashed
        return open()
      },
      remove: async () => rmSync(path, { recursive: true, force: true }),
    }
  },
  60,
)
