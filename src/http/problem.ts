// Every error as RFC 9457 problem+json, by the one table of domain/errors.ts.
// Promises: no stack trace leaves the server, and what the caller got wrong is never a 500.

import type { FastifyError, FastifyReply } from 'fastify'
import { AppError, type ErrorCode, errorKinds } from '../domain/errors.ts'
import type { Log } from '../ops/log.ts'
import { isFromPage } from './cookies.ts'

const codeOfStatus: Record<number, ErrorCode> = {
  400: 'bad_request',
  401: 'unauthorized',
  403: 'forbidden',
  404: 'not_found',
  405: 'method_not_allowed',
  406: 'not_acceptable',
  413: 'payload_too_large',
  414: 'bad_request',
  415: 'unsupported_media_type',
  431: 'bad_request',
  429: 'rate_limited',
  503: 'shutting_down',
}

/** A body of nothing but faults is not answered with one many times its size. */
const problemsMax = 100

/** The body of an error. */
export function encodeProblem(error: AppError): string {
  const { status, title } = errorKinds[error.code]
  const problem = { type: `/docs#${error.code}`, title, status, detail: error.message, code: error.code }
  const errors = error.problems.slice(0, problemsMax)
  return JSON.stringify(errors.length > 0 ? { ...problem, errors } : problem)
}

export function sendProblem(reply: FastifyReply, error: AppError): FastifyReply {
  // With this header a browser asks for a password in a window of its own; the page has a form for that.
  if (error.status === 401 && !isFromPage(reply.request))
    void reply.header('www-authenticate', 'Basic realm="Amber", charset="UTF-8", Bearer realm="Amber"')
  if ((error.status === 429 || error.status === 503) && !reply.hasHeader('retry-after'))
    void reply.header('retry-after', '1')
  return reply
    .code(error.status)
    .header('content-type', 'application/problem+json')
    .header('cache-control', 'no-store')
    .send(encodeProblem(error))
}

/** What Fastify or a route threw, as an `AppError`. A fault of the server is logged here and told without detail. */
export function toAppError(error: unknown, log: Log): AppError {
  // An internal one may carry the words of any library, which are for the log alone.
  if (error instanceof AppError && error.code !== 'internal') return error
  const { statusCode = 500, message, validation, validationContext } = error as Partial<FastifyError>
  if (validation) {
    const problems = validation.map((fault) => ({
      path: pathOf(fault.instancePath, validationContext),
      message: String(fault.message),
    }))
    const first = problems[0]
    return new AppError(
      'bad_request',
      first ? `${first.path}: ${first.message}` : 'the request is not valid',
      {
        problems,
      },
    )
  }
  const code = codeOfStatus[statusCode] ?? (statusCode < 500 ? 'bad_request' : 'internal')
  if (code === 'internal') {
    log.error({ err: error, stack: (error as Error).stack }, 'a request failed')
    return new AppError('internal', 'the server failed to answer; its log says why')
  }
  return new AppError(code, message ?? errorKinds[code].title)
}

function pathOf(instancePath: string, context: string | undefined): string {
  return instancePath === '' ? (context ?? 'request') : instancePath.slice(1).replace(/\/\d+$/, '')
}
