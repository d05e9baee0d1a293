// Opens a store by the name of its engine.

import type { RetentionRule } from '../config/retention.ts'
import type { Config } from '../config/schema.ts'
import { type LevelDeps, openLevelStore } from './leveldb/engine.ts'
import { createMemoryStore } from './memory.ts'
import type { ReadingStore } from './store.ts'

export type StoreConfig = Omit<Config['store'], 'retention' | 'query_threads'> & {
  retention: () => readonly RetentionRule[]
  query_threads?: number
}

/** Throws an `AppError` that says what is wrong with the directory and what to do. */
export async function openStore(config: StoreConfig, deps: LevelDeps): Promise<ReadingStore> {
  if (config.engine === 'memory') return createMemoryStore()
  return openLevelStore(config, deps)
}
