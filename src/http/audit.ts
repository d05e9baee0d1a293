// One line in the log for every change somebody makes over HTTP, done or refused: who, what, from where, with what result.
// Publishes are not among them: each is a reading, which names its user.

import type { FastifyInstance } from 'fastify'
import type { Log } from '../ops/log.ts'
import type { Login } from './login.ts'

const changing = new Set(['POST', 'PUT', 'PATCH', 'DELETE'])

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Changes nothing beyond readings: no line. */
    unaudited?: boolean
  }
}

export function addAudit(app: FastifyInstance, { login, log }: { login: Login; log: Log }): void {
  app.addHook('onResponse', async (request, reply) => {
    if (!changing.has(request.method) || request.routeOptions.config.unaudited === true) return
    let user: string | null = null
    try {
      user = login.principalOf(request).name
    } catch {
      // Nobody was let in.
    }
    const [path = '/'] = request.url.split('?')
    log.info(
      {
        audit: `${request.method} ${path.slice(0, 200)}`,
        user,
        address: request.ip,
        status: reply.statusCode,
        request_id: request.id,
      },
      'a change was asked for',
    )
  })
}
