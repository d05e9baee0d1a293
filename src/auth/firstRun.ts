// The first start of a container: no password file yet, so one is made, with an `admin` whose password nobody knows but who
// reads what the server prints once.

import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { AppError } from '../domain/errors.ts'
import { makeDirectory } from '../ops/makeDirectory.ts'
import { createPasswordHash } from './hash.ts'

export interface FirstAccount {
  name: string
  password: string
}

/** Makes `file` (mode 0600) with one account and tells its password; `null` when the file is there already. */
export async function createPasswordFile(file: string): Promise<FirstAccount | null> {
  const account = { name: 'admin', password: randomBytes(15).toString('base64url') }
  const hash = await createPasswordHash(Buffer.from(account.password), 'argon2id')
  try {
    await makeDirectory(dirname(resolve(file)), 0o755)
    await writeFile(file, `${account.name}:${hash}\n`, { mode: 0o600, flag: 'wx', flush: true })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return null
    throw new AppError(
      'bad_password_file',
      `the password file ${resolve(file)} cannot be made (${(error as NodeJS.ErrnoException).code}); give this user the right to write there, or make one with: amber passwd -c FILE USER`,
      { cause: error },
    )
  }
  return account
}
