// What the embedded store is told when it is opened, and what its memory profiles mean.

import type { RetentionRule } from '../../config/retention.ts'
import type { MemoryProfile } from './database.ts'
import type { ReadersData } from './thread/readers.ts'

export interface LevelOptions {
  path: string
  durability: 'fsync' | 'os' | 'async'
  max_pending_bytes: number
  memory: MemoryProfile
  /** Threads that read for long queries; 0: as many as the memory profile has. */
  query_threads?: number
  /** Bytes on disk above which the oldest readings go; 0: no limit. */
  max_bytes: number
  /** Asked each time it is applied: it may change while the store is open. */
  retention: () => readonly RetentionRule[]
  /** Milliseconds that closing may take to roll what is in memory. */
  closeRollMs?: number
}

/** When the log in memory is rolled into blocks. */
export interface RollLimits {
  /** Rows of an epoch, as long as that gives each topic in it `rowsPerTopic`. */
  rows: number
  rowsPerTopic: number
  /** Bytes of an epoch, whatever its rows. */
  bytes: number
  /** Bytes in memory, of all epochs, above which commits wait for a roll. */
  bytesMax: number
  /** Bytes of rolled log that LevelDB may hold, however busy. */
  deadBytesMax: number
  /** Bytes on disk up to which blocks that were replaced are given back: to do so all blocks are written again. */
  compactedBytesMax: number
}

export const rollLimits: Record<MemoryProfile, RollLimits> = {
  normal: {
    rows: 262_144,
    rowsPerTopic: 64,
    bytes: 160 * 2 ** 20,
    bytesMax: 512 * 2 ** 20,
    deadBytesMax: 128 * 2 ** 20,
    compactedBytesMax: 256 * 2 ** 20,
  },
  small: {
    rows: 16_384,
    rowsPerTopic: 1,
    bytes: 8 * 2 ** 20,
    bytesMax: 24 * 2 ** 20,
    deadBytesMax: 16 * 2 ** 20,
    compactedBytesMax: 64 * 2 ** 20,
  },
}

/** Threads for long queries, and memory for what they have read of blocks, until the blocks change. */
const queries: Record<MemoryProfile, { threads: number; cacheBytes: number }> = {
  normal: { threads: 2, cacheBytes: 64 * 2 ** 20 },
  small: { threads: 1, cacheBytes: 2 * 2 ** 20 },
}

/** What reading threads are started with. */
export function readersDataOf({ path, memory, query_threads = 0 }: LevelOptions): ReadersData {
  const { threads, cacheBytes } = queries[memory]
  return { path, cacheBytes, threads: query_threads > 0 ? query_threads : threads }
}

/** A container has ten seconds to stop: a roll of a hundred thousand topics would take them all. */
export const closeRollMs = 3000

/** Without new readings for so long, what is in memory is rolled. */
export const idleRollMs = 60_000
