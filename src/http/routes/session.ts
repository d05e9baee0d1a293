// POST and DELETE /api/v1/session: a browser logs in and out. GET /api/v1/me: who is asking, and what they may, so that a page
// does not offer what would be refused.

import type { FastifyInstance } from 'fastify'
import { type Static, Type } from '@sinclair/typebox'
import { inParameter } from '../../domain/errors.ts'
import { formatTime } from '../../domain/time.ts'
import { checkTopic } from '../../domain/topic.ts'
import { version } from '../../ops/version.ts'
import type { RouteContext } from '../context.ts'
import { bodyIsBytes, parseJsonBody } from '../jsonBody.ts'
import { meSchema } from '../schemas.ts'

const credentialsSchema = Type.Union(
  [
    Type.Object(
      { username: Type.String({ maxLength: 65_535 }), password: Type.String({ maxLength: 65_535 }) },
      { additionalProperties: false },
    ),
    Type.Object({ token: Type.String({ maxLength: 1000 }) }, { additionalProperties: false }),
  ],
  { description: 'An account of the password file, or a bearer token.' },
)

const topicsMax = 100
const search = Type.Object({
  topic: Type.Optional(
    Type.Array(Type.String(), {
      maxItems: topicsMax,
      description: 'A topic to say of whether the caller may read and publish. May be repeated.',
      examples: ['home/kitchen/temperature'],
    }),
  ),
})

export function addSession(app: FastifyInstance, { login }: RouteContext): void {
  const begin = {
    tags: ['access'],
    summary: 'Log a browser in',
    description: 'Sets a cookie that scripts cannot read (HttpOnly, SameSite=Strict; Secure behind TLS).',
    body: credentialsSchema,
    security: [],
    response: { 204: Type.Null() },
  }
  const open = { isOpen: true }
  app.post('/api/v1/session', { schema: begin, ...bodyIsBytes, config: open }, async (request, reply) => {
    await login.beginSession(request, reply, parseJsonBody(credentialsSchema, request))
    return reply.header('cache-control', 'no-store').code(204).send()
  })
  const end = {
    tags: ['access'],
    summary: 'Log a browser out',
    description: 'Streams opened with the cookie end.',
    response: { 204: Type.Null() },
  }
  app.delete('/api/v1/session', { schema: end, config: open }, async (request, reply) => {
    await login.endSession(request, reply)
    return reply.header('cache-control', 'no-store').code(204).send()
  })
}

export function addMe(app: FastifyInstance, context: RouteContext): void {
  const { login, rules, listeners, access } = context
  const schema = {
    querystring: search,
    tags: ['access'],
    summary: 'Who is asking, and what they may',
    response: { 200: meSchema },
  }
  app.get('/api/v1/me', { schema }, async (request, reply): Promise<Static<typeof meSchema>> => {
    const { topic: topics = [] } = request.query as Static<typeof search>
    const principal = login.principalOf(request)
    const { kind, name, admin } = principal
    const end = login.sessionEndOf(request)
    for (const topic of topics) inParameter('topic', () => checkTopic(topic))
    void reply.header('cache-control', 'no-store')
    return {
      kind,
      name,
      admin,
      session_ends: end === null ? null : formatTime(end),
      demo_password: kind === 'user' && name !== null && access.demoAccounts().includes(name),
      manages: {
        users: admin && access.users !== null,
        tokens: admin && access.tokens !== null,
        rules: admin && rules.hasFile,
      },
      topics: topics.map((topic) => ({
        topic,
        read: principal.mayRead(topic),
        publish: !topic.startsWith('$') && principal.mayWrite(topic),
      })),
      server: { version, listeners: listeners.map(({ protocol, tls, port }) => ({ protocol, tls, port })) },
    }
  })
}
