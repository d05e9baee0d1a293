// What a request brings to prove who sends it: user and password by HTTP Basic, or a bearer token. Wrong passwords are counted
// by address, together with those over MQTT.

import type { Authenticator, Principal } from '../auth/principal.ts'
import type { Tokens } from '../auth/tokens.ts'
import { AppError } from '../domain/errors.ts'

/** Keeps count of failed logins from an address, over both faces of the server. */
export interface LoginGuard {
  isBanned(address: string): boolean
  onLogin(address: string, isIn: boolean): void
}

/** Each throws `unauthorized`. */
export interface CredentialCheck {
  byToken(token: string): Principal
  byPassword(address: string, user: string, password: Uint8Array): Promise<Principal>
  /** By the Authorization header; without one, as nobody, when anonymous clients are allowed. */
  byHeader(address: string, header: string | undefined): Promise<Principal>
}

interface Deps {
  auth: Authenticator
  tokens: Tokens
  guard: LoginGuard
}

export function createCredentialCheck({ auth, tokens, guard }: Deps): CredentialCheck {
  const byToken = (token: string): Principal => {
    const principal = tokens.check(token)
    if (principal !== null) return principal
    throw new AppError('unauthorized', 'there is no such token, or its time is over (amber token list)')
  }
  const byPassword = async (address: string, user: string, password: Uint8Array): Promise<Principal> => {
    if (guard.isBanned(address)) {
      throw new AppError(
        'rate_limited',
        'too many failed logins from this address; wait some minutes (mqtt.ban_time_s)',
      )
    }
    const principal = await auth.authenticate(user, password)
    guard.onLogin(address, principal !== null)
    if (principal !== null) return principal
    throw new AppError('unauthorized', 'user name or password is wrong')
  }
  return {
    byToken,
    byPassword,
    async byHeader(address, header) {
      if (header === undefined) {
        const nobody = await auth.authenticate(undefined, undefined)
        if (nobody !== null) return nobody
        throw new AppError(
          'unauthorized',
          'send user and password by HTTP Basic (curl -u USER:PASSWORD), or a token (Authorization: Bearer TOKEN)',
        )
      }
      // Telegraf and the libraries of InfluxDB write Token where others write Bearer.
      const [, token] = /^(?:bearer|token) +([\w.~+/=-]+) *$/i.exec(header) ?? []
      if (token !== undefined) return byToken(token)
      const { user, password } = basicOf(header)
      return byPassword(address, user, password)
    },
  }
}

/** RFC 7617: user and password in UTF-8; the password may hold colons. */
function basicOf(header: string): { user: string; password: Buffer } {
  const [, encoded] = /^basic +([A-Za-z0-9+/=_-]+) *$/i.exec(header) ?? []
  const bytes = Buffer.from(encoded ?? '', 'base64')
  const colon = bytes.indexOf(0x3a)
  if (colon === -1)
    throw new AppError('unauthorized', 'the Authorization header is neither HTTP Basic nor Bearer')
  return { user: bytes.subarray(0, colon).toString(), password: bytes.subarray(colon + 1) }
}
