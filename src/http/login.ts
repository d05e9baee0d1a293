// Who is asking over HTTP: Basic credentials checked by the authenticator that serves MQTT too.

import type { FastifyRequest } from 'fastify'
import type { Authenticator, Principal } from '../auth/principal.ts'
import { AppError } from '../domain/errors.ts'

export interface Login {
  /** Finds out who asks, or throws `unauthorized`. */
  admit(request: FastifyRequest): Promise<void>
  /** Who asked; only after `admit`. */
  principalOf(request: FastifyRequest): Principal
  /** Called when logins let in earlier may not hold any more. */
  onChange(listener: () => void): void
  stillHolds(principal: Principal): boolean
}

export function createLogin({ auth }: { auth: Authenticator }): Login {
  const principals = new WeakMap<FastifyRequest, Principal>()
  return {
    onChange: (listener) => auth.onChange(listener),
    stillHolds: (principal) => auth.stillHolds(principal),
    async admit(request) {
      const { user, password } = credentialsOf(request.headers.authorization)
      const principal = await auth.authenticate(user, password)
      if (principal === null) {
        throw new AppError(
          'unauthorized',
          user === undefined
            ? 'send user and password by HTTP Basic (curl -u USER:PASSWORD)'
            : 'user name or password is wrong',
        )
      }
      principals.set(request, principal)
    },
    principalOf(request) {
      const principal = principals.get(request)
      if (!principal) throw new AppError('unauthorized', 'send user and password by HTTP Basic')
      return principal
    },
  }
}

/** RFC 7617: user and password in UTF-8; the password may hold colons. */
function credentialsOf(header: string | undefined): { user?: string; password?: Buffer } {
  if (header === undefined) return {}
  const [, encoded] = /^basic +([A-Za-z0-9+/=_-]+) *$/i.exec(header) ?? []
  const bytes = Buffer.from(encoded ?? '', 'base64')
  const colon = bytes.indexOf(0x3a)
  if (colon === -1) throw new AppError('unauthorized', 'the Authorization header is not HTTP Basic')
  return { user: bytes.subarray(0, colon).toString(), password: bytes.subarray(colon + 1) }
}
