// The cookie of a browser's session, and whether a request that carries it was made by a page of this server.

import type { FastifyReply, FastifyRequest } from 'fastify'
import { AppError } from '../domain/errors.ts'

const reading = new Set(['GET', 'HEAD', 'OPTIONS'])

/** The secret in the session cookie of this server. */
export function sessionCookieOf(request: FastifyRequest): string | null {
  const name = cookieName(request)
  for (const pair of (request.headers.cookie ?? '').split(';')) {
    const at = pair.indexOf('=')
    if (at !== -1 && pair.slice(0, at).trim() === name) return pair.slice(at + 1).trim()
  }
  return null
}

/** `maxAgeS` 0 takes the cookie away. Scripts cannot read it, and other sites' pages cannot make the browser send it. */
export function setSessionCookie(
  request: FastifyRequest,
  reply: FastifyReply,
  secret: string,
  maxAgeS: number,
): void {
  const attributes = ['Path=/', 'HttpOnly', 'SameSite=Strict', `Max-Age=${maxAgeS}`]
  if (isSecure(request)) attributes.push('Secure')
  void reply.header('set-cookie', `${cookieName(request)}=${secret}; ${attributes.join('; ')}`)
}

/** Throws `forbidden` when a change was not asked for by a page of this very server: browsers say where a request comes from. */
export function checkSameOrigin({ method, headers }: FastifyRequest, { strict }: { strict: boolean }): void {
  if (reading.has(method)) return
  const site = headers['sec-fetch-site']
  if (site === 'same-origin') return
  const { origin } = headers
  if (site === undefined && origin === undefined && !strict) return
  // Without TLS browsers send Origin alone. A proxy may have changed Host; a page cannot set X-Forwarded-Host unasked.
  const hosts = [headers.host, headers['x-forwarded-host']]
  const from = origin === undefined ? null : hostOf(origin)
  if (site === undefined && from !== null && hosts.includes(from)) return
  throw new AppError(
    'forbidden',
    'a change with a session cookie must come from a page of this server (Sec-Fetch-Site or Origin); programs send a password or a token',
  )
}

/** Whether a browser would ask for a password in a window of its own, over a page that has its own way to ask. */
export function isFromPage(request: FastifyRequest): boolean {
  const { headers } = request
  if (headers['x-requested-with'] !== undefined || sessionCookieOf(request) !== null) return true
  return headers['sec-fetch-site'] === 'same-origin' && headers['sec-fetch-mode'] !== 'navigate'
}

/**
 * Cookies know no ports, so the name does: two servers on one machine must not throw each other's people out. `__Host-` keeps
 * a neighbouring site from setting it; browsers take that over TLS only.
 */
function cookieName(request: FastifyRequest): string {
  const [, port = ''] = /:(\d{1,5})$/.exec(request.headers.host ?? '') ?? []
  return `${isSecure(request) ? '__Host-' : ''}amber_session${port === '' ? '' : `_${port}`}`
}

/** TLS ends here, or at a proxy, which says so. */
function isSecure({ headers, protocol }: FastifyRequest): boolean {
  return (
    protocol === 'https' ||
    String(headers['x-forwarded-proto'] ?? '').split(',')[0] === 'https' ||
    /(?:^|[;,]\s*)proto="?https/i.test(String(headers.forwarded ?? ''))
  )
}

function hostOf(origin: string): string | null {
  return URL.canParse(origin) ? new URL(origin).host : null
}
