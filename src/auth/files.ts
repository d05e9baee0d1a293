// Reads the password file and the ACL file from the disk and says in one line what is wrong with them.
// What comes out is ready to be put in force as a whole.

import { readFile } from 'node:fs/promises'
import { AppError, type ErrorCode } from '../domain/errors.ts'
import { type Acl, parseAclFile } from './acl.ts'
import { verifyHash } from './hash.ts'
import {
  type Account,
  parsePasswordFile,
  passwordFileBytesMax,
  passwordFileWarnings,
} from './passwordFile.ts'

/** The account of the shipped password file; everybody knows its password. */
export const demoAccount = { name: 'admin', password: '12345678' } as const

export interface PasswordState {
  /** The file's text, to see whether it changed. */
  text: string
  accounts: ReadonlyMap<string, Account>
  demoAccounts: readonly string[]
  warnings: readonly string[]
}

export interface AclState {
  text: string
  /** `null`: no ACL file, so everything is allowed. */
  acl: Acl | null
}

export interface AuthFiles {
  password_file: string
  acl_file: string
  allow_anonymous: boolean
}

/** Listeners by name. */
export interface AuthPlaces {
  /** Those these files are of; `null`: HTTP and every listener without files of its own. */
  of: readonly string[] | null
  /** Those that let anonymous clients in by a setting of their own. */
  open: readonly string[]
}

const everywhere: AuthPlaces = { of: null, open: [] }

const aclFileBytesMax = 64 * 1024 * 1024

/**
 * Throws `bad_password_file`, also when a file that is named leaves nobody who could log in. `places` say of which part of the
 * server these files are.
 */
export async function readPasswords(
  files: AuthFiles,
  program: string,
  places: AuthPlaces = everywhere,
): Promise<PasswordState> {
  const path = files.password_file
  const text = path === '' ? null : await readText(path, 'bad_password_file', passwordFileBytesMax)
  const accounts = text === null ? new Map<string, Account>() : parsePasswordFile(text, path)
  const isEmpty = accounts.size === 0 && !files.allow_anonymous
  if (isEmpty && path !== '') throw nobodyGetsIn(path, text !== null, program)
  const warnings = passwordFileWarnings(accounts, path, program)
  if (isEmpty) {
    // A choice, not an oversight: client certificates and tokens need no account.
    warnings.push(
      `no password file is configured and ${whoGetsIn(places)}; make an account with: ${program} passwd -c passwd NAME and set auth.password_file to passwd; or let everybody in with: ${program} serve --auth.allow_anonymous`,
    )
  }
  if (text === null && path !== '') {
    warnings.push(`there is no password file ${path}, so only anonymous clients get in`)
  }
  const account = accounts.get(demoAccount.name)
  const isDemo = account !== undefined && (await verifyHash(account.hash, Buffer.from(demoAccount.password)))
  if (isDemo) {
    warnings.push(
      `the demo account ${demoAccount.name} still has its published password, so MQTT and HTTP listen on 127.0.0.1 only; give it another with: ${program} passwd ${path} ${demoAccount.name}   and start again`,
    )
  }
  return { text: text ?? '', accounts, demoAccounts: isDemo ? [demoAccount.name] : [], warnings }
}

/** Throws `bad_acl_file`. */
export async function readAcl(files: AuthFiles): Promise<AclState> {
  const path = files.acl_file
  if (path === '') return { text: '', acl: null }
  const text = await readText(path, 'bad_acl_file', aclFileBytesMax)
  if (text === null) {
    throw new AppError(
      'bad_acl_file',
      `there is no ACL file ${path}; make it or set auth.acl_file to the right path`,
    )
  }
  return { text, acl: parseAclFile(text, path) }
}

/** `null` when there is no such file. */
async function readText(path: string, code: ErrorCode, bytesMax: number): Promise<string | null> {
  let bytes: Buffer
  try {
    bytes = await readFile(path)
  } catch (error) {
    const errno = error instanceof Error && 'code' in error ? String(error.code) : ''
    if (errno === 'ENOENT') return null
    const why =
      errno === 'EACCES'
        ? 'this user may not read it; change its owner or its mode'
        : errno === 'EISDIR'
          ? 'it is a directory; name a file'
          : String(error)
    throw new AppError(code, `cannot read ${path}: ${why}`, { cause: error })
  }
  if (bytes.length > bytesMax) {
    throw new AppError(code, `${path} has ${bytes.length} bytes; the limit is ${bytesMax}`)
  }
  return bytes.toString('utf8')
}

function whoGetsIn({ of, open }: AuthPlaces): string {
  const certificates = 'only client certificates'
  if (of !== null)
    return `anonymous clients are not allowed on the listeners ${of.join(', ')}, so there ${certificates} get in`
  return open.length === 0
    ? `anonymous clients are not allowed, so ${certificates} and tokens get in`
    : `anonymous clients are allowed on the listeners ${open.join(', ')} only, so elsewhere, HTTP included, ${certificates} and tokens get in`
}

function nobodyGetsIn(path: string, exists: boolean, program: string): AppError {
  const what = exists ? `the password file ${path} holds no account` : `there is no password file ${path}`
  return new AppError(
    'bad_password_file',
    `${what} and anonymous clients are not allowed, so nobody could log in. Make an account with: ${program} passwd -c ${path} NAME; or let everybody in with: ${program} serve --auth.allow_anonymous`,
  )
}
