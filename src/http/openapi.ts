// The OpenAPI document, made from the schemas of the routes, and the page that shows it without the network.

import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { FastifyInstance, FastifySchema } from 'fastify'
import { version } from '../ops/version.ts'
import { problemSchema } from './schemas.ts'

export async function addDocs(app: FastifyInstance): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Amber', version, description: 'An MQTT broker that never forgets.' },
      components: {
        securitySchemes: {
          basic: { type: 'http', scheme: 'basic' },
          token: { type: 'http', scheme: 'bearer' },
          session: { type: 'apiKey', in: 'cookie', name: 'amber_session' },
        },
      },
      security: [{ basic: [] }, { token: [] }, { session: [] }],
    },
    transform: ({ schema, url }) => ({ schema: withProblems(schema, url), url }),
  })
  await app.register(swaggerUi, { routePrefix: '/docs', staticCSP: true, uiConfig: { validatorUrl: null } })
}

/** Every route of the API may answer with a problem; those of Prometheus keep their own envelope. */
function withProblems(schema: FastifySchema, url: string): FastifySchema {
  if (schema === undefined || !url.startsWith('/api/')) return schema
  const content = { 'application/problem+json': { schema: problemSchema } }
  const problem = { description: 'A problem; `code` says which.', content }
  const given = (schema.response ?? { 200: { description: 'The rows.' } }) as Record<string, unknown>
  return { ...schema, response: { ...given, '4XX': problem, '5XX': problem } }
}
