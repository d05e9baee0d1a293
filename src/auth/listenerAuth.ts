// Listeners with password files, ACL files or anonymous access of their own: an authenticator for each combination that
// occurs, the main one where nothing differs.

import type { ListenerConfig } from '../config/listener.ts'
import type { Config } from '../config/schema.ts'
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
      if (!opened.has(key)) opened.set(key, wrap(await openAuth(config, deps)))
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
