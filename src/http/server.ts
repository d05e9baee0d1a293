// The HTTP face: builds the routes, lets people in, turns every error into problem+json, and listens.

import { randomUUID } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import type { Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import Fastify, { type FastifyInstance } from 'fastify'
import type { Authenticator, KeptLogins } from '../auth/principal.ts'
import type { Tokens } from '../auth/tokens.ts'
import type { Config } from '../config/schema.ts'
import { AppError } from '../domain/errors.ts'
import type { Publish } from '../ingest/capture.ts'
import type { Jobs } from '../ingest/rules/jobs.ts'
import type { Rules } from '../ingest/rules/open.ts'
import type { Log } from '../ops/log.ts'
import type { Metrics } from '../ops/metrics.ts'
import type { Query } from '../query/query.ts'
import type { ReadingStore } from '../store/store.ts'
import type { HttpLimits, RouteContext } from './context.ts'
import { addAudit } from './audit.ts'
import { openBrowserSessions } from './browserSessions.ts'
import { addCompression } from './compress.ts'
import { answerCors } from './cors.ts'
import { createCredentialCheck, type LoginGuard } from './credentials.ts'
import { createLogin } from './login.ts'
import { addDocs } from './openapi.ts'
import { takeBytes, wrongType } from './bodyTypes.ts'
import { checkKnown } from './parameters.ts'
import { encodeProblem, promBase, sendFault, toAppError } from './problem.ts'
import { promPaths } from './promDoc.ts'
import { createRates, type Rates } from './rates.ts'
import { addAccessTest, addTokens, addUsers } from './routes/accounts.ts'
import { addAggregate } from './routes/aggregate.ts'
import { addBackup } from './routes/backup.ts'
import { addClients, addPresence, addRetained } from './routes/clients.ts'
import { addExport } from './routes/export.ts'
import { addGrafana } from './routes/grafana.ts'
import { addImport } from './routes/import.ts'
import { addInfluxProbes } from './routes/influxProbes.ts'
import { addLineProtocol } from './routes/lineProtocol.ts'
import { addPrometheus } from './routes/prometheus.ts'
import { addPublish } from './routes/publish.ts'
import { addReadings } from './routes/readings.ts'
import { addRemoval, addRetention } from './routes/removal.ts'
import { addJobs } from './routes/jobs.ts'
import { addRules } from './routes/rules.ts'
import { addOpenServerRoutes, addServerRoutes } from './routes/server.ts'
import { addMe, addSession } from './routes/session.ts'
import { addStream } from './routes/stream.ts'
import { addTickets } from './routes/tickets.ts'
import { addTopics, addTree } from './routes/topics.ts'
import { faultOf, parseSearch } from './search.ts'
import { createTickets } from './tickets.ts'
import { createHttps, type Https } from './tls.ts'

export interface HttpDependencies {
  host: string
  /** Connections for which the system has room; without it, any number. */
  socketsMax?: number
  auth: Authenticator & KeptLogins
  tokens: Tokens
  guard: LoginGuard
  access: RouteContext['access']
  admins: readonly string[]
  listeners: RouteContext['listeners']
  /** Where browsers' logins are kept; empty: they end with the process. */
  loginsFile: string
  query: Query
  publish: Publish
  store: Pick<ReadingStore, 'status'>
  importing: RouteContext['importing']
  broker: RouteContext['broker']
  readings: ReadingStore
  retention: RouteContext['retention']
  backup: RouteContext['backup']
  rules: Rules
  jobs: Jobs
  metrics: Metrics
  log: Log
  limits: Omit<HttpLimits, 'row_bytes'>
  isReady: () => boolean
}

export interface HttpServer {
  address: string
  port: number
  isSecure: boolean
  /** Reads the certificate again; a broken one keeps the old in force and throws. */
  reload(): void
  /** Stops accepting, answers what was asked, closes. */
  close(): Promise<void>
}

/** Room for a topic filter of the largest size, percent-encoded. */
const headerBytesMax = 262_144
/** An import may be long; heads of requests have a minute. */
const requestTimeoutMs = 6 * 3_600_000
const closeTimeoutMs = 3000
const closeIdleMs = 50

export async function startHttp(config: Config['http'], dependencies: HttpDependencies): Promise<HttpServer> {
  const { host, auth, tokens, metrics, log } = dependencies
  const https = createHttps(config)
  const app = createApp(config, https, log)
  addMeasures(app, metrics)
  addErrorHandling(app, log)
  await addDocs(app)
  addCompression(app)
  const sessions = await openBrowserSessions(
    dependencies.loginsFile,
    {
      lifetimeMs: config.session_lifetime_s * 1000,
      idleMs: config.session_idle_s * 1000,
      sessionsMax: config.max_sessions,
    },
    { auth, tokens, log },
  )
  app.addHook('onClose', () => sessions.close())
  const tickets = createTickets({ lifetimeMs: config.ticket_lifetime_s * 1000 })
  const check = createCredentialCheck({ auth, tokens, guard: dependencies.guard })
  const login = createLogin({ auth, tokens, check, tickets, sessions })
  const rates = createRates({ perMinute: config.requests_per_minute })
  const context: RouteContext = {
    ...dependencies,
    limits: { ...dependencies.limits, row_bytes: config.max_body_size },
    login,
  }
  await addRoutes(app, context, rates)
  // More are closed by Node as they come.
  if (Number.isFinite(dependencies.socketsMax)) app.server.maxConnections = dependencies.socketsMax ?? 0
  try {
    await app.listen({ host, port: config.port })
  } catch (error) {
    await app.close()
    throw listenFault(error as NodeJS.ErrnoException, `${host}:${config.port}`)
  }
  const { address, port } = app.server.address() as AddressInfo
  const secure = app.server as Server
  const watcher = https?.watch(secure, log)
  return {
    address,
    port,
    isSecure: https !== null,
    reload: () => https?.reload(secure),
    close: () => {
      watcher?.close()
      return close(app)
    },
  }
}

/** Every route, in the order of the reference. */
async function addRoutes(app: FastifyInstance, context: RouteContext, rates: Rates): Promise<void> {
  const { login, log } = context
  await app.register(async (open) => {
    addOpenServerRoutes(open, context)
    addInfluxProbes(open, context)
  })
  await app.register(async (closed) => {
    closed.addHook('onRequest', async (request, reply) => {
      if (request.routeOptions.config.isOpen === true) return
      await login.admit(request)
      rates(login.principalOf(request), reply)
    })
    addAudit(closed, { login, log })
    addSession(closed, context)
    addMe(closed, context)
    addUsers(closed, context)
    addTokens(closed, context)
    addAccessTest(closed, context)
    addTickets(closed, context)
    addTopics(closed, context)
    addTree(closed, context)
    addReadings(closed, context)
    addRemoval(closed, context)
    addRetention(closed, context)
    addAggregate(closed, context)
    addStream(closed, context)
    addExport(closed, context)
    addImport(closed, context)
    addPrometheus(closed, context)
    addGrafana(closed)
    addLineProtocol(closed, context)
    addClients(closed, context)
    addPresence(closed, context)
    addRetained(closed, context)
    addPublish(closed, context)
    addRules(closed, context)
    addJobs(closed, context)
    addBackup(closed, context)
    addServerRoutes(closed, context)
  })
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Nobody need be let in already: the route itself is the way in or out. */
    isOpen?: boolean
  }
}

