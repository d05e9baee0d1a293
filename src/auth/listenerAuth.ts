// Listeners with password files, ACL files or anonymous access of their own: an authenticator for each combination that
// occurs, the main one where nothing differs.

import type { ListenerConfig } from '../config/listener.ts'
import type { Config } from '../config/schema.ts'
import type { AuthPlaces } from './files.ts'
import { type AuthDeps, openAuth } from './open.ts'
import type { Accounts } from './principal.ts'

export interface ListenerAuths {
  readonly main: Accounts
  readonly all: readonly Accounts[]
  of(listener: ListenerConfig): Accounts
  close(): Promise<void>
}

/** Reads the files. Throws `bad_password_file` or `bad_acl_file`. */
export async function openListenerAuths(
  { auth, mqtt }: Pick<Config, 'auth' | 'mqtt'>,
  deps: AuthDeps,
  /** Put around each, the main one as well. */
  wrap: (auth: Accounts) => Accounts = (plain) => plain,
): Promise<ListenerAuths> {
  const opened = new Map<string, Accounts>()
  const close = async (): Promise<void> => {
    await Promise.all([...opened.values()].map((one) => one.close()))
  }
  try {
    const open = async (config: Config['auth']): Promise<void> => {
      const key = keyOf(config)
      if (opened.has(key)) return
      const places = placesOf(config, { auth, mqtt })
      opened.set(key, wrap(await openAuth(config, { ...deps, places })))
    }
    await open(auth)
    for (const listener of mqtt.listeners) await open(authConfigOf(auth, listener))
  } catch (error) {
    await close()
    throw error
  }
  return {
    main: opened.get(keyOf(auth)) as Accounts,
    all: [...opened.values()],
    of: (listener) => opened.get(keyOf(authConfigOf(auth, listener))) as Accounts,
    close,
  }
}

/** Which part of a server has these files, and where others let anonymous clients in. */
function placesOf(config: Config['auth'], { auth, mqtt }: Pick<Config, 'auth' | 'mqtt'>): AuthPlaces {
  const named = mqtt.listeners.map((listener) => ({ listener, config: authConfigOf(auth, listener) }))
  const names = (wanted: (of: Config['auth']) => boolean): string[] =>
    named.filter((one) => wanted(one.config)).map(({ listener }) => nameOf(listener))
  const isMain = keyOf(config) === keyOf(auth)
  return {
    of: isMain ? null : names((of) => keyOf(of) === keyOf(config)),
    open: names((of) => of.allow_anonymous),
  }
}

function nameOf({ name, path, host, port }: ListenerConfig): string {
  return name || path || `${host.includes(':') ? `[${host}]` : host || '*'}:${port}`
}

function authConfigOf(auth: Config['auth'], listener: ListenerConfig): Config['auth'] {
  const { allow_anonymous, password_file, acl_file } = listener
  return {
    ...auth,
    allow_anonymous: allow_anonymous ?? auth.allow_anonymous,
    password_file: password_file ?? auth.password_file,
    acl_file: acl_file ?? auth.acl_file,
  }
}

function keyOf({ allow_anonymous, password_file, acl_file }: Config['auth']): string {
  return JSON.stringify([allow_anonymous, password_file, acl_file])
}
