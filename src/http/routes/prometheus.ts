// /prometheus/api/v1: what a stock Grafana asks of a Prometheus, in Prometheus' own envelope. GET and POST are the same;
// parameters it does not know are left alone, since each version of Grafana sends others.

import { Readable } from 'node:stream'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { Type } from '@sinclair/typebox'
import { AppError } from '../../domain/errors.ts'
import { parseTime } from '../../domain/time.ts'
import { parseNumber } from '../../query/promql/number.ts'
import type { Labels } from '../../query/promql/labels.ts'
import type { Query } from '../../query/query.ts'
import type { Asker, PromResult, Within } from '../../query/promql/service.ts'
import { Turns } from '../../query/turns.ts'
import type { RouteContext } from '../context.ts'
import { signalOf } from '../gone.ts'
import { promBase } from '../problem.ts'
import { type PromParameter, promDoc } from '../promDoc.ts'
import { encodeList, encodeResult } from '../promText.ts'
import { faultOf, parseForm } from '../search.ts'

const base = `${promBase}/api/v1`
const tags = ['prometheus']
const form = 'application/x-www-form-urlencoded'
const formBytesMax = 1_048_576

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Takes any parameter. */
    lenient?: boolean
  }
}

type Given = Record<string, string | string[] | undefined>

interface PromRoute {
  summary: string
  parameters: readonly PromParameter[]
  methods?: readonly string[]
  /** Gives data as JSON, a list of them, or what PromQL comes to. */
  handle: (
    given: Given,
    request: FastifyRequest,
    asker: Required<Asker>,
  ) => Promise<string | readonly unknown[] | PromResult>
}

/** Prometheus' envelope. */
const around = ['{"status":"success","data":', '}'] as const

const params = Type.Object({ name: Type.String({ description: 'Of the label.' }) })

export function addPrometheus(app: FastifyInstance, { login, query }: RouteContext): void {
  void app.register(async (scope) => {
    scope.addContentTypeParser(form, { parseAs: 'string', bodyLimit: formBytesMax }, (_request, body, done) =>
      done(null, parseForm(String(body))),
    )
    const add: Add = (path, route) => {
      const { summary, parameters, methods = ['GET', 'POST'], handle } = route
      const answer = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
        const principal = login.principalOf(request)
        const asker = { mayRead: (topic: string) => principal.mayRead(topic), signal: signalOf(reply) }
        const data = await handle(givenIn(request), request, asker)
        void reply.header('content-type', 'application/json').header('cache-control', 'no-store')
        if (typeof data === 'string') return reply.send(around.join(data))
        const turns = new Turns(asker.signal)
        const pieces = await ('type' in data
          ? encodeResult(data, turns, around)
          : encodeList(data, turns, around))
        if (pieces.length === 1) return reply.send(pieces[0])
        return reply.send(Readable.from(pieces))
      }
      for (const method of methods) {
        scope.route({
          method,
          url: `${base}${path}`,
          schema: { tags, summary, ...(path.includes(':name') ? { params } : {}) },
          config: { lenient: true, unaudited: true, doc: promDoc(method, parameters) },
          handler: answer,
        })
      }
    }
    addQueries(add, query)
    addFormat(add, query)
    addSeries(add, query)
    for (const [path, summary, data] of still) {
      const parameters = path === '/query_exemplars' ? (['query', 'start', 'end'] as const) : []
      const methods = path === '/query_exemplars' ? ['GET', 'POST'] : ['GET']
      add(path, { summary, parameters, methods, handle: async () => JSON.stringify(data) })
    }
  })
}

type Add = (path: string, route: PromRoute) => void

function addQueries(add: Add, query: Query): void {
  add('/query', {
    summary: 'PromQL at one time',
    parameters: ['query', 'time'],
    async handle(given, _request, asker) {
      const timeMs = timeOf(given, 'time', Date.now())
      return query.promql.instant(required(given, 'query'), timeMs, asker)
    },
  })
  add('/query_range', {
    summary: 'PromQL over steps',
    parameters: ['query', 'start', 'end', 'step'],
    async handle(given, _request, asker) {
      const startMs = timeOf(given, 'start', null)
      const endMs = timeOf(given, 'end', null)
      const steps = { startMs, endMs, stepMs: stepOf(required(given, 'step')) }
      return query.promql.range(required(given, 'query'), steps, asker)
    },
  })
}

function addFormat(add: Add, query: Query): void {
  add('/format_query', {
    summary: 'PromQL laid out for reading',
    parameters: ['query'],
    handle: async (given) => JSON.stringify(await query.promql.format(required(given, 'query'))),
  })
}

