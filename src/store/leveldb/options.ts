// What the embedded store is told when it is opened, and what its memory profiles mean.

export interface LevelOptions {
  path: string
  durability: 'fsync' | 'os' | 'async'
  max_pending_bytes: number
  memory: 'normal' | 'small'
}

/** Rows and bytes in memory at which the log is rolled into blocks. */
export const rollRowsMax = { normal: 65_536, small: 8192 }
export const rollBytesMax = { normal: 64 * 2 ** 20, small: 8 * 2 ** 20 }
