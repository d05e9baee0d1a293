// GET /api/v1/grafana: the data source and the dashboard, ready for Grafana's import and its provisioning.

import type { FastifyInstance } from 'fastify'
import { Type } from '@sinclair/typebox'
import { grafanaDashboard, grafanaSource } from '../grafana.ts'

const answerSchema = Type.Object({ datasource: Type.Unknown(), dashboard: Type.Unknown() })

export function addGrafana(app: FastifyInstance): void {
  const schema = {
    tags: ['server'],
    summary: 'Data source and dashboard for Grafana',
    response: { 200: answerSchema },
  }
  app.get('/api/v1/grafana', { schema }, async (request, reply) => {
    void reply.header('cache-control', 'no-store').serializer((value) => JSON.stringify(value))
    const url = `${request.protocol}://${request.host}/prometheus`
    return { datasource: grafanaSource(url), dashboard: grafanaDashboard() }
  })
}
