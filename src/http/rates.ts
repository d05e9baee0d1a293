// How many requests a login may make: an equal number a minute for each, told in RateLimit headers
// (draft-ietf-httpapi-ratelimit-headers, 03) and answered with 429 and Retry-After when it is used up.

import type { FastifyReply } from 'fastify'
import type { Principal } from '../auth/principal.ts'
import { AppError } from '../domain/errors.ts'

/** Counts a request; throws `rate_limited` when there are too many. */
export type Rates = (principal: Principal, reply: FastifyReply) => void

const windowMs = 60_000

/** `perMinute` 0: no limit, and no headers. */
export function createRates({ perMinute }: { perMinute: number }): Rates {
  let used = new Map<string, number>()
  let windowEnd = 0
  return (principal, reply) => {
    if (perMinute === 0) return
    const now = Date.now()
    if (now >= windowEnd) {
      used = new Map()
      windowEnd = now + windowMs
    }
    const key = `${principal.kind}:${principal.name}`
    const count = (used.get(key) ?? 0) + 1
    used.set(key, count)
    const resetS = Math.ceil((windowEnd - now) / 1000)
    void reply
      .header('ratelimit-limit', String(perMinute))
      .header('ratelimit-remaining', String(Math.max(0, perMinute - count)))
      .header('ratelimit-reset', String(resetS))
    if (count <= perMinute) return
    void reply.header('retry-after', String(resetS))
    throw new AppError(
      'rate_limited',
      `more than ${perMinute} requests in this minute (http.requests_per_minute)`,
    )
  }
}
