// Tells a query that nobody waits for its answer any more.

import type { FastifyReply } from 'fastify'
import { AppError } from '../domain/errors.ts'
import type { Gone } from '../query/ceiling.ts'

/** As `signalOf`, for an answer of one reading: an AbortSignal costs a twentieth of it. */
export function goneOf(reply: FastifyReply): Gone {
  return new Departure(reply)
}

class Departure implements Gone {
  aborted = false
  reason: unknown = undefined
  #listener: (() => void) | null = null

  constructor({ raw }: FastifyReply) {
    raw.once('close', () => {
      if (raw.writableFinished) return
      this.aborted = true
      this.reason = hasGone()
      this.#listener?.()
    })
  }

  /** Of one query: the one before is told no more. */
  addEventListener(_type: 'abort', listener: () => void): void {
    this.#listener = listener
  }

  removeEventListener(_type: 'abort', listener: () => void): void {
    if (this.#listener === listener) this.#listener = null
  }
}

// Nobody reads this error; it ends the work.
const hasGone = (): AppError => new AppError('query_limit', 'the client has gone; its query was ended')

/** Aborted when the connection closes before the answer has left. */
export function signalOf(reply: FastifyReply): AbortSignal {
  const control = new AbortController()
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) control.abort(hasGone())
  })
  return control.signal
}
