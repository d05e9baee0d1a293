// What is wrong with a query, in the two kinds Prometheus' clients tell apart: not PromQL, and not possible here.

import { AppError } from '../../domain/errors.ts'

export function fault(message: string): AppError {
  return new AppError('bad_request', message, { problems: [{ path: 'query', message }] })
}

export function unsupported(what: string): AppError {
  return new AppError('query_limit', `${what} is not supported here`, {
    problems: [{ path: 'query', message: 'not supported' }],
  })
}

/** The query is right, and the data do not fit it. */
export function execution(message: string): AppError {
  return new AppError('query_limit', message, { problems: [{ path: 'query', message }] })
}
