// SIGHUP: the configuration is read again, and with it password files, ACL files and certificates. What a running server can
// take over is in force at once; the rest is named and waits for the next start. Something broken changes nothing.

import type { App } from './app.ts'
import { compareConfigs } from './config/changes.ts'
import type { ResolvedConfig } from './config/load.ts'
import type { Config } from './config/schema.ts'
import { asAppError } from './domain/errors.ts'
import type { Log } from './ops/log.ts'

interface Dependencies {
  app: App
  reread: () => ResolvedConfig
  log: Log
}

/** Gives the configuration in force afterwards. Never throws: what is wrong is logged. */
export async function reloadAll(inForce: Config, { app, reread, log }: Dependencies): Promise<Config> {
  let config = inForce
  try {
    const read = reread().config
    const { live, waiting } = compareConfigs(inForce, read)
    config = read
    log.level = read.log.level
    app.relimit(read)
    if (live.length > 0) log.info({ keys: live }, 'in force from now on')
    if (waiting.length > 0) log.warn({ keys: waiting }, 'changed, and in force after the next start only')
  } catch (error) {
    log.error(`${asAppError(error).message}. The configuration in force stays.`)
  }
  try {
    await app.reload()
    log.info('password files, ACL files and certificates read again')
  } catch (error) {
    log.error(`${asAppError(error).message}. What was read before stays in force.`)
  }
  return config
}
