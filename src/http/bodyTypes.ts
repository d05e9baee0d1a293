// What a body may be: the parser of those that stay bytes, and the words for a body of another type or coding.

import type { FastifyRequest } from 'fastify'
import { AppError } from '../domain/errors.ts'

/** Bodies stay bytes: what is published is what was written. Sent compressed they would be taken for something else. */
export function takeBytes(
  { headers }: FastifyRequest,
  body: Buffer,
  done: (error: Error | null, body?: Buffer) => void,
): void {
  const coding = headers['content-encoding'] ?? 'identity'
  if (coding === 'identity') done(null, body)
  else done(refusal('Content-Encoding', `send the body as it is, not as "${coding.slice(0, 60)}"`))
}

/** Says which types the route takes. */
export function wrongType({ routeOptions, headers }: FastifyRequest): AppError {
  const types = Object.keys(routeOptions.config.doc?.body ?? { 'application/json': null })
  const given = headers['content-type'] ?? ''
  return refusal('Content-Type', `send ${types.join(' or ')}, not "${given.slice(0, 60)}"`)
}

function refusal(path: string, message: string): AppError {
  return new AppError('unsupported_media_type', `${path}: ${message}`, { problems: [{ path, message }] })
}