function addSeries(add: Add, query: Query): void {
  const seriesOf = (given: Given, asker: Required<Asker>): Promise<Labels[]> =>
    query.promql.series(all(given, 'match[]'), asker, withinOf(given))

  add('/series', {
    summary: 'Label sets that selectors match',
    parameters: ['match[]', 'start', 'end', 'limit'],
    async handle(given, _request, asker) {
      if (all(given, 'match[]').length === 0)
        throw new AppError('bad_request', 'no match[] parameter provided')
      return limited(await seriesOf(given, asker), given)
    },
  })
  add('/labels', {
    summary: 'Names of labels',
    parameters: ['match[]', 'start', 'end', 'limit'],
    async handle(given, _request, asker) {
      const found = await seriesOf(given, asker)
      return limited(await distinct(found, Object.keys, asker), given)
    },
  })
  add('/label/:name/values', {
    summary: 'Values of a label',
    parameters: ['match[]', 'start', 'end', 'limit'],
    methods: ['GET'],
    async handle(given, request, asker) {
      const { name } = request.params as { name: string }
      const found = await seriesOf(given, asker)
      return limited(await distinct(found, (labels) => [labels[name]], asker), given)
    },
  })
  add('/metadata', {
    summary: 'Types of metrics',
    parameters: ['metric', 'limit'],
    methods: ['GET'],
    async handle(given, _request, asker) {
      const wanted = all(given, 'metric').at(-1) ?? ''
      const found = await query.promql.series([], asker)
      const names = await distinct(found, (labels) => [labels['__name__']], asker)
      const entries = names
        .filter((name) => wanted === '' || name === wanted)
        .map((name) => [name, [{ type: 'gauge', help: '', unit: '' }]])
      return JSON.stringify(Object.fromEntries(limited(entries, given)))
    },
  })
}

/** Texts of many label sets, each once, in order. */
async function distinct(
  found: readonly Labels[],
  textsOf: (labels: Labels) => readonly (string | undefined)[],
  { signal }: Required<Pick<Asker, 'signal'>>,
): Promise<string[]> {
  const turns = new Turns(signal)
  const texts = new Set<string>()
  for (const labels of found) {
    for (const text of textsOf(labels)) if (text !== undefined) texts.add(text)
    if (turns.isOver) await turns.next()
  }
  return [...texts].sort()
}

/** The version whose query API this follows. */
const buildInfo = {
  version: '2.42.0',
  revision: 'amber',
  branch: '',
  buildUser: '',
  buildDate: '',
  goVersion: '',
}

/** What a stock Grafana asks for, and of which there is nothing here. */
const still: readonly (readonly [string, string, unknown])[] = [
  ['/status/buildinfo', 'What Prometheus this behaves like', buildInfo],
  ['/query_exemplars', 'Exemplars: there are none', []],
  ['/rules', 'Recording and alerting rules: there are none', { groups: [] }],
  ['/alerts', 'Alerts: there are none', { alerts: [] }],
]

/** `limit=0` and none at all mean everything. */
function limited<T>(rows: readonly T[], given: Given): readonly T[] {
  const text = all(given, 'limit').at(-1) ?? ''
  if (text !== '' && !/^\d{1,9}$/.test(text)) throw wrong('limit', 'must be a whole number')
  return Number(text) > 0 ? rows.slice(0, Number(text)) : rows
}

/** With neither end given, all times. */
function withinOf(given: Given): Within | undefined {
  const startMs = timeOf(given, 'start', Number.NEGATIVE_INFINITY)
  const endMs = timeOf(given, 'end', Number.POSITIVE_INFINITY)
  return startMs === Number.NEGATIVE_INFINITY && endMs === Number.POSITIVE_INFINITY
    ? undefined
    : { startMs, endMs }
}

/** The form goes before the address. */
function givenIn(request: FastifyRequest): Given {
  const body = request.body ?? {}
  if (typeof body !== 'object' || body instanceof Uint8Array) {
    throw new AppError('bad_request', `send parameters in the address or as ${form}`)
  }
  const wrong = faultOf(body)
  if (wrong !== undefined) throw new AppError('bad_request', `form: ${wrong.message}`)
  // Prometheus reads an address as it reads a form.
  const [, search = ''] = request.raw.url?.split('?') ?? []
  return Object.assign(Object.create(null) as Given, parseForm(search), body)
}

function all(given: Given, name: string): string[] {
  const value = given[name]
  return value === undefined ? [] : [value].flat()
}

function required(given: Given, name: string): string {
  const value = all(given, name).at(-1)
  if (value === undefined || value === '') throw wrong(name, 'is missing')
  return value
}

/** Seconds since 1970 with a fraction, or RFC 3339. */
function timeOf(given: Given, name: string, fallback: number | null): number {
  const text = all(given, name).at(-1)
  if (text === undefined || text === '') {
    if (fallback !== null) return fallback
    throw wrong(name, 'is missing')
  }
  if (/^-?\d{1,12}(?:\.\d{1,20})?(?:e\+?\d{1,2})?$/i.test(text)) {
    const ms = Math.round(Number(text) * 1000)
    if (Math.abs(ms) <= 8.64e15) return ms
  }
  if (/^\d{4}-/.test(text)) {
    try {
      return parseTime(text, Date.now())
    } catch {
      // Said below, by the name of the parameter.
    }
  }
  throw wrong(name, `cannot parse "${text.slice(0, 60)}" to a valid timestamp`)
}

function stepOf(text: string): number {
  let ms = Number.NaN
  try {
    ms = Math.round(parseNumber(text) * 1000)
  } catch {
    // Said below, by the name of the parameter.
  }
  if (Number.isFinite(ms)) return ms
  throw wrong('step', `cannot parse "${text.slice(0, 60)}" to a valid duration`)
}

function wrong(name: string, message: string): AppError {
  return new AppError('bad_request', `invalid parameter "${name}": ${message}`, {
    problems: [{ path: name, message }],
  })
}
