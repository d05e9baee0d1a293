// Which other origins' pages may call the API (`http.cors`). Without any configured, no header is sent at all.

import type { FastifyReply, FastifyRequest } from 'fastify'

/** Sets the headers; answers a preflight itself and returns true. Other origins' pages log in by Authorization; they are never sent a cookie's answer. */
export function answerCors(
  origins: readonly string[],
  request: FastifyRequest,
  reply: FastifyReply,
): boolean {
  const { origin } = request.headers
  if (origins.length === 0 || origin === undefined) return false
  reply.header('vary', 'Origin')
  if (!origins.includes('*') && !origins.includes(origin)) return false
  reply.header('access-control-allow-origin', origins.includes('*') ? '*' : origin)
  reply.header(
    'access-control-expose-headers',
    'Link, ETag, X-Request-Id, Retry-After, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset',
  )
  if (request.method !== 'OPTIONS' || request.headers['access-control-request-method'] === undefined)
    return false
  reply
    .code(204)
    .header('access-control-allow-methods', 'GET, HEAD, POST, PUT, DELETE')
    .header(
      'access-control-allow-headers',
      'Authorization, Content-Type, Accept, If-Match, If-None-Match, Last-Event-ID',
    )
    .header('access-control-max-age', '600')
    .send()
  return true
}
