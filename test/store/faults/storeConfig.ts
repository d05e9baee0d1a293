// What writer, verifier and samples open the store with: acknowledged means synced, and memory for few readings, so that
// rolls come early.

export const storeConfig = {
  engine: 'leveldb',
  durability: 'fsync',
  max_pending_bytes: 64 * 2 ** 20,
  max_bytes: 0,
  retention: () => [],
  memory: 'small',
} as const