/** The schemas are our own: to check and to polish what is made of each took a fifth of the start. */
const schemaOptions = { validateSchema: false, meta: false, code: { optimize: false } } as const

function createApp(config: Config['http'], https: Https | null, log: Log): FastifyInstance {
  const app = Fastify({
    bodyLimit: config.max_body_size,
    ...(https ? secured(https) : { http: { maxHeaderSize: headerBytesMax } }),
    requestTimeout: requestTimeoutMs,
    forceCloseConnections: 'idle',
    ajv: { customOptions: schemaOptions },
    genReqId: requestId,
    routerOptions: { querystringParser: parseSearch, maxParamLength: 1000 },
    frameworkErrors: (error, request, reply) => void sendFault(request, reply, toAppError(error, log)),
    clientErrorHandler: (_error, socket) => {
      const body = encodeProblem(
        new AppError('bad_request', 'this is not an HTTP request the server can read'),
      )
      const head =
        'HTTP/1.1 400 Bad Request\r\nContent-Type: application/problem+json\r\nConnection: close\r\n'
      if (socket.writable) socket.end(`${head}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`)
      else socket.destroy()
    },
  })
  app.addHook('onRequest', async (request, reply) => {
    void reply.header('x-request-id', request.id).header('x-content-type-options', 'nosniff')
    return answerCors(config.cors, request, reply) ? reply : undefined
  })
  return app
}

