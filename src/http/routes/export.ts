// GET /api/v1/export: everything in a range of time, oldest first, in constant memory however much it is. An export that
// fails on its way breaks off the connection, so that a part is never taken for the whole.

import { Readable } from 'node:stream'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { Type, type Static } from '@sinclair/typebox'
import { AppError } from '../../domain/errors.ts'
import type { Fields, Reading } from '../../domain/reading.ts'
import type { FieldType } from '../../query/fieldTypes.ts'
import type { Query } from '../../query/query.ts'
import { acceptedOf } from '../answer.ts'
import { ByteText } from '../byteText.ts'
import type { RouteContext } from '../context.ts'
import { createCsvExport, createNdjsonExport, type ExportText } from '../exportText.ts'
import { signalOf } from '../gone.ts'
import { fieldNames, filtersOf, ticketParameter, topicParameters } from '../parameters.ts'
import { columnNameOf } from '../parquet/columns.ts'
import { parquetPieces } from '../parquet/export.ts'

const search = Type.Object({
  ...topicParameters,
  from: Type.Optional(Type.String({ description: 'First time, included; by default the first there is.' })),
  to: Type.Optional(Type.String({ description: 'Last time, left out; by default there is none.' })),
  format: Type.Optional(
    Type.Union([Type.Literal('ndjson'), Type.Literal('csv'), Type.Literal('parquet')], {
      description:
        'Parquet is for notebooks; the other two can be imported again. By default what Accept asks for, else NDJSON.',
    }),
  ),
  fields: Type.Optional(
    Type.Array(Type.String(), {
      description:
        'Adds these fields: in CSV and Parquet a column each, in NDJSON as an object with all below them. * is every field.',
    }),
  ),
  ...ticketParameter,
})
type Format = 'ndjson' | 'csv' | 'parquet'
type ExportSearch = Static<typeof search> & { format: Format }

const types = {
  ndjson: 'application/x-ndjson',
  csv: 'text/csv; charset=utf-8',
  parquet: 'application/vnd.apache.parquet',
}

/** A table may have so many columns of fields. */
const columnsMax = 1000

export function addExport(app: FastifyInstance, { login, query, limits, metrics }: RouteContext): void {
  let running = 0
  const schema = {
    querystring: search,
    tags: ['read'],
    summary: 'Everything in a range of time, as a file',
    description: 'Streamed, oldest first. POST /api/v1/import takes NDJSON and CSV back.',
    produces: ['application/x-ndjson', 'text/csv', 'application/vnd.apache.parquet'],
  }
  app.get('/api/v1/export', { schema, exposeHeadRoute: false }, async (request, reply) => {
    const format = formatOf(request)
    const asked: ExportSearch = { ...(request.query as Static<typeof search>), format }
    const principal = login.principalOf(request)
    const topics = {
      filters: filtersOf(asked, principal),
      mayRead: (topic: string) => principal.mayRead(topic),
    }
    const signal = signalOf(reply)
    const readings = whileAsked(query.all({ ...topics, from: asked.from, to: asked.to, signal }), signal)
    if (running >= limits.exports) {
      throw new AppError('rate_limited', `${running} exports are running (limits.exports); try again later`)
    }
    metrics.exports.set(++running)
    reply.raw.once('close', () => metrics.exports.set(--running))
    const pieces = await piecesOf({ query, readings }, asked, () => query.fieldTypes(topics, signal))
    void reply
      .header('content-type', types[format])
      .header('content-disposition', `attachment; filename="amber.${format}"`)
      .header('cache-control', 'no-store')
    return reply.send(Readable.from(pieces, { objectMode: false }))
  })
}

const formatOfRange: Record<string, Format> = {
  'application/x-ndjson': 'ndjson',
  'text/csv': 'csv',
  'application/vnd.apache.parquet': 'parquet',
}

/** A browser that asks for a page is to have the file all the same. */
function formatOf(request: FastifyRequest): Format {
  const { format } = request.query as Static<typeof search>
  return format ?? acceptedOf(request, formatOfRange) ?? 'ndjson'
}

type FieldTypes = Map<string, FieldType>

async function piecesOf(
  { query, readings }: { query: Query; readings: AsyncIterable<Reading[]> },
  { format, fields }: ExportSearch,
  findTypes: () => Promise<FieldTypes>,
): Promise<AsyncIterable<Buffer>> {
  const names = fieldNames(fields)
  const fieldsOf = (reading: Reading): Fields => query.show(reading).fields
  if (format === 'ndjson') return textPieces(readings, createNdjsonExport(names, fieldsOf))
  if (names === undefined) {
    return format === 'csv'
      ? textPieces(readings, createCsvExport(undefined, fieldsOf))
      : parquetPieces(readings, [], null)
  }
  const needsTypes = format === 'parquet' || names.includes('*')
  const known: FieldTypes = needsTypes ? await findTypes() : new Map()
  const wanted = [...new Set(names.flatMap((name) => (name === '*' ? [...known.keys()] : [name])))]
  if (wanted.length > columnsMax) {
    throw new AppError('query_limit', `${wanted.length} columns; name at most ${columnsMax} with fields=`)
  }
  if (format === 'csv') return textPieces(readings, createCsvExport(wanted, fieldsOf))
  const columns = wanted.map((field) => ({
    field,
    column: columnNameOf(field),
    type: known.get(field) ?? 'number',
  }))
  const chosen = names.includes('*') ? fieldsOf : (reading: Reading) => chosenFields(fieldsOf(reading), names)
  return parquetPieces(readings, columns, chosen)
}

/** These fields and all below them. */
function chosenFields(fields: Fields, names: readonly string[]): Fields {
  const isChosen = (field: string): boolean =>
    names.some((name) => field === name || field.startsWith(`${name}.`))
  return Object.fromEntries(Object.entries(fields).filter(([field]) => isChosen(field)))
}

/** Ends between any two chunks once nobody reads, also while none of them fills a piece. */
async function* whileAsked(chunks: AsyncIterable<Reading[]>, signal: AbortSignal): AsyncGenerator<Reading[]> {
  for await (const chunk of chunks) {
    signal.throwIfAborted()
    yield chunk
  }
}

/** Bytes gathered before a piece is sent. */
const pieceBytes = 256 * 1024

async function* textPieces(chunks: AsyncIterable<Reading[]>, text: ExportText): AsyncGenerator<Buffer> {
  const bytes = new ByteText()
  bytes.text(text.head)
  for await (const chunk of chunks) {
    for (const reading of chunk) {
      text.row(reading, bytes)
      if (bytes.length >= pieceBytes) yield bytes.take()
    }
  }
  if (bytes.length > 0) yield bytes.take()
}
