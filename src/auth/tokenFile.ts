// Changes to a token file, for the command line and for a running server: a token is made, or taken away.

import { AppError } from '../domain/errors.ts'
import { formatTime, timeMax } from '../domain/time.ts'
import { checkFilter, printable } from '../domain/topic.ts'
import { writePasswordFile } from './edit.ts'
import { createToken, formatTokenFile, parseTokenFile, readTokenFile, type TokenEntry } from './tokens.ts'

export interface TokenRequest {
  name: string
  read: string[]
  write: string[]
  admin: boolean
  /** `null`: it never ends. */
  lifeMs: number | null
}

export interface TokenFile {
  list(): Promise<TokenEntry[]>
  /** The token itself is told here and nowhere kept. Throws `conflict` when there is one by this name. */
  create(request: TokenRequest): Promise<{ token: string; entry: TokenEntry }>
  /** Throws `not_found`, and then takes none away. */
  revoke(names: readonly string[]): Promise<void>
}

/** `shown` is how messages name the file; `reload` puts it in force. */
export function createTokenFile(
  path: string,
  { shown = path, reload = async () => undefined }: { shown?: string; reload?: () => Promise<void> } = {},
): TokenFile {
  let queue: Promise<unknown> = Promise.resolve()
  const read = async (): Promise<TokenEntry[]> => parseTokenFile(await readTokenFile(path), shown)
  const edit = <T>(change: (entries: TokenEntry[]) => { entries: TokenEntry[]; result: T }): Promise<T> => {
    const done = queue.then(async () => {
      const { entries, result } = change(await read())
      await writePasswordFile(path, formatTokenFile(entries))
      await reload()
      return result
    })
    queue = done.catch(() => undefined)
    return done
  }
  return {
    list: read,
    async create(request) {
      checkRequest(request)
      return edit((entries) => {
        if (entries.some(({ name }) => name === request.name)) {
          throw new AppError(
            'conflict',
            `there is a token ${printable(request.name)} in ${shown} already; revoke it first or choose another name`,
          )
        }
        const made = createToken(entryOf(request, Date.now()))
        return { entries: [...entries, made.entry], result: made }
      })
    },
    async revoke(names) {
      await edit((entries) => {
        const missing = names.find((name) => !entries.some((entry) => entry.name === name))
        if (missing !== undefined) {
          throw new AppError('not_found', `there is no token ${printable(missing)} in ${shown}`)
        }
        return { entries: entries.filter(({ name }) => !names.includes(name)), result: undefined }
      })
    },
  }
}

function checkRequest({ name, read, write, admin }: TokenRequest): void {
  if (
    name.trim() !== name ||
    name === '' ||
    name.length > 200 ||
    /\p{Cc}/u.test(name) ||
    !name.isWellFormed()
  ) {
    throw new AppError('bad_request', 'name: choose one of 1 to 200 characters, without spaces around it')
  }
  for (const filter of [...read, ...write]) checkFilter(filter)
  if (read.length + write.length === 0 && !admin) {
    throw new AppError('bad_request', "say which topics it may read or write, such as 'a/#'")
  }
}

function entryOf({ lifeMs, ...rest }: TokenRequest, now: number): Omit<TokenEntry, 'sha256'> {
  return {
    ...rest,
    created: formatTime(now),
    expires: lifeMs === null ? null : formatTime(Math.min(timeMax, now + lifeMs)),
  }
}
