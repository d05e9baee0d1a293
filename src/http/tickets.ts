// Tickets: what a browser puts into an address where it cannot send an Authorization header (EventSource, downloads).
// Each stands for the login that asked for it, for a short time, and for reading only.

import { randomBytes } from 'node:crypto'
import type { Principal } from '../auth/principal.ts'
import { AppError } from '../domain/errors.ts'

export interface Tickets {
  issue(principal: Principal): { ticket: string; expiresAt: number }
  check(ticket: string): Principal | null
}

const ticketsMax = 100_000

export function createTickets({ lifetimeMs }: { lifetimeMs: number }): Tickets {
  // In the order of their end, since all live equally long.
  const tickets = new Map<string, { principal: Principal; expiresAt: number }>()
  const forgetOld = (): void => {
    for (const [ticket, { expiresAt }] of tickets) {
      if (expiresAt > Date.now()) return
      tickets.delete(ticket)
    }
  }
  return {
    issue(principal) {
      forgetOld()
      if (tickets.size >= ticketsMax)
        throw new AppError('rate_limited', 'too many tickets are valid; try later')
      const ticket = randomBytes(24).toString('base64url')
      const expiresAt = Date.now() + lifetimeMs
      tickets.set(ticket, { principal: readOnly(principal), expiresAt })
      return { ticket, expiresAt }
    },
    check(ticket) {
      forgetOld()
      return tickets.get(ticket)?.principal ?? null
    },
  }
}

/** Inherits, so that what is known of the principal itself holds. */
function readOnly(principal: Principal): Principal {
  return { ...principal, admin: false, mayWrite: () => false }
}
