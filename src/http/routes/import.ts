// POST /api/v1/import: readings with times of their own, as `export` writes them, streamed. What is wrong with a row is
// told by its line, and the others are stored; the same rows sent again are duplicates.

import { Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import type { FastifyInstance } from 'fastify'
import { Type } from '@sinclair/typebox'
import { AppError } from '../../domain/errors.ts'
import { createImport, type ImportRow } from '../../ingest/importRows.ts'
import { type BodyRow, readCsv, readLines } from '../bodyRows.ts'
import type { RouteContext } from '../context.ts'
import { parseCsvRow, parseJsonRow, type RowContext } from '../importRow.ts'

const answerSchema = Type.Object({
  imported: Type.Integer(),
  duplicates: Type.Integer({ description: 'Rows that were stored already.' }),
  failed: Type.Array(Type.Object({ line: Type.Integer(), reason: Type.String() }), {
    description: 'The first of them; failed_total has their number.',
  }),
  failed_total: Type.Integer(),
})

const failedMax = 1000
const batchRows = 500
const types = ['application/x-ndjson', 'application/ndjson', 'text/csv']

const rowExample = '{"topic":"home/kitchen/temperature","time":"2026-11-24T08:00:00Z","value":21.5}\n'
const doc = {
  body: {
    'application/x-ndjson': {
      schema: { type: 'string', description: 'One row a line, as a JSON object.' },
      example: rowExample,
    },
    'text/csv': {
      schema: { type: 'string', description: 'A line of names, then a row a line.' },
      example: 'topic,time,value\r\nhome/kitchen/temperature,2026-11-24T08:00:00Z,21.5\r\n',
    },
  },
}

export function addImport(app: FastifyInstance, context: RouteContext): void {
  const { login, importing, limits } = context
  const schema = {
    tags: ['write'],
    summary: 'Store readings with times of their own',
    description:
      'NDJSON or CSV as export writes it: topic and one of payload, payload_base64, value; time, received_at, qos, retain, ' +
      'client_id and id may be left out. Not delivered to subscribers. A row with an id, or equal in topic, times and payload, is stored once.',
    response: { 200: answerSchema },
  }
  void app.register(async (scope) => {
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser(types, (_request, payload, done) => done(null, payload))
    const bodyLimit = Number.MAX_SAFE_INTEGER
    scope.post('/api/v1/import', { schema, bodyLimit, config: { doc } }, async (request, reply) => {
      if (!(request.body instanceof Readable)) {
        throw new AppError(
          'bad_request',
          'the body is empty; send NDJSON or CSV as GET /api/v1/export writes it',
        )
      }
      const rowContext = { principal: login.principalOf(request), now: Date.now() }
      const isCsv = String(request.headers['content-type']).startsWith('text/csv')
      const body = plainBody(request.body, request.headers['content-encoding'])
      const parsed = isCsv
        ? parseRows(readCsv(body, limits.row_bytes), rowContext, parseCsvRow)
        : parseRows(readLines(body, limits.row_bytes), rowContext, parseJsonRow)
      const task = createImport(importing)
      const failed: { line: number; reason: string }[] = []
      let failedTotal = 0
      for await (const { rows, faults } of parsed) {
        const faulty = [...faults]
        for (let at = 0; at < rows.length; at += batchRows) {
          faulty.push(...(await task.add(rows.slice(at, at + batchRows))))
        }
        failedTotal += faulty.length
        failed.push(...faulty.slice(0, failedMax - failed.length))
      }
      void reply.header('cache-control', 'no-store')
      failed.sort((a, b) => a.line - b.line)
      return { imported: task.imported, duplicates: task.duplicates, failed, failed_total: failedTotal }
    })
  })
}

interface ParsedRows {
  rows: ImportRow[]
  faults: { line: number; reason: string }[]
}

async function* parseRows<T>(
  chunks: AsyncIterable<BodyRow<T>[]>,
  context: RowContext,
  parse: (row: T, line: number, context: RowContext) => ImportRow,
): AsyncGenerator<ParsedRows> {
  for await (const chunk of chunks) {
    const rows: ImportRow[] = []
    const faults: ParsedRows['faults'] = []
    for (const { line, row, fault } of chunk) {
      if (fault !== undefined) {
        faults.push({ line, reason: fault })
        continue
      }
      try {
        rows.push(parse(row, line, context))
      } catch (error) {
        if (!(error instanceof AppError)) throw error
        faults.push({ line, reason: error.message })
      }
    }
    yield { rows, faults }
  }
}

function plainBody(body: Readable, encoding: string | undefined): AsyncIterable<Buffer> {
  if (encoding === undefined || encoding === 'identity') return whole(body, body)
  if (encoding !== 'gzip') {
    throw new AppError('unsupported_media_type', 'Content-Encoding: send the body as it is, or as gzip')
  }
  const gunzip = createGunzip()
  body.on('error', (error) => gunzip.destroy(error))
  return whole(body.pipe(gunzip), body)
}

/** `pieces` of `body`; when nobody wants more of it the rest is let go by, or the connection would stand still for the next request. */
async function* whole(pieces: Readable, body: Readable): AsyncGenerator<Buffer> {
  try {
    for await (const piece of pieces.iterator({ destroyOnReturn: false })) yield piece as Buffer
  } catch (error) {
    throw new AppError('bad_request', 'the body broke off or is not gzip; rows before that are stored', {
      cause: error,
    })
  } finally {
    if (pieces !== body) {
      body.unpipe()
      pieces.destroy()
    }
    body.resume()
  }
}
