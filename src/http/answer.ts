// A page of rows as JSON, NDJSON or CSV, with the Link header that leads to the next one.

import type { FastifyReply, FastifyRequest } from 'fastify'
import { AppError } from '../domain/errors.ts'
import { encodeCsvRow } from './readingText.ts'
import { type Search, withParameter } from './search.ts'

export type Format = 'json' | 'ndjson' | 'csv'

export interface PageText<T> {
  rows: readonly T[]
  limit: number
  next: string | null
  json: (row: T, oneLine: boolean) => string
  columns: readonly string[]
  cells: (row: T) => string[]
}

/** Sends one page in the form asked for. */
export function sendPage<T>(request: FastifyRequest, reply: FastifyReply, page: PageText<T>): FastifyReply {
  const { rows, limit, next } = page
  if (next !== null) {
    const [path = '/'] = request.url.split('?')
    void reply.header(
      'link',
      `<${path}?${withParameter(request.query as Search, 'cursor', next)}>; rel="next"`,
    )
  }
  void reply.header('cache-control', 'no-store').header('vary', 'Accept, Authorization')
  const format = formatOf(request)
  if (format === 'csv') {
    const lines = [encodeCsvRow(page.columns), ...rows.map((row) => encodeCsvRow(page.cells(row)))]
    return reply.header('content-type', 'text/csv; charset=utf-8').send(lines.join(''))
  }
  if (format === 'ndjson') {
    const lines = rows.map((row) => `${page.json(row, true)}\n`)
    return reply.header('content-type', 'application/x-ndjson').send(lines.join(''))
  }
  const data = rows.map((row) => page.json(row, false)).join(',\n')
  const foot = `"page":{"limit":${limit},"has_more":${next !== null},"next":${JSON.stringify(next)}}`
  return reply.header('content-type', 'application/json; charset=utf-8').send(`{"data":[${data}],${foot}}\n`)
}

/** `format=` goes before Accept; an absent Accept means JSON. */
function formatOf(request: FastifyRequest): Format {
  const { format } = request.query as { format?: Format }
  if (format !== undefined) return format
  const { accept = '*/*' } = request.headers
  if (/application\/x-ndjson/i.test(accept)) return 'ndjson'
  if (/text\/csv/i.test(accept)) return 'csv'
  if (/\*\/\*|application\/(json|\*)/i.test(accept)) return 'json'
  throw new AppError('not_acceptable', 'Accept: ask for application/json, application/x-ndjson or text/csv')
}
