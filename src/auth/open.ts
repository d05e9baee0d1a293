// The authenticator over the password file and the ACL file: both faces ask it. Files are read again when they
// change; a broken one leaves the old one in force.

import type { Config } from '../config/schema.ts'
import { asAppError } from '../domain/errors.ts'
import type { Log } from '../ops/log.ts'
import { type AclView, viewAcl } from './acl.ts'
import { createCredentials } from './credentials.ts'
import { explainAccess } from './explain.ts'
import { type AclState, type AuthPlaces, type PasswordState, readAcl, readPasswords } from './files.ts'
import { createGate } from './gate.ts'
import type { Accounts, KeptLogins, Principal } from './principal.ts'
import { fitsProof, makeProof } from './proof.ts'
import { watchFiles } from './watch.ts'

/** The part of the configuration that says who gets in. */
export type AuthConfig = Omit<Config['auth'], 'create_password_file' | 'token_file'>

export interface AuthDeps {
  log: Log
  /** Password hashes worked out at one time. */
  concurrency: number
  /** How the program is called in the commands of warnings and errors. */
  program?: string
  /** Which part of the server this is the authenticator of, for warnings; unset: all of it. */
  places?: AuthPlaces
}

/** Logins that may wait for their check; a storm beyond that is told to come back. */
const waitingMax = 20_000

/** Reads the files. Throws `bad_password_file` or `bad_acl_file`. */
export async function openAuth(
  config: AuthConfig,
  { log, concurrency, program = 'amber', places }: AuthDeps,
): Promise<Accounts> {
  const files = await openFiles(config, (files) => readPasswords(files, program, places))
  const credentials = createCredentials({ gate: createGate({ concurrency, waitingMax }) })
  const principals = createPrincipals(config, files)
  const listeners: (() => void)[] = []
  let closed = false
  const readAgain = async (): Promise<void> => {
    const { changed, errors } = await files.read()
    if (closed) return
    if (changed) {
      credentials.keepOnly(files.passwords.accounts)
      log.info(
        { accounts: files.passwords.accounts.size },
        'password and ACL files are in force as they are now',
      )
      for (const warning of files.passwords.warnings) log.warn(warning)
      for (const listener of listeners) listener()
    }
    const [error] = errors
    if (error !== undefined) throw asAppError(error)
  }
  // One at a time: of two reads under way the older one could come last.
  let queue = Promise.resolve()
  const reload = (): Promise<void> => {
    const result = queue.then(readAgain)
    queue = result.catch(() => undefined)
    return result
  }

  const watcher = watchFiles([config.password_file, config.acl_file].filter(Boolean), {
    log,
    onChange: () => {
      reload().catch((error: unknown) => {
        log.error(`${asAppError(error).message}. What was read before stays in force.`)
      })
    },
  })

  return {
    async authenticate(user, password) {
      if (user === undefined) return principals.anonymous()
      if (isOpenToAll(config))
        return config.trust_user_names ? principals.claimed(user) : principals.anonymous()
      // An account with an empty password is one without: Mosquitto lets nobody in by it.
      if (password === undefined || password.length === 0) return null
      const account = await credentials.check(files.passwords.accounts, user, password)
      return account && principals.user(account.name, account.hash.text)
    },
    authenticateCertified: async (user) => principals.certified(user),
    get demoAccounts() {
      return files.passwords.demoAccounts
    },
    get warnings() {
      return files.passwords.warnings
    },
    reload,
    onChange: (listener) => void listeners.push(listener),
    ...createKeptLogins(files, principals),
    mayPublish: (...asked) => principals.mayWrite(...asked),
    explain: createExplain(config, files),
    async close() {
      closed = true
      watcher.close()
      await queue
    },
  }
}

function createExplain(config: AuthConfig, files: Files): Accounts['explain'] {
  return (user, topic, clientId) => ({
    ...explainAccess(files.acl.acl, { name: user, topic, clientId }),
    isKnown: user === null ? config.allow_anonymous : files.passwords.accounts.has(user),
    lineText: (line) => ({
      file: config.acl_file,
      text: files.acl.text.split('\n')[line - 1]?.trim() ?? '',
    }),
  })
}

