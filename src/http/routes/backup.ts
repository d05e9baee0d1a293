// GET /api/v1/backup: all readings and sessions of the running server as one stream, as they are at one moment. For keepers of
// the server: it holds what everybody has published.

import { Readable } from 'node:stream'
import type { FastifyInstance } from 'fastify'
import { AppError } from '../../domain/errors.ts'
import type { RouteContext } from '../context.ts'
import { signalOf } from '../gone.ts'
import { checkKeeper } from './clients.ts'

export function addBackup(app: FastifyInstance, { login, backup, store, log }: RouteContext): void {
  let isRunning = false
  const schema = {
    tags: ['server'],
    summary: 'Everything, to restore from',
    description:
      'Readings, sessions and retained messages as they are now, as a file for `amber restore`. One at a time.',
    produces: ['application/octet-stream'],
  }
  const config = { doc: { answer: { 'application/octet-stream': { schema: { type: 'string' } } } } }
  app.get('/api/v1/backup', { schema, config, exposeHeadRoute: false }, (request, reply) => {
    const principal = login.principalOf(request)
    checkKeeper(principal)
    if (backup === null) {
      throw new AppError('conflict', 'this store is in memory: there is nothing on a disk to back up')
    }
    if (isRunning) throw new AppError('rate_limited', 'a backup is running; try again later')
    isRunning = true
    reply.raw.once('close', () => {
      isRunning = false
    })
    const name = `amber-${new Date().toISOString().slice(0, 19).replaceAll(':', '')}.backup`
    log.info({ user: principal.name, address: request.ip }, 'a backup is being taken')
    void reply
      .header('content-type', 'application/octet-stream')
      .header('content-disposition', `attachment; filename="${name}"`)
      .header('cache-control', 'no-store')
      .header('x-size-estimate', String(store.status.diskBytes))
    return reply.send(Readable.from(backup(signalOf(reply)), { objectMode: false }))
  })
}
