// The OpenAPI document, made from the schemas of the routes and from what these say for the document alone (`config.doc`), and the
// page that shows it without the network. Exact enough to generate clients from: a test validates real answers against it.

import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { TSchema } from '@sinclair/typebox'
import type { FastifyInstance, FastifySchema } from 'fastify'
import { version } from '../ops/version.ts'
import { type Operation, polishOperation } from './openapiOperation.ts'
import { problemResponses, promErrorResponse } from './openapiProblems.ts'

/** What the document says of a route that its schemas do not: they check, and some routes check by hand. */
export interface RouteDoc {
  query?: TSchema
  /** By media type. */
  body?: Record<string, { schema: object; example?: unknown }>
  answer?: Record<string, { schema: object; example?: unknown }>
}

declare module 'fastify' {
  interface FastifyContextConfig {
    doc?: RouteDoc
  }
}

export async function addDocs(app: FastifyInstance): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Amber',
        version,
        description: 'An MQTT broker that never forgets.',
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } as { name: string },
      },
      servers: [{ url: '/', description: 'The server that serves this document.' }],
      tags: Object.entries(tags).map(([name, description]) => ({ name, description })),
      components: {
        securitySchemes: {
          basic: { type: 'http', scheme: 'basic' },
          token: { type: 'http', scheme: 'bearer' },
          session: { type: 'apiKey', in: 'cookie', name: 'amber_session' },
        },
      },
      security: [{ basic: [] }, { token: [] }, { session: [] }],
    },
    transform: ({ schema, url, route }) => ({ schema: documented(schema, route.config?.doc), url }),
    transformObject: (document) =>
      polish(('openapiObject' in document ? document.openapiObject : {}) as Document),
  })
  await app.register(swaggerUi, { routePrefix: '/docs', staticCSP: true, uiConfig: { validatorUrl: null } })
}

const tags = {
  read: 'What was stored, and what comes.',
  write: 'Storing more.',
  rules: 'Cleaning rules, and what they refused.',
  server: 'The server itself.',
  access: 'Who may do what.',
  prometheus: 'The query API of Prometheus.',
}

interface Document {
  paths: Record<string, Record<string, Operation>>
  components: Record<string, unknown>
  tags: { name: string }[]
}

function documented(schema: FastifySchema | undefined, doc: RouteDoc | undefined): FastifySchema {
  const given: FastifySchema & Record<string, unknown> = { ...schema }
  if (doc?.query) given.querystring = doc.query
  if (doc?.body) given.body = { content: doc.body }
  if (doc?.answer) given.response = { 200: { description: 'The answer.', content: doc.answer } }
  return given
}

function polish(document: Document): Document {
  const used = new Set<string>()
  for (const [path, operations] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(operations)) {
      polishOperation(operation, { path, method })
      for (const tag of operation.tags ?? []) used.add(tag)
    }
  }
  const all = Object.entries({ ...problemResponses(), PrometheusError: promErrorResponse })
  const text = JSON.stringify(document.paths)
  const responses = Object.fromEntries(all.filter(([name]) => text.includes(`/responses/${name}"`)))
  return {
    ...document,
    tags: document.tags.filter(({ name }) => used.has(name)),
    components: { ...document.components, responses },
  }
}
