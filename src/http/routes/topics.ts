// GET /api/v1/topics: which topics there are, how much of each, since when.

import type { FastifyInstance } from 'fastify'
import { Type, type Static } from '@sinclair/typebox'
import { sendPage } from '../answer.ts'
import type { RouteContext } from '../context.ts'
import { signalOf } from '../gone.ts'
import {
  filtersOf,
  formatParameter,
  pageParameters,
  timeUnitParameter,
  topicParameters,
} from '../parameters.ts'
import type { Fields } from '../../domain/reading.ts'
import { encodeTime } from '../readingText.ts'
import { pageOf, topicSchema } from '../schemas.ts'

const searchOf = (most: number) =>
  Type.Object({
    ...topicParameters,
    ...formatParameter,
    ...pageParameters(1000, most),
    ...timeUnitParameter,
    q: Type.Optional(
      Type.String({
        description: 'Part of the topic; upper and lower case are the same.',
        examples: ['kitchen'],
      }),
    ),
  })

export function addTopics(app: FastifyInstance, { login, query, limits }: RouteContext): void {
  const schema = {
    querystring: searchOf(limits.page_rows),
    tags: ['read'],
    summary: 'Topics',
    response: { 200: pageOf(topicSchema) },
  }
  app.get('/api/v1/topics', { schema }, async (request, reply) => {
    const search = request.query as Static<ReturnType<typeof searchOf>>
    const principal = login.principalOf(request)
    const { rows, next } = await query.topics({
      filters: filtersOf(search, principal),
      mayRead: (topic) => principal.mayRead(topic),
      contains: search.q,
      limit: search.limit,
      cursor: search.cursor,
      signal: signalOf(reply),
    })
    const time = (ms: number): string => encodeTime(ms, search.time)
    return sendPage(request, reply, {
      rows,
      limit: search.limit,
      next,
      json: ({ topic, readings, bytes, firstTime, lastTime, fields }) =>
        `{"topic":${JSON.stringify(topic)},"readings":${readings},"bytes":${bytes},` +
        `"first_time":${time(firstTime)},"last_time":${time(lastTime)},"fields":${typesText(fields)}}`,
      columns: ['topic', 'readings', 'bytes', 'first_time', 'last_time', 'fields'],
      cells: ({ topic, readings, bytes, firstTime, lastTime, fields }) => [
        topic,
        String(readings),
        String(bytes),
        ...[firstTime, lastTime].map((ms) => time(ms).replaceAll('"', '')),
        typesText(fields),
      ],
    })
  })
}

/** Name and type of each field; integers beyond a double are numbers like any other in JSON. */
function typesText(fields: Fields): string {
  const types = Object.entries(fields).map(([name, value]) => {
    return { name, type: typeof value === 'bigint' ? 'number' : typeof value }
  })
  return JSON.stringify(types)
}
