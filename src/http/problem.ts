// Every error as RFC 9457 problem+json, by the one table of domain/errors.ts.
// Promises: no stack trace leaves the server, and what the caller got wrong is never a 500.

import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { AppError, type ErrorCode, errorKinds, type Problem } from '../domain/errors.ts'
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

/** Where errors keep Prometheus' own envelope. */
export const promBase = '/prometheus'

/** In the envelope of the route that was asked for. */
export function sendFault({ url }: FastifyRequest, reply: FastifyReply, error: AppError): FastifyReply {
  const isProm = url.startsWith(`${promBase}/`)
  return send(reply, error, isProm ? encodePromFault(error) : encodeProblem(error), isProm)
}

const promTypes: Record<number, string> = {
  400: 'bad_data',
  401: 'unauthorized',
  404: 'not_found',
  422: 'execution',
  503: 'unavailable',
}

function encodePromFault({ status, message }: AppError): string {
  const errorType = promTypes[status] ?? 'internal'
  return JSON.stringify({ status: 'error', errorType, error: message })
}

function send(reply: FastifyReply, error: AppError, body: string, isProm: boolean): FastifyReply {
  // With this header a browser asks for a password in a window of its own; the page has a form for that.
  if (error.status === 401 && !isFromPage(reply.request))
    void reply.header('www-authenticate', 'Basic realm="Amber", charset="UTF-8", Bearer realm="Amber"')
  if ((error.status === 429 || error.status === 503) && !reply.hasHeader('retry-after'))
    void reply.header('retry-after', '1')
  return reply
    .code(error.status)
    .header('content-type', isProm ? 'application/json' : 'application/problem+json')
    .header('cache-control', 'no-store')
    .send(body)
}

/** What Fastify or a route threw, as an `AppError`. A fault of the server is logged here and told without detail. */
export function toAppError(error: unknown, log: Log): AppError {
  // An internal one may carry the words of any library, which are for the log alone.
  if (error instanceof AppError && error.code !== 'internal') return error
  const { statusCode = 500, message, validation, validationContext } = error as Partial<FastifyError>
  if (validation) {
    const problems = problemsOf(validation, validationContext)
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

type Fault = NonNullable<FastifyError['validation']>[number]

/** Of a choice of words the schema finds each one wrong, and then the whole: told once, with the words. */
function problemsOf(faults: readonly Fault[], context: string | undefined): Problem[] {
  const words = new Map<string, unknown[]>()
  for (const { keyword, instancePath, params } of faults) {
    if (keyword === 'const')
      words.set(instancePath, [...(words.get(instancePath) ?? []), params['allowedValue']])
  }
  return faults
    .filter(({ keyword, instancePath }) => !(words.has(instancePath) && keyword === 'const'))
    .map(({ keyword, instancePath, message }) => {
      const choice = keyword === 'anyOf' ? words.get(instancePath) : undefined
      return {
        path: pathOf(instancePath, context),
        message: choice ? `must be one of ${choice.join(', ')}` : String(message),
      }
    })
}

function pathOf(instancePath: string, context: string | undefined): string {
  return instancePath === '' ? (context ?? 'request') : instancePath.slice(1).replace(/\/\d+$/, '')
}
