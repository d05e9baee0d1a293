// Routes about the broker: who is connected or known, disconnecting one (both for keepers of the server alone), and the
// retained messages.

import { isUtf8 } from 'node:buffer'
import type { FastifyInstance } from 'fastify'
import { Type, type Static } from '@sinclair/typebox'
import type { Principal } from '../../auth/principal.ts'
import { AppError } from '../../domain/errors.ts'
import { timeMax, timeOf, type TimeUnit } from '../../domain/time.ts'
import { printable } from '../../domain/topic.ts'
import { sendPage } from '../answer.ts'
import type { RouteContext } from '../context.ts'
import {
  filtersOf,
  formatParameter,
  pageParameters,
  timeUnitParameter,
  topicParameters,
} from '../parameters.ts'
import { encodeTime, encodeValue, payloadCells } from '../readingText.ts'
import { clientSchema, pageOf, presenceSchema, retainedSchema } from '../schemas.ts'

const clientColumns = [
  ...(['id', 'connected', 'user', 'address', 'protocol', 'since', 'subscriptions', 'queued'] as const),
  ...(['messages_in', 'bytes_in', 'messages_out', 'bytes_out', 'last_seen'] as const),
] as const

export function addClients(app: FastifyInstance, { login, broker, limits }: RouteContext): void {
  const listSearch = Type.Object({
    ...formatParameter,
    ...pageParameters(1000, limits.page_rows),
    ...timeUnitParameter,
  })
  const list = {
    querystring: listSearch,
    tags: ['server'],
    summary: 'Clients connected or known',
    response: { 200: pageOf(clientSchema) },
  }
  app.get('/api/v1/clients', { schema: list }, async (request, reply) => {
    const { limit, cursor, time } = request.query as Static<typeof listSearch>
    checkKeeper(login.principalOf(request))
    const { rows, next } = pageAfter(broker.clients(), ({ id }) => id, limit, cursor)
    const texts = rows.map((one) => ({
      id: one.id,
      connected: one.isConnected,
      user: one.user,
      address: one.address,
      protocol: one.protocolVersion === null ? null : protocolName(one.protocolVersion),
      since: timeOrNull(one.connectedAt, time),
      subscriptions: one.subscriptions,
      queued: one.queued,
      messages_in: one.flow.messagesIn,
      bytes_in: one.flow.bytesIn,
      messages_out: one.flow.messagesOut,
      bytes_out: one.flow.bytesOut,
      last_seen: timeOrNull(one.lastSeen, time),
    }))
    return sendPage(request, reply, {
      rows: texts,
      limit,
      next,
      json: (row) => JSON.stringify(row),
      columns: clientColumns,
      cells: (row) =>
        clientColumns.map((name) =>
          name === 'subscriptions' ? row[name].map(({ topic }) => topic).join(' ') : String(row[name] ?? ''),
        ),
    })
  })
  const end = {
    params: Type.Object({ id: Type.String() }),
    tags: ['server'],
    summary: 'Disconnect a client',
    description: 'Its session stays; it may connect again.',
    response: { 204: Type.Null() },
  }
  app.delete('/api/v1/clients/:id', { schema: end }, async (request, reply) => {
    const { id } = request.params as { id: string }
    checkKeeper(login.principalOf(request))
    if (!broker.disconnect(id)) throw new AppError('not_found', `no client "${printable(id)}" is connected`)
    return reply.code(204).send()
  })
}

