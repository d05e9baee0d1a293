// Routes about the server itself: healthz, readyz, metrics, stats, openapi.json and the page.

import type { FastifyInstance } from 'fastify'
import { Type } from '@sinclair/typebox'
import { AppError } from '../../domain/errors.ts'
import { version } from '../../ops/version.ts'
import type { RouteContext } from '../context.ts'
import { statsSchema } from '../schemas.ts'
import { addPage } from './page.ts'

const healthy = { 200: Type.Object({ status: Type.String() }) }

/** Those that need no login. */
export function addOpenServerRoutes(app: FastifyInstance, { isReady, store }: RouteContext): void {
  app.get(
    '/healthz',
    { schema: { summary: 'The process runs', tags: ['server'], response: healthy } },
    async () => ({
      status: 'ok',
    }),
  )
  app.get(
    '/readyz',
    { schema: { summary: 'Publishes are accepted', tags: ['server'], response: healthy } },
    async () => {
      if (!isReady())
        throw new AppError(
          'store_unavailable',
          `the server cannot take publishes just now (store: ${store.status.state})`,
        )
      return { status: 'ready' }
    },
  )
  app.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger())
  addPage(app)
}

/** Those that need one. */
export function addServerRoutes(app: FastifyInstance, context: RouteContext): void {
  const { metrics, store } = context
  const schema = { summary: 'Sizes and the ledger', tags: ['server'], response: { 200: statsSchema } }
  app.get('/api/v1/stats', { schema }, async (_request, reply) => {
    const { engine, state, readings, topics, lastSeq, diskBytes, pending, freeBytes, daysUntilFull } =
      store.status
    const sizes = {
      readings,
      topics,
      last_seq: lastSeq,
      disk_bytes: diskBytes,
      disk_free_bytes: freeBytes,
      days_until_full: daysUntilFull,
      pending,
    }
    void reply.header('cache-control', 'no-store')
    return { version, store: { engine, state, ...sizes }, ledger: await ledgerOf(context) }
  })
  app.get(
    '/metrics',
    {
      schema: { summary: 'Metrics for Prometheus', tags: ['server'] },
      config: { doc: { answer: { 'text/plain': { schema: { type: 'string' } } } } },
    },
    async (_request, reply) =>
      reply.header('content-type', metrics.registry.contentType).send(await metrics.registry.metrics()),
  )
}

const ledgerNames = ['received', 'stored', 'rejected', 'deduplicated', 'discarded'] as const

async function ledgerOf({ metrics }: RouteContext): Promise<Record<string, Record<string, number>>> {
  const ledger: Record<string, Record<string, number>> = {}
  for (const name of ledgerNames) {
    for (const { labels, value } of (await metrics[name].get()).values) {
      const entry = (ledger[String(labels.source)] ??= {
        received: 0,
        stored: 0,
        rejected: 0,
        deduplicated: 0,
        discarded: 0,
      })
      entry[name] = (entry[name] ?? 0) + value
    }
  }
  return ledger
}
