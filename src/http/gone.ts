// Tells a query that nobody waits for its answer any more.

import type { FastifyReply } from 'fastify'
import { AppError } from '../domain/errors.ts'

/** Aborted when the connection closes before the answer has left. */
export function signalOf(reply: FastifyReply): AbortSignal {
  const control = new AbortController()
  reply.raw.once('close', () => {
    // Nobody reads this error; it ends the work.
    if (!reply.raw.writableFinished)
      control.abort(new AppError('query_limit', 'the client has gone; its query was ended'))
  })
  return control.signal
}
