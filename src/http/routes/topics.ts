// GET /api/v1/topics: which topics there are, how much of each, since when.

import type { FastifyInstance } from 'fastify'
import { Type, type Static } from 'typebox'
import { sendPage } from '../answer.ts'
import type { RouteContext } from '../context.ts'
import {
  filtersOf,
  formatParameter,
  pageParameters,
  timeUnitParameter,
  topicParameters,
} from '../parameters.ts'
import { encodeTime } from '../readingText.ts'

const searchOf = (most: number) =>
  Type.Object({
    ...topicParameters,
    ...formatParameter,
    ...pageParameters(1000, most),
    ...timeUnitParameter,
    q: Type.Optional(Type.String({ description: 'Part of the topic; upper and lower case are the same.' })),
  })

export function addTopics(app: FastifyInstance, { login, query, limits }: RouteContext): void {
  const schema = { querystring: searchOf(limits.page_rows), tags: ['read'], summary: 'Topics' }
  app.get('/api/v1/topics', { schema }, async (request, reply) => {
    const search = request.query as Static<ReturnType<typeof searchOf>>
    const principal = login.principalOf(request)
    const { rows, next } = await query.topics({
      filters: filtersOf(search, principal),
      mayRead: (topic) => principal.mayRead(topic),
      contains: search.q,
      limit: search.limit,
      cursor: search.cursor,
    })
    const time = (ms: number): string => encodeTime(ms, search.time)
    return sendPage(request, reply, {
      rows,
      limit: search.limit,
      next,
      json: ({ topic, readings, bytes, firstTime, lastTime }) =>
        `{"topic":${JSON.stringify(topic)},"readings":${readings},"bytes":${bytes},` +
        `"first_time":${time(firstTime)},"last_time":${time(lastTime)}}`,
      columns: ['topic', 'readings', 'bytes', 'first_time', 'last_time'],
      cells: ({ topic, readings, bytes, firstTime, lastTime }) => [
        topic,
        String(readings),
        String(bytes),
        ...[firstTime, lastTime].map((ms) => time(ms).replaceAll('"', '')),
      ],
    })
  })
}
