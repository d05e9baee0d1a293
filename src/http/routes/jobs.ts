// POST /api/v1/rules/reprocess and /api/v1/rejects/replay: make the fields of stored readings again under the rules in force, as a
// job in the background; /api/v1/jobs shows how far each is, and pauses, resumes and cancels it. For administrators.

import type { FastifyInstance, FastifyRequest } from 'fastify'
import { type Static, Type } from '@sinclair/typebox'
import { AppError } from '../../domain/errors.ts'
import { formatTime, timeMax, timeOf } from '../../domain/time.ts'
import type { Job, JobAction, JobKind } from '../../ingest/rules/jobs.ts'
import type { RouteContext } from '../context.ts'
import { filtersOf, topicParameters } from '../parameters.ts'

const search = Type.Object({
  ...topicParameters,
  from: Type.Optional(Type.String({ description: 'First time; by default all times.' })),
  to: Type.Optional(Type.String({ description: 'Last time, left out.' })),
})

const time = Type.Union([Type.String(), Type.Null()])
const jobSchema = Type.Object({
  id: Type.String(),
  kind: Type.String({ description: 'reprocess, or replay: only what was refused.' }),
  state: Type.String({ description: 'waiting, running, paused, done, failed or cancelled.' }),
  topics: Type.Array(Type.String(), { description: 'Filters; empty: every topic.' }),
  from: { ...time, description: 'null: all times.' },
  to: { ...time, description: 'null: all times.' },
  rules: Type.String({ description: 'Version of the rules.' }),
  total: Type.Integer({ description: 'Readings in the range when the job began.' }),
  readings: Type.Integer({ description: 'Looked at.' }),
  remade: Type.Integer({ description: 'Given other fields, units, tags or marks.' }),
  left: Type.Integer({ description: 'Left as they are: they cannot be made again on their own.' }),
  progress: Type.Number({ description: 'From 0 to 1.' }),
  created_at: Type.String(),
  ended_at: time,
  error: Type.Union([Type.String(), Type.Null()]),
})
const oneJob = Type.Object({ id: Type.String() })
const actions: readonly (readonly [JobAction, string])[] = [
  ['pause', 'Let a job stand still'],
  ['resume', 'Let a job go on that was paused or has failed'],
  ['cancel', 'End a job; what it has made stays'],
]

export function addJobs(app: FastifyInstance, { jobs, login }: RouteContext): void {
  const admin = (request: FastifyRequest): void => {
    if (!login.principalOf(request).admin) {
      throw new AppError('forbidden', 'only administrators may see and start jobs (auth.admins)')
    }
  }
  const starts = (path: string, kind: JobKind, summary: string, description: string): void => {
    const schema = {
      tags: ['rules'],
      querystring: search,
      summary,
      description,
      response: { 202: jobSchema },
    }
    app.post(path, { schema }, async (request, reply) => {
      admin(request)
      const { from, to, ...topics } = request.query as Static<typeof search>
      const now = Date.now()
      const job = await jobs.start({
        kind,
        filters: filtersOf(topics, login.principalOf(request)),
        from: from === undefined ? -timeMax : Math.floor(timeOf('from', from, now)),
        to: to === undefined ? timeMax : Math.ceil(timeOf('to', to, now)),
      })
      return reply.code(202).header('location', `/api/v1/jobs/${job.id}`).send(shown(job))
    })
  }
  const answer = 'Answers at once with the job, which goes on in the background and after a restart.'
  starts('/api/v1/rules/reprocess', 'reprocess', 'Make the fields of stored readings again', answer)
  starts('/api/v1/rejects/replay', 'replay', 'Make the fields of refused readings again', answer)
  const list = {
    tags: ['rules'],
    summary: 'Jobs, newest first',
    response: { 200: Type.Object({ data: Type.Array(jobSchema) }) },
  }
  app.get('/api/v1/jobs', { schema: list }, async (request, reply) => {
    admin(request)
    void reply.header('cache-control', 'no-store')
    return { data: jobs.list().map(shown) }
  })
  const one = { tags: ['rules'], params: oneJob, response: { 200: jobSchema } }
  app.get('/api/v1/jobs/:id', { schema: { ...one, summary: 'How far a job is' } }, async (request, reply) => {
    admin(request)
    void reply.header('cache-control', 'no-store')
    return shown(jobs.get((request.params as Static<typeof oneJob>).id))
  })
  for (const [action, summary] of actions) {
    const schema = { ...one, summary }
    app.post(`/api/v1/jobs/:id/${action}`, { schema }, async (request) => {
      admin(request)
      return shown(await jobs.act((request.params as Static<typeof oneJob>).id, action))
    })
  }
}

function shown(job: Job): Static<typeof jobSchema> {
  const { id, kind, state, rules, total, readings, remade, left, error } = job
  return {
    id,
    kind,
    state,
    topics: [...job.filters],
    from: job.from === -timeMax ? null : formatTime(job.from),
    to: job.to === timeMax ? null : formatTime(job.to),
    rules,
    total,
    readings,
    remade,
    left,
    progress: state === 'done' ? 1 : total === 0 ? 0 : Math.min(1, readings / total),
    created_at: formatTime(job.createdAt),
    ended_at: job.endedAt === null ? null : formatTime(job.endedAt),
    error,
  }
}
