// GET and PUT /api/v1/rules, POST /api/v1/rules/preview, GET /api/v1/rejects: the cleaning rules in force, a draft tried on stored
// messages, and what was refused. Rules say what everybody reads, so only administrators see and change them.

import { createHash } from 'node:crypto'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { type Static, Type } from '@sinclair/typebox'
import { AppError } from '../../domain/errors.ts'
import { timeMax, timeOf } from '../../domain/time.ts'
import { listRejects, type Previewed, previewRules } from '../../ingest/rules/preview.ts'
import { takeBytes } from '../bodyTypes.ts'
import type { RouteContext } from '../context.ts'
import { signalOf } from '../gone.ts'
import { filtersOf, topicParameters } from '../parameters.ts'
import { encodeReading } from '../readingText.ts'

const previewMax = 1000
const style = { time: undefined, raw: false, fields: undefined }

const search = Type.Object({
  ...topicParameters,
  limit: Type.Integer({ minimum: 1, maximum: previewMax, default: 100, description: 'Most messages.' }),
})
const rejectsSearch = Type.Object({
  ...search.properties,
  from: Type.String({ default: '-1d', description: 'First time.' }),
  to: Type.Optional(Type.String({ description: 'Last time, left out.' })),
})
const rulesAnswer = Type.Object({
  version: Type.String({ description: 'Stands in every reading these rules made.' }),
  rules: Type.Array(Type.Object({ name: Type.String(), topic: Type.Array(Type.String()) })),
  text: Type.String({ description: 'The file as it was written.' }),
})

const draft = { schema: { type: 'string', description: 'The rules file.' }, example: 'rules: []\n' }
const doc = { body: { 'application/yaml': draft, 'text/plain': draft, 'application/json': { schema: {} } } }

export function addRules(app: FastifyInstance, context: RouteContext): void {
  const { rules, login } = context
  const admin = (request: FastifyRequest): void => {
    if (!login.principalOf(request).admin) {
      throw new AppError('forbidden', 'only administrators may see and change the rules (auth.admins)')
    }
  }
  for (const type of ['application/yaml', 'text/yaml', 'text/plain']) {
    app.addContentTypeParser(type, { parseAs: 'buffer' }, takeBytes)
  }
  const shown = { tags: ['rules'], response: { 200: rulesAnswer } }
  const inForce = () => {
    const { version, text, rules: all } = rules.current
    return { version, rules: all.map(({ name, filters }) => ({ name, topic: [...filters] })), text }
  }
  app.get(
    '/api/v1/rules',
    { schema: { ...shown, summary: 'The cleaning rules in force' } },
    async (request, reply) => {
      admin(request)
      void reply.headers({ 'cache-control': 'no-store', etag: etagOf(rules.current.text) })
      return inForce()
    },
  )
  const put = {
    ...shown,
    headers: Type.Object({
      'if-match': Type.Optional(Type.String({ description: 'The `ETag` of the rules as they were read.' })),
    }),
    summary: 'Replace the cleaning rules',
    description:
      'The body is the file: YAML, or JSON. With `If-Match` and the `ETag` of GET, only when nobody has changed them since.',
  }
  const bodyIsText = { validatorCompiler: () => () => true }
  app.put('/api/v1/rules', { schema: put, ...bodyIsText, config: { doc } }, async (request, reply) => {
    admin(request)
    const text = bodyText(request)
    if (text.trim() === '') {
      throw new AppError('bad_rules', 'the body is empty; `rules: []` takes all rules away')
    }
    const wanted = request.headers['if-match']
    const isChanged = wanted !== undefined && wanted !== '*' && wanted !== etagOf(rules.current.text)
    if (isChanged) {
      throw new AppError('precondition_failed', 'the rules have changed since; read them again (If-Match)')
    }
    await rules.replace(text)
    void reply.header('etag', etagOf(rules.current.text))
    return inForce()
  })
  addLooking(app, context, admin)
}

function addLooking(
  app: FastifyInstance,
  { rules, login, readings }: RouteContext,
  admin: (request: FastifyRequest) => void,
): void {
  const schema = {
    tags: ['rules'],
    querystring: search,
    summary: 'What a draft of rules would make of the newest stored messages',
    description: 'The body is the draft; with none the rules in force are tried. Nothing is changed.',
  }
  app.post('/api/v1/rules/preview', { schema, config: { doc } }, async (request, reply) => {
    admin(request)
    const { limit, ...topics } = request.query as Static<typeof search>
    const principal = login.principalOf(request)
    const text = bodyText(request)
    const set = text.trim() === '' ? rules.current : rules.compile(text)
    const query = {
      filters: filtersOf(topics, principal),
      mayRead: (name: string) => principal.mayRead(name),
      limit,
      signal: signalOf(reply),
    }
    const rows = await previewRules({ store: readings, clean: rules.trial(set) }, query)
    const changed = rows.filter(({ isChanged }) => isChanged).length
    const refused = rows.filter(({ after }) => after.some(({ reading }) => reading.cleaned?.refused)).length
    const head = `"version":"${set.version}","messages":${rows.length},"changed":${changed},"refused":${refused}`
    return sendJson(reply, `{${head},"data":[${rows.map(encodePreviewed).join(',')}]}`)
  })
  const rejects = {
    tags: ['rules'],
    querystring: rejectsSearch,
    summary: 'Readings that the rules refused, newest first',
  }
  app.get('/api/v1/rejects', { schema: rejects }, async (request, reply) => {
    const { limit, from, to, ...topics } = request.query as Static<typeof rejectsSearch>
    const principal = login.principalOf(request)
    const now = Date.now()
    const found = await listRejects(readings, {
      filters: filtersOf(topics, principal),
      mayRead: (name) => principal.mayRead(name),
      limit,
      from: Math.floor(timeOf('from', from, now)),
      to: to === undefined ? timeMax : Math.ceil(timeOf('to', to, now)),
      signal: signalOf(reply),
    })
    const rows = found.rejects.map((reading) => encodeReading(reading, reading.fields ?? {}, style, false))
    return sendJson(reply, `{"data":[${rows.join(',')}],"has_more":${!found.isComplete}}`)
  })
}

/** One message: as it is stored, and what would be. */
function encodePreviewed({ before, fieldsBefore, after, isChanged }: Previewed): string {
  const next = after.map(({ reading, fields }) =>
    encodeReading({ ...reading, seq: before.seq }, fields, style, false),
  )
  return `{"changed":${isChanged},"before":${encodeReading(before, fieldsBefore, style, false)},"after":[${next.join(',')}]}`
}

const etagOf = (text: string): string => `"${createHash('sha256').update(text).digest('hex').slice(0, 16)}"`

function bodyText({ body }: FastifyRequest): string {
  return body instanceof Buffer ? body.toString() : ''
}

function sendJson(reply: FastifyReply, text: string): FastifyReply {
  return reply
    .header('cache-control', 'no-store')
    .header('content-type', 'application/json; charset=utf-8')
    .send(text)
}
