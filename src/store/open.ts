// Opens a store by the name of its engine.

import type { Config } from '../config/schema.ts'
import type { Log } from '../ops/log.ts'
import { openLevelStore } from './leveldb/engine.ts'
import { createMemoryStore } from './memory.ts'
import type { ReadingStore } from './store.ts'

export type StoreConfig = Omit<Config['store'], 'retention'> & {
  retention: readonly Config['store']['retention'][number][]
}

/** Throws an `AppError` that says what is wrong with the directory and what to do. */
export async function openStore(config: StoreConfig, { log }: { log: Log }): Promise<ReadingStore> {
  if (config.engine === 'memory') return createMemoryStore()
  return openLevelStore(config, { log })
}
