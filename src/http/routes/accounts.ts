// Routes about who gets in, for those who manage the server: users of the password file, bearer tokens, and which line of the
// ACL file decides about a topic.

import type { FastifyInstance, FastifyRequest } from 'fastify'
import { type Static, Type } from '@sinclair/typebox'
import type { Verdict } from '../../auth/explain.ts'
import { AppError, inParameter } from '../../domain/errors.ts'
import { parseDuration } from '../../domain/time.ts'
import { checkTopic, matches, printable } from '../../domain/topic.ts'
import type { RouteContext } from '../context.ts'
import { bodyIsBytes, parseJsonBody } from '../jsonBody.ts'
import { checkKeeper } from './clients.ts'

const password = Type.String({ minLength: 1, maxLength: 65_535 })
const filters = Type.Array(Type.String(), { maxItems: 1000, description: 'MQTT topic filters.' })

const userSchema = Type.Object({
  name: Type.String(),
  admin: Type.Boolean({ description: 'Stands in auth.admins.' }),
  hash: Type.String({ description: '`argon2id`, `sha512-pbkdf2`, `sha512`; `plain` is weak.' }),
  demo_password: Type.Boolean({ description: 'Still has the published password of the shipped account.' }),
})
const newUserSchema = Type.Object(
  { name: Type.String({ minLength: 1, maxLength: 65_535 }), password },
  { additionalProperties: false },
)
const passwordSchema = Type.Object({ password }, { additionalProperties: false })

const tokenSchema = Type.Object({
  name: Type.String(),
  read: Type.Array(Type.String()),
  write: Type.Array(Type.String()),
  admin: Type.Boolean(),
  created: Type.String(),
  expires: Type.Union([Type.String(), Type.Null()]),
})
const newTokenSchema = Type.Object(
  {
    name: Type.String({ minLength: 1, maxLength: 200 }),
    read: Type.Optional(filters),
    write: Type.Optional(filters),
    admin: Type.Optional(Type.Boolean({ default: false })),
    expires: Type.Optional(
      Type.String({ maxLength: 20, description: '`12h`, `90d`, `1y` or `never`.', default: '90d' }),
    ),
  },
  {
    additionalProperties: false,
    examples: [{ name: 'grafana', read: ['site/#'], expires: '90d' }],
  },
)

const verdictSchema = Type.Object({
  allowed: Type.Boolean(),
  reason: Type.String(),
  file: Type.Union([Type.String(), Type.Null()], { description: 'Where the line stands that decided.' }),
  line: Type.Union([Type.Integer(), Type.Null()]),
  text: Type.Union([Type.String(), Type.Null()], { description: 'That line.' }),
})
const accessSchema = Type.Object({
  topic: Type.String(),
  known: Type.Boolean({ description: 'There is such an account or token, or anonymous clients are let in.' }),
  read: verdictSchema,
  write: verdictSchema,
})
const accessSearch = Type.Object({
  topic: Type.String({
    maxLength: 65_535,
    description: 'The topic.',
    examples: ['home/kitchen/temperature'],
  }),
  user: Type.Optional(
    Type.String({ maxLength: 65_535, description: 'The user; without one, an anonymous client.' }),
  ),
  token: Type.Optional(Type.String({ maxLength: 200, description: 'Or the name of a token.' })),
  client_id: Type.Optional(
    Type.String({ maxLength: 65_535, description: 'For patterns with %c; without one, as over HTTP.' }),
  ),
})

const nameParameter = { params: Type.Object({ name: Type.String() }) }
const noContent = { response: { 204: Type.Null() } }
const nameOf = (request: FastifyRequest): string => (request.params as { name: string }).name

export function addUsers(app: FastifyInstance, { login, access, admins }: RouteContext): void {
  const usersFor = (request: FastifyRequest): NonNullable<typeof access.users> => {
    checkKeeper(login.principalOf(request))
    if (access.users === null)
      throw new AppError('conflict', 'there is no password file (auth.password_file)')
    return access.users
  }
  const about = (summary: string) => ({ tags: ['access'], summary })
  const list = {
    ...about('Users of the password file'),
    response: { 200: Type.Object({ data: Type.Array(userSchema) }) },
  }
  app.get('/api/v1/users', { schema: list }, async (request, reply) => {
    const entries = await usersFor(request).list()
    void reply.header('cache-control', 'no-store')
    return {
      data: entries.map(({ name, hash }) => ({
        name,
        admin: admins.includes(name),
        hash,
        demo_password: access.demoAccounts().includes(name),
      })),
    }
  })
  const add = {
    ...about('Add a user'),
    body: newUserSchema,
    response: { 201: Type.Object({ name: Type.String() }) },
  }
  app.post('/api/v1/users', { schema: add, ...bodyIsBytes }, async (request, reply) => {
    const users = usersFor(request)
    const { name, password: secret } = parseJsonBody(newUserSchema, request)
    await users.add(name, secret)
    return reply.code(201).send({ name })
  })
  const change = {
    ...about('Change the password of a user'),
    description: 'Clients and browsers that came in with the old one are disconnected.',
    ...nameParameter,
    body: passwordSchema,
    ...noContent,
  }
  app.put('/api/v1/users/:name/password', { schema: change, ...bodyIsBytes }, async (request, reply) => {
    const users = usersFor(request)
    await users.change(nameOf(request), parseJsonBody(passwordSchema, request).password)
    return reply.code(204).send()
  })
  const remove = { ...about('Remove a user'), ...nameParameter, ...noContent }
  app.delete('/api/v1/users/:name', { schema: remove }, async (request, reply) => {
    const users = usersFor(request)
    const { kind, name } = login.principalOf(request)
    if (kind === 'user' && name === nameOf(request))
      throw new AppError('conflict', 'you cannot remove yourself; let another administrator do it')
    await users.remove(nameOf(request))
    return reply.code(204).send()
  })
}

