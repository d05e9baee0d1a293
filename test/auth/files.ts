// A directory with a password file and an ACL file for one test, removed when the test is over.

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

export async function temporaryDirectory(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'amber-auth-'))
  onTestFinished(() => rm(path, { recursive: true, force: true }))
  return path
}

/** Writes the files given and returns their paths; `acl_file` is empty without an ACL. */
export async function authFiles(passwords: string, acl?: string) {
  const directory = await temporaryDirectory()
  const password_file = join(directory, 'passwd')
  await writeFile(password_file, passwords)
  const acl_file = acl === undefined ? '' : join(directory, 'acl')
  if (acl !== undefined) await writeFile(acl_file, acl)
  return {
    directory,
    password_file,
    acl_file,
    allow_anonymous: false,
    trust_user_names: false,
    admins: ['admin'],
  }
}

export const bytes = (text: string): Uint8Array => Buffer.from(text)

/** Hashes made by mosquitto_passwd 2.0.11 and, for Argon2id, by the reference implementation. */
export const vectors = {
  pbkdf2: {
    password: '123',
    hash: '$7$101$PG75mPMhIfvmWF9X$4oqfWFwRrChzWaOp1/6VQMaYhLcIm+ptmAl3M0SLD4KgkvCTaZmRcuymEHstFsTWHYO72A4I0GyOzGKlASZinA==',
  },
  sha512: {
    password: 'pässwörd',
    hash: '$6$aeg/3bzhGBpc3xMf$BTeadZCZFyaKYliJ9t5Q3L6O5GSPErUa2MCVY8Xr/NqDX45YBbl171NUzUzj2YtC29170A51YWEGwv77j9mmWw==',
  },
  argon2id: {
    password: 'password',
    hash: '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc',
  },
}