/** Fastify's types make an application with HTTPS another one; all that is used of it here is the same. */
function secured({ options }: Https): { http?: never } {
  return { https: { ...options, maxHeaderSize: headerBytesMax } } as { http?: never }
}

/** The caller's own id when it is harmless in a header and a log. */
function requestId({ headers }: { headers: IncomingHttpHeaders }): string {
  const given = headers['x-request-id']
  return typeof given === 'string' && /^[\w.:-]{1,100}$/.test(given) ? given : randomUUID()
}

/** Requests under way may end; what takes longer than seconds is cut, so that a slow reader cannot hold up a stop. */
async function close(app: FastifyInstance): Promise<void> {
  const timer = setTimeout(() => app.server.closeAllConnections(), closeTimeoutMs)
  // One whose answer had just left counts as idle a moment later only.
  const idle = setInterval(() => app.server.closeIdleConnections(), closeIdleMs)
  try {
    await app.close()
  } finally {
    clearTimeout(timer)
    clearInterval(idle)
  }
}

function listenFault(error: NodeJS.ErrnoException, where: string): AppError {
  const options = { cause: error }
  return error.code === 'EADDRINUSE'
    ? new AppError(
        'port_in_use',
        `another program listens on ${where}; stop it or choose another port with --http.port`,
        options,
      )
    : new AppError(
        'bad_config',
        `cannot listen for HTTP on ${where}: ${error.message} (http.host, http.port)`,
        options,
      )
}

function addMeasures(app: FastifyInstance, metrics: Metrics): void {
  app.addHook('onResponse', async ({ method, routeOptions }, reply) => {
    const labels = { method, route: routeOptions.url ?? 'none', status: String(reply.statusCode) }
    metrics.httpSeconds.observe(labels, reply.elapsedTime / 1000)
  })
}

function addErrorHandling(app: FastifyInstance, log: Log): void {
  // Bodies stay bytes: payload_json is published as it was written.
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, takeBytes)
  app.addHook('onRequest', async (request) => {
    const fault = faultOf(request.query)
    if (fault !== undefined) {
      throw new AppError('bad_request', `query string: ${fault.message}`, { problems: [fault] })
    }
  })
  app.addHook('preValidation', async (request) => {
    const isLenient = request.url.startsWith('/docs') || request.routeOptions.config.lenient === true
    if (!request.is404 && !isLenient) checkKnown(request)
  })
  app.setErrorHandler((error, request, reply) => {
    const isOfType = (error as { code?: string }).code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE'
    return sendFault(request, reply, isOfType ? wrongType(request) : toAppError(error, log))
  })
  app.setNotFoundHandler((request, reply) => {
    const [path = '/'] = request.url.split('?')
    const allowed = (['GET', 'HEAD', 'POST', 'PUT', 'DELETE'] as const).filter((method) =>
      app.hasRoute({ url: path, method }),
    )
    if (allowed.length === 0) return sendFault(request, reply, new AppError('not_found', notFoundText(path)))
    void reply.header('allow', allowed.join(', '))
    return sendFault(
      request,
      reply,
      new AppError('method_not_allowed', `this route takes ${allowed.join(', ')}`),
    )
  })
}

function notFoundText(path: string): string {
  return path.startsWith(`${promBase}/`)
    ? `of Prometheus' API there are ${promPaths.join(', ')} under ${promBase}/api/v1`
    : 'no such route; /docs lists them all'
}
