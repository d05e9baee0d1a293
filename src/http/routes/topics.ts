// GET /api/v1/topics: which topics there are, how much of each, since when. GET /api/v1/tree: their names, a level at a time.

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
import { AppError, inParameter } from '../../domain/errors.ts'
import { checkFilter, hasWildcard, printable } from '../../domain/topic.ts'
import type { FoundTopic } from '../../query/query.ts'
import { encodeTime } from '../readingText.ts'
import { pageOf, topicSchema, treeSchema } from '../schemas.ts'

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
      contains: search.q?.replaceAll('+', ' '),
      limit: search.limit,
      cursor: search.cursor,
      signal: signalOf(reply),
    })
    const time = (ms: number): string => encodeTime(ms, search.time)
    return sendPage(request, reply, {
      rows,
      limit: search.limit,
      next,
      json: (found) =>
        `{"topic":${JSON.stringify(found.topic)},"readings":${found.readings},"bytes":${found.bytes},` +
        `"first_time":${time(found.firstTime)},"last_time":${time(found.lastTime)},` +
        `"fields":${fieldsText(found)},"tags":${JSON.stringify(found.tags)}}`,
      columns: ['topic', 'readings', 'bytes', 'first_time', 'last_time', 'fields', 'tags'],
      cells: (found) => [
        found.topic,
        String(found.readings),
        String(found.bytes),
        ...[found.firstTime, found.lastTime].map((ms) => time(ms).replaceAll('"', '')),
        fieldsText(found),
        JSON.stringify(found.tags),
      ],
    })
  })
}

const treeSearchOf = (most: number) =>
  Type.Object({
    below: Type.Optional(
      Type.String({
        description: 'The level below this topic; left out: the first level.',
        examples: ['home/kitchen'],
      }),
    ),
    ...formatParameter,
    ...pageParameters(200, most),
  })

export function addTree(app: FastifyInstance, { login, query, limits }: RouteContext): void {
  const schema = {
    querystring: treeSearchOf(limits.page_rows),
    tags: ['read'],
    summary: 'One level of the tree of topics',
    response: { 200: pageOf(treeSchema) },
  }
  app.get('/api/v1/tree', { schema }, async (request, reply) => {
    const { below, limit, cursor } = request.query as Static<ReturnType<typeof treeSearchOf>>
    if (below !== undefined) checkLevel(below)
    const principal = login.principalOf(request)
    const { rows, next } = await query.tree({
      below: below ?? null,
      mayRead: (topic) => principal.mayRead(topic),
      limit,
      cursor,
      signal: signalOf(reply),
    })
    const topicOf = (name: string): string => (below === undefined ? name : `${below}/${name}`)
    return sendPage(request, reply, {
      rows,
      limit,
      next,
      json: ({ name, isTopic, hasChildren }) =>
        JSON.stringify({ name, topic: topicOf(name), is_topic: isTopic, has_children: hasChildren }),
      columns: ['name', 'topic', 'is_topic', 'has_children'],
      cells: ({ name, isTopic, hasChildren }) => [name, topicOf(name), String(isTopic), String(hasChildren)],
    })
  })
}

/** A level may be empty, as above `/x`. */
function checkLevel(below: string): void {
  inParameter('below', () => {
    if (hasWildcard(below)) throw new AppError('bad_topic', `"${printable(below)}" holds a wildcard`)
    checkFilter(`${below}/#`)
  })
}

/** Name and type of each field and what is known of it; integers beyond a double are numbers like any other in JSON. */
function fieldsText({ fields, units, described }: FoundTopic): string {
  const known = Object.entries(fields).map(([name, value]) => {
    const type = typeof value === 'bigint' ? 'number' : typeof value
    // What cleaning has made of the value goes before what its device says.
    const unit = Object.hasOwn(units, name) ? { unit: units[name] } : {}
    return { name, type, ...described?.get(name), ...unit }
  })
  return JSON.stringify(known)
}
