// Routes about the server itself: healthz, readyz, metrics, openapi.json and the start page.

import type { FastifyInstance } from 'fastify'
import { AppError } from '../../domain/errors.ts'
import type { RouteContext } from '../context.ts'

const startPage = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Amber</title>
<h1>Amber</h1><p>An MQTT broker that never forgets.</p><ul>
<li><a href="/docs">/docs</a>: every route, to try out</li>
<li><a href="/api/v1/topics">/api/v1/topics</a>: the topics there are</li>
<li><a href="/api/v1/latest">/api/v1/latest</a>: the newest reading of each</li>
<li><a href="/api/v1/readings">/api/v1/readings</a>: the last hour</li>
<li><a href="/metrics">/metrics</a>: what the server counts about itself</li></ul></html>
`

/** Those that need no login. */
export function addOpenServerRoutes(app: FastifyInstance, { isReady, store }: RouteContext): void {
  app.get('/healthz', { schema: { summary: 'The process runs', tags: ['server'] } }, async () => ({
    status: 'ok',
  }))
  app.get('/readyz', { schema: { summary: 'Publishes are accepted', tags: ['server'] } }, async () => {
    if (!isReady())
      throw new AppError(
        'store_unavailable',
        `the server cannot take publishes just now (store: ${store.status.state})`,
      )
    return { status: 'ready' }
  })
  app.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger())
  app.get('/', { schema: { hide: true } }, async (_request, reply) =>
    reply
      .header('content-security-policy', "default-src 'none'")
      .header('content-type', 'text/html; charset=utf-8')
      .send(startPage),
  )
}

export function addMetrics(app: FastifyInstance, { metrics }: RouteContext): void {
  app.get(
    '/metrics',
    { schema: { summary: 'Metrics for Prometheus', tags: ['server'] } },
    async (_request, reply) =>
      reply.header('content-type', metrics.registry.contentType).send(await metrics.registry.metrics()),
  )
}
