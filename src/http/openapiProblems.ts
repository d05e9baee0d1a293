// What the OpenAPI document says of errors: one response a status, with every code that has it, and Prometheus' own envelope.

import { type ErrorCode, errorKinds } from '../domain/errors.ts'
import { problemSchema } from './schemas.ts'

const statuses: readonly number[] = [...new Set(Object.values(errorKinds).map(({ status }) => status))]

/** The name of the component that describes this status. */
export const problemName = (status: number): string => `Problem${status}`

export function problemResponses(): Record<string, object> {
  return Object.fromEntries(statuses.map((status) => [problemName(status), responseOf(status)]))
}

function responseOf(status: number): object {
  const codes = (Object.keys(errorKinds) as ErrorCode[]).filter((code) => errorKinds[code].status === status)
  const schema = {
    ...problemSchema,
    properties: {
      ...problemSchema.properties,
      status: { type: 'integer', const: status },
      code: { type: 'string', enum: codes, description: 'Stable; docs/errors.md explains each.' },
    },
  }
  const retry = { schema: { type: 'integer' }, description: 'Seconds.' }
  return {
    description: codes.map((code) => `\`${code}\`: ${errorKinds[code].title}.`).join(' '),
    ...(status === 429 || status === 503 ? { headers: { 'Retry-After': retry } } : {}),
    content: { 'application/problem+json': { schema } },
  }
}

export const promErrorResponse = {
  description: "An error in Prometheus' envelope.",
  content: {
    'application/json': {
      schema: {
        type: 'object',
        required: ['status', 'errorType', 'error'],
        properties: {
          status: { type: 'string', const: 'error' },
          errorType: {
            type: 'string',
            enum: ['bad_data', 'execution', 'unauthorized', 'internal', 'timeout'],
          },
          error: { type: 'string' },
        },
      },
    },
  },
}