/** Connects and disconnects, for a timeline. */
export function addPresence(app: FastifyInstance, { login, broker, limits }: RouteContext): void {
  const search = Type.Object({
    client: Type.Optional(Type.String({ maxLength: 65_535, description: 'One client; else all.' })),
    from: Type.String({ default: '-1d', description: 'First time.' }),
    to: Type.Optional(Type.String({ description: 'Last time, left out.' })),
    limit: Type.Integer({
      minimum: 1,
      maximum: limits.page_rows,
      default: Math.min(1000, limits.page_rows),
      description: 'Most events.',
    }),
    ...timeUnitParameter,
  })
  const schema = {
    querystring: search,
    tags: ['server'],
    summary: 'Who connected and disconnected, and why; newest first',
    description:
      'Also from before the last start; of each client the last 32, of the last mqtt.presence_clients.',
    response: { 200: Type.Object({ data: Type.Array(presenceSchema), has_more: Type.Boolean() }) },
  }
  app.get('/api/v1/presence', { schema }, async (request, reply) => {
    checkKeeper(login.principalOf(request))
    const { client, from, to, limit, time } = request.query as Static<typeof search>
    const now = Date.now()
    const events = broker.presence({
      ...(client === undefined ? {} : { clientId: client }),
      from: timeOf('from', from, now),
      to: to === undefined ? timeMax : timeOf('to', to, now),
      limit: limit + 1,
    })
    void reply.header('cache-control', 'no-store')
    return {
      data: events.slice(0, limit).map(({ event, reason, user, address, ...one }) => ({
        time: timeOrNull(one.time, time),
        client_id: one.clientId,
        event,
        reason,
        user,
        address,
        protocol: protocolName(one.protocolVersion),
      })),
      has_more: events.length > limit,
    }
  })
}

export function addRetained(app: FastifyInstance, { login, broker, limits }: RouteContext): void {
  const search = Type.Object({
    ...topicParameters,
    ...formatParameter,
    ...pageParameters(1000, limits.page_rows),
  })
  const schema = {
    querystring: search,
    tags: ['read'],
    summary: 'Retained messages',
    response: { 200: pageOf(retainedSchema) },
  }
  app.get('/api/v1/retained', { schema }, async (request, reply) => {
    const asked = request.query as Static<typeof search>
    const principal = login.principalOf(request)
    const filters = filtersOf(asked, principal)
    const found = (filters.length === 0 ? ['#', '$SYS/#'] : filters).flatMap((filter) =>
      broker.retained(filter),
    )
    const messages = [...new Map(found.map((one) => [one.topic, one])).values()]
      .filter(({ topic }) => principal.mayRead(topic))
      .sort((a, b) => (a.topic < b.topic ? -1 : 1))
    const { rows, next } = pageAfter(messages, ({ topic }) => topic, asked.limit, asked.cursor)
    return sendPage(request, reply, {
      rows,
      limit: asked.limit,
      next,
      json: ({ topic, payload, qos, clientId }, oneLine) =>
        `{"topic":${JSON.stringify(topic)},"qos":${qos},"client_id":${JSON.stringify(clientId)}${encodeValue(payload, false, oneLine)}}`,
      columns: ['topic', 'qos', 'client_id', 'payload', 'payload_base64'],
      cells: ({ topic, payload, qos, clientId }) => [topic, String(qos), clientId, ...payloadCells(payload)],
    })
  })
}

function protocolName(version: number): string {
  return version === 3 ? '3.1' : version === 4 ? '3.1.1' : '5.0'
}

function timeOrNull(ms: number | null, unit: TimeUnit | undefined): string | number | null {
  return ms === null ? null : (JSON.parse(encodeTime(ms, unit)) as string | number)
}

export function checkKeeper(principal: Principal): void {
  if (!principal.admin) {
    throw new AppError(
      'forbidden',
      'only those who manage the server may do this (auth.admins, amber token --admin)',
    )
  }
}

/** A page of a sorted list; the cursor is the name it ended with. */
function pageAfter<T>(
  sorted: readonly T[],
  nameOf: (one: T) => string,
  limit: number,
  cursor: string | undefined,
): { rows: T[]; next: string | null } {
  const after = cursor === undefined ? null : nameIn(cursor)
  const rest = after === null ? sorted : sorted.filter((one) => nameOf(one) > after)
  const rows = rest.slice(0, limit)
  const last = rows.at(-1)
  const next = rest.length > limit && last ? Buffer.from(nameOf(last)).toString('base64url') : null
  return { rows, next }
}

function nameIn(cursor: string): string {
  const bytes = Buffer.from(cursor, 'base64url')
  // What is no base64 comes to nothing, and would begin the list anew without a word.
  if (cursor !== '' && isUtf8(bytes) && bytes.toString('base64url') === cursor) return bytes.toString()
  const message = 'the cursor is not one that this server gave; start again without cursor'
  throw new AppError('bad_cursor', message, { problems: [{ path: 'cursor', message }] })
}