/** Where there are no accounts a user name is what a device happens to send; Mosquitto lets it in as well. */
function isOpenToAll({ password_file, allow_anonymous }: AuthConfig): boolean {
  return password_file === '' && allow_anonymous
}

function createKeptLogins(files: Files, principals: Principals): KeptLogins {
  return {
    proofOf(principal, key) {
      const hash = principals.hashOf(principal)
      return hash === null ? null : makeProof(key, hash)
    },
    resume(user, key, proof) {
      const hash = files.passwords.accounts.get(user)?.hash.text
      return hash !== undefined && fitsProof(key, hash, proof) ? principals.user(user, hash) : null
    },
    stillHolds: (principal) => principals.stillHolds(principal),
  }
}

interface Files {
  readonly passwords: PasswordState
  readonly acl: AclState
  /** Puts what is whole in force, each file for itself, and gives the faults of what is not. */
  read(): Promise<{ changed: boolean; errors: unknown[] }>
}

async function openFiles(
  config: AuthConfig,
  readAccounts: (config: AuthConfig) => Promise<PasswordState>,
): Promise<Files> {
  let passwords = await readAccounts(config)
  let acl = await readAcl(config)
  return {
    get passwords() {
      return passwords
    },
    get acl() {
      return acl
    },
    async read() {
      const [newPasswords, newAcl] = await Promise.allSettled([readAccounts(config), readAcl(config)])
      let changed = false
      const errors: unknown[] = []
      if (newPasswords.status === 'rejected') errors.push(newPasswords.reason)
      else if (newPasswords.value.text !== passwords.text) {
        passwords = newPasswords.value
        changed = true
      }
      if (newAcl.status === 'rejected') errors.push(newAcl.reason)
      else if (newAcl.value.text !== acl.text) {
        acl = newAcl.value
        changed = true
      }
      return { changed, errors }
    },
  }
}

interface Principals {
  /** `null` when nobody may come without an account. */
  anonymous(): Principal | null
  /** One of the anonymous clients that says it is `name`, and has the rights of that name. */
  claimed(name: string): Principal
  user(name: string, hash: string): Principal
  certified(name: string): Principal
  mayWrite(name: string | null, topic: string, clientId: string): boolean
  /** The hash of the password a user was let in with. */
  hashOf(principal: Principal): string | null
  stillHolds(principal: Principal): boolean
}

function createPrincipals(config: AuthConfig, files: Files): Principals {
  const hashes = new WeakMap<Principal, string>()
  const certified = new WeakSet<Principal>()
  let views = new Map<string | null, AclView>()
  let viewsOf = files.acl

  // Asked anew at each use, so that a principal let in earlier follows an ACL file that has changed since.
  const viewOf = (name: string | null): AclView | null => {
    if (viewsOf !== files.acl) {
      views = new Map()
      viewsOf = files.acl
    }
    if (files.acl.acl === null) return null
    let view = views.get(name)
    if (view === undefined) {
      view = viewAcl(files.acl.acl, name)
      views.set(name, view)
    }
    return view
  }
  const create = (kind: 'user' | 'anonymous', name: string | null): Principal => ({
    kind,
    name,
    admin: kind === 'user' && name !== null && config.admins.includes(name),
    mayRead: (topic, clientId) => viewOf(name)?.mayRead(topic, clientId) ?? true,
    mayWrite: (topic, clientId) => viewOf(name)?.mayWrite(topic, clientId) ?? true,
  })
  return {
    anonymous: () => (config.allow_anonymous ? create('anonymous', null) : null),
    claimed: (name) => create('anonymous', name),
    user(name, hash) {
      const principal = create('user', name)
      hashes.set(principal, hash)
      return principal
    },
    certified(name) {
      const principal = create('user', name)
      certified.add(principal)
      return principal
    },
    mayWrite: (name, topic, clientId) => viewOf(name)?.mayWrite(topic, clientId) ?? true,
    hashOf: (principal) => hashes.get(principal) ?? null,
    stillHolds(principal) {
      if (certified.has(principal)) return true
      if (principal.kind === 'anonymous') return config.allow_anonymous
      const hash = hashes.get(principal)
      return hash !== undefined && files.passwords.accounts.get(principal.name ?? '')?.hash.text === hash
    },
  }
}
