// The user and the password of a client command: from its flags, else from AMBER_USER, AMBER_PASSWORD
// or AMBER_PASSWORD_FILE, so that a password need not stand on a command line that others can see.

import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { AppError } from '../domain/errors.ts'
import type { Io } from './io.ts'

export function passwordFrom(io: Io, flag: string | undefined): string | undefined {
  const given = flag ?? io.env['AMBER_PASSWORD']
  const file = io.env['AMBER_PASSWORD_FILE']
  if (given !== undefined || file === undefined) return given
  try {
    return readFileSync(resolve(io.cwd, file), 'utf8').replace(/\r?\n$/, '')
  } catch (error) {
    throw new AppError('bad_request', `AMBER_PASSWORD_FILE: cannot read ${file}: ${String(error)}`, {
      cause: error,
    })
  }
}

/** The Authorization header for `NAME:PASSWORD`, or for a NAME whose password is in the environment. */
export function basicAuthorization(io: Io, user: string | undefined): string | undefined {
  const given = user ?? io.env['AMBER_USER']
  if (given === undefined) return undefined
  const colon = given.indexOf(':')
  const name = colon === -1 ? given : given.slice(0, colon)
  const password = passwordFrom(io, colon === -1 ? undefined : given.slice(colon + 1))
  if (password === undefined) {
    throw new AppError(
      'bad_request',
      `there is no password for ${name}; write -u ${name}:PASSWORD or set AMBER_PASSWORD`,
    )
  }
  return `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`
}

/** The same, or a bearer token from AMBER_TOKEN when no user is named. */
export function authorizationOf(io: Io, user: string | undefined): string | undefined {
  const token = io.env['AMBER_TOKEN']
  return user === undefined && token !== undefined ? `Bearer ${token}` : basicAuthorization(io, user)
}
