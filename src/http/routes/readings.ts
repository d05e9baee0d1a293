// GET /api/v1/readings and /api/v1/latest: what was published, in a range of time or newest of each topic.

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { Type, type Static } from '@sinclair/typebox'
import type { Listing, Page } from '../../query/listing.ts'
import type { FoundReading } from '../../query/found.ts'
import { sendPage } from '../answer.ts'
import type { RouteContext } from '../context.ts'
import { goneOf } from '../gone.ts'
import {
  fieldNames,
  filtersOf,
  formatParameter,
  pageParameters,
  readingStyleParameters,
  topicParameters,
} from '../parameters.ts'
import { csvCells, csvColumns, createReadingText } from '../readingText.ts'
import { pageOf, readingSchema } from '../schemas.ts'

const readingParameters = (most: number) => ({
  ...topicParameters,
  ...formatParameter,
  ...pageParameters(1000, most),
  ...readingStyleParameters,
  min_seq: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: Number.MAX_SAFE_INTEGER,
      description: 'Waits until the reading with this seq is stored here.',
    }),
  ),
})

type ReadingSearch = Static<ReturnType<typeof searchOf>>
const searchOf = (most: number) => Type.Object(readingParameters(most))

const latestOf = (most: number) =>
  Type.Object({
    ...readingParameters(most),
    as_of: Type.Optional(
      Type.String({
        description: 'The newest of each topic as it stood at this time, included.',
        examples: ['2026-11-24T08:00:00Z'],
      }),
    ),
  })

const rangeOf = (most: number) =>
  Type.Object({
    ...readingParameters(most),
    from: Type.Optional(
      Type.String({
        description: 'First time, included; by default an hour before the end.',
        examples: ['-15m'],
      }),
    ),
    to: Type.Optional(Type.String({ description: 'Last time, left out; by default there is none.' })),
    order: Type.Union([Type.Literal('desc'), Type.Literal('asc')], { default: 'desc' }),
  })

export function addReadings(app: FastifyInstance, context: RouteContext): void {
  const { query, limits } = context
  const latest = {
    querystring: latestOf(limits.page_rows),
    tags: ['read'],
    summary: 'Newest reading of each topic',
    response: { 200: pageOf(readingSchema) },
  }
  app.get('/api/v1/latest', { schema: latest }, async (request, reply) => {
    const search = request.query as Static<ReturnType<typeof latestOf>>
    const listing = questionOf(context, request, reply)
    return send(request, reply, await query.latest({ ...listing, asOf: search.as_of }), true)
  })
  const range = {
    querystring: rangeOf(limits.page_rows),
    tags: ['read'],
    summary: 'Readings in a range of time',
    response: { 200: pageOf(readingSchema) },
  }
  app.get('/api/v1/readings', { schema: range }, async (request, reply) => {
    const search = request.query as Static<ReturnType<typeof rangeOf>>
    const { from, to, order } = search
    const page = await query.readings({
      ...questionOf(context, request, reply),
      from,
      to,
      order,
    })
    return send(request, reply, page)
  })
}

function questionOf({ login }: RouteContext, request: FastifyRequest, reply: FastifyReply): Listing {
  const search = request.query as ReadingSearch
  const principal = login.principalOf(request)
  return {
    filters: filtersOf(search, principal),
    mayRead: (topic) => principal.mayRead(topic),
    limit: search.limit,
    cursor: search.cursor,
    minSeq: search.min_seq,
    signal: goneOf(reply),
  }
}

function send(
  request: FastifyRequest,
  reply: FastifyReply,
  { rows, next }: Page<FoundReading>,
  isTagged = false,
): Promise<FastifyReply> {
  const { raw, time, limit, fields } = request.query as ReadingSearch
  const style = { raw: raw === '1', time, fields: fieldNames(fields) }
  return sendPage(request, reply, {
    rows,
    limit,
    next,
    json: createReadingText(style),
    isTagged,
    columns: csvColumns,
    cells: ({ reading, fields: all }) => csvCells(reading, all, style),
  })
}
