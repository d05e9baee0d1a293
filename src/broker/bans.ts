// Addresses that failed to log in too often are refused for a while. One that logs in is forgiven.

import type { Config } from '../config/schema.ts'
import type { Log } from '../ops/log.ts'
import { parseAddresses, plainAddress } from './listeners/addresses.ts'

export interface Bans {
  isBanned(address: string): boolean
  /** A login from this address failed or succeeded. */
  onLogin(address: string, isIn: boolean): void
}

type BanConfig = Pick<
  Config['mqtt'],
  'ban_failed_logins' | 'ban_after' | 'ban_window_s' | 'ban_time_s' | 'ban_exempt'
>

interface Failures {
  count: number
  /** When the first of them was. */
  since: number
  bannedUntil: number
}

/** Addresses remembered; when there are more the oldest are forgotten. */
const addressesMax = 50_000

export function createBans(
  /** Read anew each time. */
  config: BanConfig,
  { log, now = Date.now }: { log: Log; now?: () => number },
): Bans {
  const exempt = parseAddresses(config.ban_exempt, 'mqtt.ban_exempt')
  const failures = new Map<string, Failures>()
  return {
    isBanned(from) {
      const address = plainAddress(from)
      const known = failures.get(address)
      if (!config.ban_failed_logins || known === undefined || known.bannedUntil === 0) return false
      if (now() < known.bannedUntil) return true
      failures.delete(address)
      return false
    },
    onLogin(from, isIn) {
      const address = plainAddress(from)
      if (isIn || !config.ban_failed_logins) {
        failures.delete(address)
        return
      }
      // Clients of a unix socket have no address.
      if (address === '' || exempt.has(address)) return
      const time = now()
      const known = failures.get(address)
      const entry =
        known !== undefined && time - known.since < config.ban_window_s * 1000
          ? known
          : { count: 0, since: time, bannedUntil: 0 }
      entry.count++
      failures.delete(address)
      failures.set(address, entry)
      if (entry.count >= config.ban_after && entry.bannedUntil === 0) {
        entry.bannedUntil = time + config.ban_time_s * 1000
        log.warn(
          { address, failures: entry.count, seconds: config.ban_time_s },
          'address banned after repeated failed logins',
        )
      }
      if (failures.size > addressesMax) failures.delete(failures.keys().next().value as string)
    },
  }
}
