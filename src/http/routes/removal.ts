// DELETE /api/v1/readings: takes readings away for good, after a count that the caller has to repeat. GET /api/v1/retention: what
// goes away by itself, and how much there is of it. Both for those who manage the server.

import type { FastifyInstance } from 'fastify'
import { Type, type Static } from '@sinclair/typebox'
import { AppError } from '../../domain/errors.ts'
import { formatTime, timeMax, timeOf } from '../../domain/time.ts'
import { matches } from '../../domain/topic.ts'
import type { RouteContext } from '../context.ts'
import { signalOf } from '../gone.ts'
import { filtersOf, topicParameters } from '../parameters.ts'
import { checkKeeper } from './clients.ts'

const search = Type.Object({
  ...topicParameters,
  from: Type.Optional(Type.String({ description: 'First time, included; by default all times.' })),
  to: Type.Optional(Type.String({ description: 'Last time, left out; by default now.' })),
  dry_run: Type.Optional(
    Type.Union([Type.Literal('0'), Type.Literal('1')], { description: '1 counts, and removes nothing.' }),
  ),
  confirm: Type.Optional(
    Type.Integer({ minimum: 0, description: 'The number of readings a dry run of the same range has told.' }),
  ),
})

const removedSchema = Type.Object({
  readings: Type.Integer(),
  bytes: Type.Integer({ description: 'Payload bytes as received.' }),
  from: Type.Union([Type.String(), Type.Null()], { description: 'RFC 3339; null: all times.' }),
  to: Type.String({
    description: 'RFC 3339. Send these times with confirm=, so that the count is of the same range.',
  }),
  removed: Type.Boolean({ description: 'false for a dry run.' }),
})

export function addRemoval(app: FastifyInstance, { login, readings }: RouteContext): void {
  const schema = {
    querystring: search,
    tags: ['write'],
    summary: 'Take readings away for good',
    description:
      'First with dry_run=1, which counts; then with confirm= and that count. Topics must be named, topic=# for all of them. ' +
      'Only those that the caller may both read and publish to are taken.',
    response: { 200: removedSchema },
  }
  app.delete(
    '/api/v1/readings',
    { schema },
    async (request, reply): Promise<Static<typeof removedSchema>> => {
      const asked = request.query as Static<typeof search>
      const principal = login.principalOf(request)
      checkKeeper(principal)
      const filters = filtersOf(asked, principal)
      if (filters.length === 0)
        throw missing('topic', 'say which topics: topic= or prefix=; topic=%23 means all of them')
      const isDryRun = asked.dry_run === '1'
      if (!isDryRun && asked.confirm === undefined)
        throw missing('confirm', 'ask with dry_run=1 first, then send the count as confirm=')
      const now = Date.now()
      const from = asked.from === undefined ? -timeMax : Math.ceil(timeOf('from', asked.from, now))
      const to = asked.to === undefined ? now + 1 : Math.min(timeMax, Math.ceil(timeOf('to', asked.to, now)))
      const range = {
        filters,
        mayRemove: (topic: string) => principal.mayRead(topic) && principal.mayWrite(topic),
        from,
        to,
        signal: signalOf(reply),
      }
      const counted = await readings.remove({ ...range, isDryRun: true })
      if (!isDryRun && counted.readings !== asked.confirm) {
        throw new AppError(
          'conflict',
          `there are ${counted.readings} readings in this range now, not ${asked.confirm}; nothing was removed. Ask with dry_run=1 again`,
        )
      }
      const removed = isDryRun ? counted : await readings.remove({ ...range, isDryRun: false })
      void reply.header('cache-control', 'no-store')
      const times = { from: asked.from === undefined ? null : formatTime(from), to: formatTime(to) }
      return { ...removed, ...times, removed: !isDryRun }
    },
  )
}

const retentionSchema = Type.Object({
  data: Type.Array(
    Type.Object({
      filter: Type.String(),
      max_age_s: Type.Integer({ description: '0: none.' }),
      max_bytes: Type.Integer({ description: 'On disk. 0: any.' }),
      rule: Type.Union([Type.String(), Type.Null()], {
        description: 'The cleaning rule that says so; null: store.retention.',
      }),
      topics: Type.Integer({ description: 'Topics this entry holds for.' }),
      readings: Type.Integer(),
      bytes: Type.Integer({ description: 'Payload bytes as received.' }),
    }),
    {
      description:
        '`retention` of cleaning rules, then store.retention, each in its order; the first that matches a topic holds for it.',
    },
  ),
  without: Type.Object(
    { topics: Type.Integer(), readings: Type.Integer(), bytes: Type.Integer() },
    { description: 'What no entry holds for: kept for ever.' },
  ),
  max_bytes: Type.Integer({ description: 'store.max_bytes; 0: no limit.' }),
  disk_bytes: Type.Integer(),
  days_until_full: Type.Union([Type.Number(), Type.Null()], {
    description: 'At the pace of the last day; null while that is not known.',
  }),
})

export function addRetention(
  app: FastifyInstance,
  { login, readings, store, retention }: RouteContext,
): void {
  const schema = {
    tags: ['server'],
    summary: 'How long readings are kept, and how much there is of each',
    response: { 200: retentionSchema },
  }
  app.get(
    '/api/v1/retention',
    { schema },
    async (request, reply): Promise<Static<typeof retentionSchema>> => {
      checkKeeper(login.principalOf(request))
      const all = { filters: [], limit: Number.MAX_SAFE_INTEGER, signal: signalOf(reply) }
      const rules = retention.rules()
      const sums = [...rules, null].map(() => ({ topics: 0, readings: 0, bytes: 0 }))
      for (const { topic, readings: count, bytes } of await readings.topics(all)) {
        const found = rules.findIndex(({ filter }) => matches(filter, topic))
        const sum = sums[found === -1 ? rules.length : found]
        if (sum === undefined) continue
        sum.topics++
        sum.readings += count
        sum.bytes += bytes
      }
      const { diskBytes, daysUntilFull } = store.status
      const nothing = { topics: 0, readings: 0, bytes: 0 }
      void reply.header('cache-control', 'no-store')
      return {
        data: rules.map((rule, index) => ({ ...rule, ...(sums[index] ?? nothing) })),
        without: sums.at(-1) ?? nothing,
        max_bytes: retention.bytesMax,
        disk_bytes: diskBytes,
        days_until_full: daysUntilFull,
      }
    },
  )
}

function missing(path: string, message: string): AppError {
  return new AppError('bad_request', message, { problems: [{ path, message }] })
}
