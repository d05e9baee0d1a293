// GET /ping and /health: what clients of InfluxDB ask before they write, without a login, in its own words. A client that hears
// nothing here never comes to send its lines.

import type { FastifyInstance } from 'fastify'
import { Type } from '@sinclair/typebox'
import type { RouteContext } from '../context.ts'

/** The version whose way of writing this follows. */
const influxVersion = 'v2.7.0'

const ping = {
  querystring: Type.Object({
    verbose: Type.Optional(Type.String({ description: 'true: a body with the version.' })),
  }),
  tags: ['write'],
  summary: 'Clients of InfluxDB look whether it is there',
  response: { 200: Type.Object({ version: Type.String() }), 204: Type.Null() },
}
const status = Type.Object({
  name: Type.Literal('influxdb'),
  message: Type.String(),
  status: Type.Union([Type.Literal('pass'), Type.Literal('fail')]),
  version: Type.String(),
})
const health = {
  tags: ['write'],
  summary: 'Clients of InfluxDB look whether it takes writes',
  response: { 200: status, 503: status },
}

export function addInfluxProbes(app: FastifyInstance, { isReady }: RouteContext): void {
  app.get('/ping', { schema: ping }, async (request, reply) => {
    const { verbose } = request.query as { verbose?: string }
    void reply.header('x-influxdb-version', influxVersion).header('cache-control', 'no-store')
    return verbose === 'true' ? { version: influxVersion } : reply.code(204).send()
  })
  app.get('/health', { schema: health }, async (_request, reply) => {
    const isUp = isReady()
    void reply.code(isUp ? 200 : 503).header('cache-control', 'no-store')
    return {
      name: 'influxdb',
      message: isUp ? 'ready for queries and writes' : 'takes no writes just now',
      status: isUp ? 'pass' : 'fail',
      version: influxVersion,
    }
  })
}
