// Who is asking over HTTP: user and password checked by the authenticator that serves MQTT too, a bearer token, or a
// ticket in the address of something a browser opens by itself.

import type { FastifyRequest } from 'fastify'
import type { Authenticator, Principal } from '../auth/principal.ts'
import type { Tokens } from '../auth/tokens.ts'
import { AppError } from '../domain/errors.ts'
import type { Tickets } from './tickets.ts'

export interface Login {
  /** Finds out who asks, or throws `unauthorized`. */
  admit(request: FastifyRequest): Promise<void>
  /** Who asked; only after `admit`. */
  principalOf(request: FastifyRequest): Principal
  /** A ticket for the login of this request. */
  issueTicket(request: FastifyRequest): { ticket: string; expiresAt: number }
  /** Called when logins let in earlier may not hold any more. */
  onChange(listener: () => void): void
  stillHolds(principal: Principal): boolean
}

interface Deps {
  auth: Authenticator
  tokens: Tokens
  tickets: Tickets
}

export function createLogin({ auth, tokens, tickets }: Deps): Login {
  const principals = new WeakMap<FastifyRequest, Principal>()
  const ofTicket = new WeakMap<Principal, Principal>()
  const principalOf = (request: FastifyRequest): Principal => {
    const principal = principals.get(request)
    if (!principal) throw new AppError('unauthorized', 'send user and password by HTTP Basic')
    return principal
  }
  const holds = (principal: Principal): boolean => {
    const original = ofTicket.get(principal) ?? principal
    return original.kind === 'token' ? tokens.stillHolds(original) : auth.stillHolds(original)
  }
  const find = async (request: FastifyRequest): Promise<Principal> => {
    const { authorization } = request.headers
    const { ticket } = request.query as { ticket?: unknown }
    if (authorization === undefined && typeof ticket === 'string' && takesTicket(request)) {
      const principal = tickets.check(ticket)
      if (principal !== null && holds(principal)) return principal
      throw new AppError(
        'unauthorized',
        'the ticket is not valid (any more); ask for another: POST /api/v1/tickets',
      )
    }
    // Telegraf and the libraries of InfluxDB write Token where others write Bearer.
    const [, token] = /^(?:bearer|token) +([\w.~+/=-]+) *$/i.exec(authorization ?? '') ?? []
    if (token !== undefined) {
      const principal = tokens.check(token)
      if (principal !== null) return principal
      throw new AppError('unauthorized', 'there is no such token, or its time is over (amber token list)')
    }
    const { user, password } = credentialsOf(authorization)
    const principal = await auth.authenticate(user, password)
    if (principal !== null) return principal
    throw new AppError(
      'unauthorized',
      user === undefined
        ? 'send user and password by HTTP Basic (curl -u USER:PASSWORD), or a token (Authorization: Bearer TOKEN)'
        : 'user name or password is wrong',
    )
  }
  return {
    onChange(listener) {
      auth.onChange(listener)
      tokens.onChange(listener)
    },
    stillHolds: holds,
    async admit(request) {
      principals.set(request, await find(request))
    },
    principalOf,
    issueTicket(request) {
      const original = principalOf(request)
      const issued = tickets.issue(original)
      const principal = tickets.check(issued.ticket)
      if (principal) ofTicket.set(principal, original)
      return issued
    },
  }
}

/** Routes that know the parameter, which are those that only read. */
function takesTicket({ method, routeOptions }: FastifyRequest): boolean {
  const { properties = {} } = (routeOptions.schema?.querystring ?? {}) as { properties?: object }
  return method === 'GET' && Object.hasOwn(properties, 'ticket')
}

/** RFC 7617: user and password in UTF-8; the password may hold colons. */
function credentialsOf(header: string | undefined): { user?: string; password?: Buffer } {
  if (header === undefined) return {}
  const [, encoded] = /^basic +([A-Za-z0-9+/=_-]+) *$/i.exec(header) ?? []
  const bytes = Buffer.from(encoded ?? '', 'base64')
  const colon = bytes.indexOf(0x3a)
  if (colon === -1)
    throw new AppError('unauthorized', 'the Authorization header is neither HTTP Basic nor Bearer')
  return { user: bytes.subarray(0, colon).toString(), password: bytes.subarray(colon + 1) }
}
