// What differs between two configurations, and which of it a running server can take over.

import type { Config } from './schema.ts'
import { configKeys } from './tree.ts'

/** Keys that are asked anew at each use. */
export const liveKeys: readonly string[] = [
  'log.level',
  'mqtt.max_connections',
  'mqtt.max_connections_per_address',
  'mqtt.max_connects_per_s_per_address',
  'mqtt.ban_failed_logins',
  'mqtt.ban_after',
  'mqtt.ban_window_s',
  'mqtt.ban_time_s',
]

export interface Changes {
  /** In force from now on. */
  live: string[]
  /** In force after the next start. */
  waiting: string[]
}

export function compareConfigs(before: Config, after: Config): Changes {
  const changed = configKeys()
    .map(({ name }) => name)
    .filter((name) => JSON.stringify(valueAt(before, name)) !== JSON.stringify(valueAt(after, name)))
  return {
    live: changed.filter((name) => liveKeys.includes(name)),
    waiting: changed.filter((name) => !liveKeys.includes(name)),
  }
}

function valueAt(config: unknown, key: string): unknown {
  return key.split('.').reduce<unknown>((value, part) => (value as Record<string, unknown>)[part], config)
}
