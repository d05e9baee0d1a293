// Who is asking over HTTP: user and password checked by the authenticator that serves MQTT too, a bearer token, the cookie of
// a browser's session, or a ticket in the address of something a browser opens by itself.

import type { FastifyReply, FastifyRequest } from 'fastify'
import type { KeptLogins, Principal } from '../auth/principal.ts'
import { AppError } from '../domain/errors.ts'
import type { BrowserSessions } from './browserSessions.ts'
import { checkSameOrigin, sessionCookieOf, setSessionCookie } from './cookies.ts'
import type { CredentialCheck } from './credentials.ts'
import type { Tickets } from './tickets.ts'

export type Credentials = { username: string; password: string } | { token: string }

export interface Login {
  /** Finds out who asks, or throws `unauthorized`. */
  admit(request: FastifyRequest): Promise<void>
  /** Who asked; only after `admit`. */
  principalOf(request: FastifyRequest): Principal
  /** Logs a browser in: checks who it is and sets the cookie. Throws `unauthorized`. */
  beginSession(request: FastifyRequest, reply: FastifyReply, credentials: Credentials): Promise<void>
  /** Logs it out: the cookie is worth nothing from now on, and streams opened with it end. */
  endSession(request: FastifyRequest, reply: FastifyReply): Promise<void>
  /** When the session of this request ends, in milliseconds since 1970; `null`: it came without one. */
  sessionEndOf(request: FastifyRequest): number | null
  /** A ticket for the login of this request. */
  issueTicket(request: FastifyRequest): { ticket: string; expiresAt: number }
  /** Called when logins let in earlier may not hold any more. */
  onChange(listener: () => void): void
  stillHolds(principal: Principal): boolean
}

/** What knows whether a login let in earlier still holds. */
type Holder = Pick<KeptLogins, 'stillHolds'> & { onChange(listener: () => void): void }

interface Deps {
  auth: Holder
  tokens: Holder
  check: CredentialCheck
  tickets: Tickets
  sessions: BrowserSessions
}

export function createLogin({ auth, tokens, check, tickets, sessions }: Deps): Login {
  const principals = new WeakMap<FastifyRequest, Principal>()
  const sessionEnds = new WeakMap<FastifyRequest, number>()
  const loggedOut = new WeakSet<Principal>()
  const ofTicket = new WeakMap<Principal, Principal>()
  const principalOf = (request: FastifyRequest): Principal => {
    const principal = principals.get(request)
    if (!principal) throw new AppError('unauthorized', 'send user and password by HTTP Basic')
    return principal
  }
  const holds = (principal: Principal): boolean => {
    const original = ofTicket.get(principal) ?? principal
    if (loggedOut.has(original)) return false
    return original.kind === 'token' ? tokens.stillHolds(original) : auth.stillHolds(original)
  }
  const byTicket = (ticket: string): Principal => {
    const principal = tickets.check(ticket)
    if (principal !== null && holds(principal)) return principal
    throw new AppError(
      'unauthorized',
      'the ticket is not valid (any more); ask for another: POST /api/v1/tickets',
    )
  }
  const find = async (request: FastifyRequest): Promise<Principal> => {
    const { authorization } = request.headers
    if (authorization !== undefined) return check.byHeader(request.ip, authorization)
    const { ticket } = request.query as { ticket?: unknown }
    if (typeof ticket === 'string' && takesTicket(request)) return byTicket(ticket)
    const session = sessions.find(sessionCookieOf(request) ?? '')
    if (session === null) return check.byHeader(request.ip, undefined)
    checkSameOrigin(request, { strict: true })
    sessionEnds.set(request, session.expiresAt)
    return session.principal
  }
  sessions.onEnd((principal) => void loggedOut.add(principal))
  return {
    onChange(listener) {
      auth.onChange(listener)
      tokens.onChange(listener)
      sessions.onEnd(listener)
    },
    stillHolds: holds,
    async admit(request) {
      principals.set(request, await find(request))
    },
    principalOf,
    async beginSession(request, reply, credentials) {
      const { principal, secret, expiresAt } = await beginSession({ check, sessions }, request, credentials)
      principals.set(request, principal)
      setSessionCookie(request, reply, secret, Math.floor((expiresAt - Date.now()) / 1000))
    },
    async endSession(request, reply) {
      checkSameOrigin(request, { strict: true })
      const secret = sessionCookieOf(request) ?? ''
      const found = sessions.find(secret)
      if (found !== null) principals.set(request, found.principal)
      await sessions.end(secret)
      setSessionCookie(request, reply, '', 0)
    },
    sessionEndOf: (request) => sessionEnds.get(request) ?? null,
    issueTicket(request) {
      const original = principalOf(request)
      const issued = tickets.issue(original)
      const principal = tickets.check(issued.ticket)
      if (principal) ofTicket.set(principal, original)
      return issued
    },
  }
}

async function beginSession(
  { check, sessions }: Pick<Deps, 'check' | 'sessions'>,
  request: FastifyRequest,
  credentials: Credentials,
): Promise<{ principal: Principal; secret: string; expiresAt: number }> {
  checkSameOrigin(request, { strict: false })
  const principal =
    'token' in credentials
      ? check.byToken(credentials.token)
      : await check.byPassword(request.ip, credentials.username, Buffer.from(credentials.password))
  const begun = await sessions.begin(principal)
  if (begun === null) throw new AppError('unauthorized', 'this login has no password to begin a session with')
  await sessions.end(sessionCookieOf(request) ?? '')
  return { principal, ...begun }
}

/** Routes that know the parameter, which are those that only read. */
function takesTicket({ method, routeOptions }: FastifyRequest): boolean {
  const { properties = {} } = (routeOptions.schema?.querystring ?? {}) as { properties?: object }
  return method === 'GET' && Object.hasOwn(properties, 'ticket')
}
