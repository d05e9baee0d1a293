// Errors as RFC 9457 problem documents. Whatever goes wrong leaves the server through here:
// what the caller got wrong is said plainly, a fault of the server is logged and never shown.

import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { AppError, type ErrorCode, errorKinds, type Problem } from '../domain/errors.ts'
import { printable } from '../domain/topic.ts'
import type { Log } from '../ops/log.ts'

export const problemType = 'application/problem+json; charset=utf-8'

/** Fastify's own errors that have a code of ours; any other with a 4xx status is a `bad_request`. */
const codeOf: Record<string, ErrorCode> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'payload_too_large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'unsupported_media_type',
  FST_ERR_NOT_FOUND: 'not_found',
}
const codeOfStatus: Record<number, ErrorCode> = {
  401: 'unauthorized',
  403: 'forbidden',
  404: 'not_found',
  405: 'method_not_allowed',
  406: 'not_acceptable',
  413: 'payload_too_large',
  415: 'unsupported_media_type',
  429: 'rate_limited',
}

/** Sends any error; `log` hears of those that are the server's own. */
export function sendProblem(error: unknown, request: FastifyRequest, reply: FastifyReply, log: Log): void {
  const known = asKnown(error)
  if (known === null || known.code === 'internal') {
    log.error({ err: error, request: request.id, path: request.url.split('?')[0] }, 'a request failed')
  }
  const shown =
    known ??
    new AppError('internal', `the request failed for a reason of the server's own; its log has it under ${request.id}`)
  const { status } = shown
  reply.code(status)
  reply.header('content-type', problemType).header('cache-control', 'no-store')
  if (status === 401) reply.header('www-authenticate', 'Basic realm="Amber", charset="UTF-8"')
  if (status === 429 || status === 503) reply.header('retry-after', '1')
  reply.send(problemText(shown, status))
}

/** Answers what is not HTTP at all, or too slow or too large to be read as it. */
export function answerBroken(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const [status, detail] = brokenKinds[error.code ?? ''] ?? [400, 'the request is not valid HTTP']
  const body = problemText(new AppError('bad_request', detail), status)
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nContent-Type: ${problemType}\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  )
}

const brokenKinds: Record<string, [number, string]> = {
  HPE_HEADER_OVERFLOW: [431, 'the request line and headers are too large'],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'the request did not arrive in time'],
}

/** The error a caller may see, or `null` when it is the server's own. */
function asKnown(error: unknown): AppError | null {
  if (error instanceof AppError) return error
  const { code = '', statusCode, validation, validationContext, message } = error as Partial<FastifyError>
  if (validation) {
    const problems: Problem[] = validation.map((fault) => ({
      path: fault.instancePath.replace(/^\//, '') || String(fault.params['missingProperty'] ?? ''),
      message: `${fault.message ?? 'is not valid'}${allowed(fault.params)}`,
    }))
    const where = validationContext === 'querystring' ? 'query parameter' : (validationContext ?? 'request')
    const said = problems.map((problem) => `${problem.path} ${problem.message}`).join('; ')
    return new AppError('bad_request', `${where} ${printable(said)}`, { problems })
  }
  if (statusCode === undefined || statusCode < 400 || statusCode >= 500) return null
  const kind = codeOf[code] ?? codeOfStatus[statusCode] ?? 'bad_request'
  return new AppError(kind, printable(message ?? errorKinds[kind].title), { cause: error })
}

function allowed(params: Record<string, unknown>): string {
  const values = params['allowedValues']
  return Array.isArray(values) ? `: ${values.join(', ')}` : ''
}

function problemText(error: AppError, status: number): string {
  const { code, message, problems } = error
  return JSON.stringify({
    type: `urn:amber:error:${code}`,
    title: errorKinds[code].title,
    status,
    detail: message,
    code,
    ...(problems.length > 0 ? { errors: problems } : {}),
  })
}
