// Reads a JSON body by its schema. What is wrong with it is told by the place it stands in.

import { isUtf8 } from 'node:buffer'
import type { Static, TSchema } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'
import type { FastifyRequest } from 'fastify'
import { AppError } from '../domain/errors.ts'
import { printable } from '../domain/topic.ts'

/** Bodies stay bytes in this server, so the schema of a route is for /docs and this. */
export const bodyIsBytes = { validatorCompiler: () => () => true }

export function parseJsonBody<T extends TSchema>(schema: T, { body }: FastifyRequest): Static<T> {
  if (!(body instanceof Uint8Array) || body.length === 0) {
    throw new AppError(
      'bad_request',
      'the body is empty; send a JSON object (Content-Type: application/json)',
    )
  }
  if (!isUtf8(body)) throw new AppError('bad_request', 'the body is not UTF-8')
  let value: unknown
  try {
    value = JSON.parse(Buffer.from(body).toString())
  } catch {
    // The parser's own words quote the body, which may hold a password.
    throw new AppError('bad_request', 'the body is not JSON')
  }
  if (Value.Check(schema, value)) return value
  const problems = [...Value.Errors(schema, value)].slice(0, 20).map(({ path, message }) => ({
    path: printable(path).slice(0, 60) || 'body',
    message: message.slice(0, 200),
  }))
  const [first] = problems
  throw new AppError('bad_request', `the body is not valid: ${first?.path ?? ''}: ${first?.message ?? ''}`, {
    problems,
  })
}