export function addTokens(app: FastifyInstance, { login, access }: RouteContext): void {
  const tokensFor = (request: FastifyRequest): NonNullable<typeof access.tokens> => {
    checkKeeper(login.principalOf(request))
    if (access.tokens === null) throw new AppError('conflict', 'there is no token file (auth.token_file)')
    return access.tokens
  }
  const list = {
    tags: ['access'],
    summary: 'Bearer tokens',
    description: 'The tokens themselves are nowhere kept.',
    response: { 200: Type.Object({ data: Type.Array(tokenSchema) }) },
  }
  app.get('/api/v1/tokens', { schema: list }, async (request, reply) => {
    const entries = await tokensFor(request).list()
    void reply.header('cache-control', 'no-store')
    return { data: entries.map(({ sha256: _hash, ...entry }) => entry) }
  })
  const create = {
    tags: ['access'],
    summary: 'Make a bearer token',
    description: 'The answer is the only place where the token is ever shown.',
    body: newTokenSchema,
    response: { 201: Type.Composite([tokenSchema, Type.Object({ token: Type.String() })]) },
  }
  app.post('/api/v1/tokens', { schema: create, ...bodyIsBytes }, async (request, reply) => {
    const tokens = tokensFor(request)
    const {
      name,
      read = [],
      write = [],
      admin = false,
      expires = '90d',
    } = parseJsonBody(newTokenSchema, request)
    const made = await tokens.create({ name, read, write, admin, lifeMs: lifeOf(expires) })
    const { sha256: _hash, ...entry } = made.entry
    return reply
      .code(201)
      .header('cache-control', 'no-store')
      .send({ ...entry, token: made.token })
  })
  const revoke = {
    tags: ['access'],
    summary: 'Take a bearer token away',
    description: 'Open streams of it end.',
    ...nameParameter,
    ...noContent,
  }
  app.delete('/api/v1/tokens/:name', { schema: revoke }, async (request, reply) => {
    await tokensFor(request).revoke([nameOf(request)])
    return reply.code(204).send()
  })
}

export function addAccessTest(app: FastifyInstance, { login, access }: RouteContext): void {
  const schema = {
    querystring: accessSearch,
    tags: ['access'],
    summary: 'May this user read and write this topic, and which line says so',
    response: { 200: accessSchema },
  }
  app.get('/api/v1/access', { schema }, async (request, reply): Promise<Static<typeof accessSchema>> => {
    checkKeeper(login.principalOf(request))
    const { topic, user, token, client_id: clientId = '' } = request.query as Static<typeof accessSearch>
    inParameter('topic', () => checkTopic(topic))
    if (user !== undefined && token !== undefined)
      throw new AppError('bad_request', 'ask for a user or for a token, not for both')
    void reply.header('cache-control', 'no-store')
    const found = token === undefined ? ofUser(user ?? null) : await ofToken(token)
    return { topic, ...found, ...(topic.startsWith('$') ? { write: serversOwn } : {}) }

    function ofUser(name: string | null) {
      const explained = access.explain(name, topic, clientId)
      const shown = ({ isAllowed: allowed, line, reason }: Verdict) => ({
        allowed,
        reason,
        line,
        ...(line === null ? { file: null, text: null } : explained.lineText(line)),
      })
      return { known: explained.isKnown, read: shown(explained.read), write: shown(explained.write) }
    }
    async function ofToken(name: string) {
      const entry = (await access.tokens?.list())?.find((one) => one.name === name)
      if (!entry) throw new AppError('not_found', `there is no token ${printable(name)}`)
      const isOver = entry.expires !== null && Date.parse(entry.expires) <= Date.now()
      const shown = (granted: readonly string[], what: string) => {
        const filter = granted.find((one) => matches(one, topic))
        const reason = isOver
          ? `the token ended at ${entry.expires}`
          : filter === undefined
            ? `no filter of the token lets it ${what} the topic`
            : `its filter ${filter} lets it ${what} the topic`
        return { allowed: !isOver && filter !== undefined, reason, file: null, line: null, text: null }
      }
      return { known: true, read: shown(entry.read, 'read'), write: shown(entry.write, 'write') }
    }
  })
}

const serversOwn = {
  allowed: false,
  reason: 'topics that start with $ are the server’s own [MQTT-4.7.2]',
  file: null,
  line: null,
  text: null,
}

/** Milliseconds; `null` for never. */
function lifeOf(text: string): number | null {
  if (text === 'never') return null
  const lifeMs = /^\d+$/.test(text) ? 0 : parseDuration(text)
  if (lifeMs <= 0) throw new AppError('bad_request', 'expires: write 12h, 90d, 1y or never')
  return lifeMs
}
