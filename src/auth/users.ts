// The accounts of a password file, changed while the server runs: as `amber passwd` changes them, one change after the other,
// and in force when the change is told to be done.

import { AppError } from '../domain/errors.ts'
import { printable } from '../domain/topic.ts'
import {
  checkName,
  checkPassword,
  deletePassword,
  readPasswordFile,
  setPassword,
  writePasswordFile,
} from './edit.ts'
import { createPasswordHash, type Hash } from './hash.ts'
import { type Account, parsePasswordFile } from './passwordFile.ts'

export interface UserEntry {
  name: string
  /** How its password is kept; `plain` is weak. */
  hash: Hash['kind']
}

export interface Users {
  list(): Promise<UserEntry[]>
  /** Throws `conflict` when there is one by this name. */
  add(name: string, password: string): Promise<void>
  /** Throws `not_found`. */
  change(name: string, password: string): Promise<void>
  /** Throws `not_found`, or `conflict` for the last account. */
  remove(name: string): Promise<void>
}

/** `reload` puts the file in force. */
export function createUsers(path: string, { reload }: { reload: () => Promise<void> }): Users {
  let queue: Promise<unknown> = Promise.resolve()
  const edit = (
    change: (text: string, accounts: ReadonlyMap<string, Account>) => Promise<string> | string,
  ): Promise<void> => {
    const done = queue.then(async () => {
      const text = await readPasswordFile(path)
      await writePasswordFile(path, await change(text, parsePasswordFile(text, path)))
      await reload()
    })
    queue = done.catch(() => undefined)
    return done
  }
  const missing = (name: string): AppError => new AppError('not_found', `there is no user ${printable(name)}`)
  return {
    async list() {
      const accounts = parsePasswordFile(await readPasswordFile(path), path)
      return [...accounts.values()]
        .map(({ name, hash }) => ({ name, hash: hash.kind }))
        .sort((a, b) => (a.name < b.name ? -1 : 1))
    },
    async add(name, password) {
      checkName(name)
      checkPassword(password)
      await edit(async (text, accounts) => {
        if (accounts.has(name)) {
          throw new AppError(
            'conflict',
            `there is a user ${printable(name)} already; change the password instead`,
          )
        }
        return setPassword(text, path, name, await createPasswordHash(Buffer.from(password)))
      })
    },
    async change(name, password) {
      checkPassword(password)
      await edit(async (text, accounts) => {
        if (!accounts.has(name)) throw missing(name)
        return setPassword(text, path, name, await createPasswordHash(Buffer.from(password)))
      })
    },
    async remove(name) {
      await edit((text, accounts) => {
        if (accounts.size === 1 && accounts.has(name)) {
          throw new AppError('conflict', 'this is the last account; without it nobody could log in')
        }
        const rest = deletePassword(text, path, name)
        if (rest === null) throw missing(name)
        return rest
      })
    },
  }
}
