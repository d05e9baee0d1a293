// POST /api/v1/tickets: a ticket for the caller's own login, for an address that a browser opens by itself.

import type { FastifyInstance } from 'fastify'
import { Type } from '@sinclair/typebox'
import { formatTime } from '../../domain/time.ts'
import type { RouteContext } from '../context.ts'

const ticketSchema = Type.Object({
  ticket: Type.String(),
  expires_at: Type.String({ description: 'RFC 3339. What is connected by then stays.' }),
})

export function addTickets(app: FastifyInstance, { login }: RouteContext): void {
  const schema = {
    tags: ['access'],
    summary: 'A ticket for EventSource and downloads',
    description: 'Put it into the address (`ticket=`) of a route that takes one. It may only read.',
    response: { 200: ticketSchema },
  }
  app.post('/api/v1/tickets', { schema }, async (request, reply) => {
    void reply.header('cache-control', 'no-store')
    const { ticket, expiresAt } = login.issueTicket(request)
    return { ticket, expires_at: formatTime(expiresAt) }
  })
}
