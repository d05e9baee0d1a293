// GET /api/v1/export: everything in a range of time, oldest first, in constant memory however much it is. An export that
// fails on its way breaks off the connection, so that a part is never taken for the whole.

import { Readable } from 'node:stream'
import type { FastifyInstance } from 'fastify'
import { Type, type Static } from '@sinclair/typebox'
import { AppError } from '../../domain/errors.ts'
import type { Reading } from '../../domain/reading.ts'
import type { RouteContext } from '../context.ts'
import { createCsvExport, createNdjsonExport, type ExportText } from '../exportText.ts'
import { signalOf } from '../gone.ts'
import { fieldNames, filtersOf, ticketParameter, topicParameters } from '../parameters.ts'

const search = Type.Object({
  ...topicParameters,
  from: Type.Optional(Type.String({ description: 'First time, included; by default the first there is.' })),
  to: Type.Optional(Type.String({ description: 'Last time, left out; by default there is none.' })),
  format: Type.Union([Type.Literal('ndjson'), Type.Literal('csv')], { default: 'ndjson' }),
  fields: Type.Optional(
    Type.Array(Type.String(), {
      description:
        'Adds these fields: in CSV a column each, in NDJSON as an object with all below them (* for every field).',
    }),
  ),
  ...ticketParameter,
})

const forms = {
  ndjson: { create: createNdjsonExport, type: 'application/x-ndjson' },
  csv: { create: createCsvExport, type: 'text/csv; charset=utf-8' },
}

export function addExport(app: FastifyInstance, { login, query, limits }: RouteContext): void {
  let running = 0
  const schema = {
    querystring: search,
    tags: ['read'],
    summary: 'Everything in a range of time, as a file',
    description: 'Streamed, oldest first. POST /api/v1/import takes it back.',
    produces: ['application/x-ndjson', 'text/csv'],
  }
  app.get('/api/v1/export', { schema, exposeHeadRoute: false }, async (request, reply) => {
    const { from, to, format, fields, ...asked } = request.query as Static<typeof search>
    const principal = login.principalOf(request)
    const readings = query.all({
      filters: filtersOf(asked, principal),
      mayRead: (topic) => principal.mayRead(topic),
      from,
      to,
      signal: signalOf(reply),
    })
    if (running >= limits.exports) {
      throw new AppError('rate_limited', `${running} exports are running (limits.exports); try again later`)
    }
    running++
    reply.raw.once('close', () => running--)
    const { create, type } = forms[format]
    const text = create(fieldNames(fields), (reading) => query.show(reading).fields)
    void reply
      .header('content-type', type)
      .header('content-disposition', `attachment; filename="amber.${format}"`)
      .header('cache-control', 'no-store')
    return reply.send(Readable.from(pieces(readings, text), { objectMode: false }))
  })
}

/** Bytes gathered before a piece is sent. */
const pieceLength = 65_536

async function* pieces(chunks: AsyncIterable<Reading[]>, text: ExportText): AsyncGenerator<Buffer> {
  let piece = text.head
  for await (const chunk of chunks) {
    for (const reading of chunk) {
      piece += text.row(reading)
      if (piece.length < pieceLength) continue
      yield Buffer.from(piece)
      piece = ''
    }
  }
  if (piece !== '') yield Buffer.from(piece)
}
