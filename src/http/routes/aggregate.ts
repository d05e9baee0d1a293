// GET /api/v1/aggregate: figures of numeric fields over buckets of time, a row a bucket or a row a series.

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { Type, type Static } from '@sinclair/typebox'
import { AppError } from '../../domain/errors.ts'
import type { AggregateAnswer, AnsweredSeries, SeriesTaker } from '../../query/aggregate.ts'
import { type AggregateRow, createAggregateText, groupColumns, rowsOf } from '../aggregateText.ts'
import { formatOf, PageWriter } from '../answer.ts'
import type { RouteContext } from '../context.ts'
import { signalOf } from '../gone.ts'
import { filtersOf, formatParameter, timeUnitParameter, topicParameters } from '../parameters.ts'
import { aggregateSchema } from '../schemas.ts'

const search = Type.Object({
  ...topicParameters,
  field: Type.Optional(
    Type.Array(Type.String({ maxLength: 1000 }), {
      maxItems: 100,
      description: 'Exact path of a field; may be repeated. By default every field that has numbers.',
      examples: ['temperature'],
    }),
  ),
  from: Type.Optional(
    Type.String({
      description: 'First time, included; by default an hour before the end.',
      examples: ['-1d'],
    }),
  ),
  to: Type.Optional(Type.String({ description: 'Last time, left out; by default now.' })),
  every: Type.String({
    default: '5m',
    examples: ['1d'],
    description:
      'Length of a bucket: 90s, 5m, 1h; by the calendar of tz: 1d, 1w (from Monday), 1mo, 1y; all: one bucket.',
  }),
  fn: Type.Array(Type.String({ maxLength: 200 }), {
    default: ['mean'],
    examples: ['mean,p95,count'],
    maxItems: 32,
    description:
      'mean, min, max, sum, count, first, last, stddev (of the population), p50, p95, p99.9 (any pNN); commas or repeated.',
  }),
  fill: Type.Union(
    [Type.Literal('none'), Type.Literal('null'), Type.Literal('previous'), Type.Literal('linear')],
    { default: 'none', description: 'What stands in buckets without readings; a count is 0 there.' },
  ),
  group: Type.Array(Type.String({ minLength: 1, maxLength: 200 }), {
    default: ['topic'],
    examples: ['device'],
    maxItems: 8,
    description:
      'One series a topic (`topic`), one over all topics (`none`), or one for each value of a tag; several tags with commas or repeated.',
  }),
  tz: Type.String({
    default: 'UTC',
    maxLength: 100,
    examples: ['Europe/Berlin'],
    description:
      'IANA time zone, such as Europe/Berlin: of calendar buckets, and of dates and local times in from and to.',
  }),
  shape: Type.Union([Type.Literal('rows'), Type.Literal('columns')], { default: 'rows' }),
  ...formatParameter,
  ...timeUnitParameter,
})

export function addAggregate(app: FastifyInstance, { login, query }: RouteContext): void {
  const schema = {
    querystring: search,
    tags: ['read'],
    summary: 'Figures of fields over buckets of time',
    response: { 200: aggregateSchema },
  }
  app.get('/api/v1/aggregate', { schema }, async (request, reply) => {
    const asked = request.query as Static<typeof search>
    const principal = login.principalOf(request)
    if (asked.shape === 'columns' && formatOf(request) === 'csv') {
      throw new AppError('bad_request', 'shape: CSV has a row a bucket; leave shape=columns out', {
        problems: [{ path: 'shape', message: 'CSV has rows only' }],
      })
    }
    const { from, to, every, fill, group, tz } = asked
    const page = await query.aggregate(
      {
        filters: filtersOf(asked, principal),
        mayRead: (topic) => principal.mayRead(topic),
        fields: asked.field ?? [],
        fn: asked.fn.flatMap((names) => names.split(',')),
        from,
        to,
        every,
        fill,
        group: groupOf(group),
        tz,
      },
      (answer) => new SeriesPage(request, asked, answer),
      signalOf(reply),
    )
    return page.send(request, reply)
  })
}

/** The text of an answer, a row a series or a row a bucket. */
class SeriesPage implements SeriesTaker {
  readonly #rows: PageWriter<AggregateRow>
  readonly #series: PageWriter<AnsweredSeries> | null

  constructor(request: FastifyRequest, { shape, time }: Static<typeof search>, answer: AggregateAnswer) {
    const text = createAggregateText(answer, time)
    const columns = [...groupColumns(answer), 'field', 'time', ...answer.names]
    const page = { limit: answer.limit, next: null, columns }
    this.#rows = new PageWriter(request, {
      ...page,
      json: (row) => text.rowJson(row),
      cells: (row) => text.rowCells(row),
    })
    this.#series =
      shape === 'columns'
        ? new PageWriter(request, { ...page, json: (one) => text.seriesJson(one), cells: () => [] })
        : null
  }

  take(series: AnsweredSeries): void {
    if (this.#series) this.#series.add(series)
    else for (const row of rowsOf(series)) this.#rows.add(row)
  }

  send(request: FastifyRequest, reply: FastifyReply): FastifyReply {
    return (this.#series ?? this.#rows).send(request, reply)
  }
}

/** Throws `bad_request` where `topic` or `none` stands beside others: a group of both is none. */
function groupOf(given: readonly string[]): 'topic' | 'none' | string[] {
  const names = [...new Set(given.flatMap((text) => text.split(',')))]
  const [only] = names
  if (names.length === 1 && (only === 'topic' || only === 'none')) return only
  const stray = names.find((name) => name === 'topic' || name === 'none' || name === '')
  if (stray === undefined) return names
  const message = stray === '' ? 'the name of a tag is empty' : `"${stray}" goes with nothing else`
  throw new AppError('bad_request', `group: ${message}`, { problems: [{ path: 'group', message }] })
}
