// GET /api/v1/stream: readings as server-sent events. `id:` is their number, so that a browser that lost its connection,
// or whose server was started anew, goes on where it stopped: no gap, no repeat.

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { Type, type Static } from '@sinclair/typebox'
import type { Principal } from '../../auth/principal.ts'
import { AppError } from '../../domain/errors.ts'
import type { Reading } from '../../domain/reading.ts'
import type { Query } from '../../query/query.ts'
import type { RouteContext } from '../context.ts'
import { createEventStream, type EventStream } from '../eventStream.ts'
import {
  fieldNames,
  filtersOf,
  readingStyleParameters,
  ticketParameter,
  topicParameters,
} from '../parameters.ts'
import { encodeReading, type ReadingStyle } from '../readingText.ts'

const search = Type.Object({
  ...topicParameters,
  ...readingStyleParameters,
  ...ticketParameter,
  since: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: Number.MAX_SAFE_INTEGER,
      description: 'First what was stored after this seq, then what comes. Last-Event-ID goes before it.',
    }),
  ),
})
type StreamSearch = Static<typeof search>

/** How soon a browser comes back. */
const retryMs = 1000

/** How long a stream may outlast its login. */
const staleMs = 1000

const schema = {
  querystring: search,
  tags: ['read'],
  summary: 'Readings as they come, as server-sent events',
  description:
    'Each event is a reading as JSON, its id the seq. `event: dropped` ends the stream of a reader that is too slow, ' +
    '`closing` that of a server that stops; `event: reset` says that the seq to go on from is newer than anything stored.',
  produces: ['text/event-stream'],
}

export function addStream(app: FastifyInstance, { login, query, limits, metrics, log }: RouteContext): void {
  const open = new Map<EventStream, Principal>()
  const eventOf = createEvents(query)
  app.addHook('preClose', async () => {
    for (const stream of open.keys()) stream.end('closing', 'the server stops; come back with Last-Event-ID')
  })
  const endStale = (): void => {
    for (const [stream, principal] of open) {
      if (!login.stillHolds(principal)) stream.end('unauthorized', 'this login does not hold any more')
    }
  }
  login.onChange(endStale)
  // The time of a token runs out without a change of anything.
  const timer = setInterval(endStale, staleMs)
  timer.unref()
  app.addHook('onClose', async () => clearInterval(timer))
  app.get('/api/v1/stream', { schema, exposeHeadRoute: false }, (request, reply) => {
    const asked = request.query as StreamSearch
    const principal = login.principalOf(request)
    const filters = filtersOf(asked, principal)
    const start = startOf(request, asked.since, query)
    if (open.size >= limits.stream_readers) {
      throw new AppError('rate_limited', `${open.size} streams are open (limits.stream_readers); try later`)
    }
    const style = { raw: asked.raw === '1', time: asked.time, fields: fieldNames(asked.fields) }
    let isLive = false
    const raw = begin(reply, start)
    const stream = createEventStream(raw, limits, {
      since: start.since,
      position: () => (isLive ? query.newest.settledSeq : null),
      onDropped: () => metrics.streamsDropped.inc(),
    })
    open.set(stream, principal)
    metrics.streams.set(open.size)
    const following = query.follow({
      filters,
      mayRead: (topic) => principal.mayRead(topic),
      since: start.since,
      signal: stream.signal,
      onReadings: (readings, seq) =>
        stream.send(
          readings.map((one) => eventOf(one, style)),
          seq,
        ),
      onLive() {
        isLive = true
      },
      ready: () => stream.ready(),
    })
    void following
      .catch((error: unknown) => {
        log.error({ err: error }, 'a stream failed')
        stream.end('failed', 'the server failed; its log says why')
      })
      .finally(() => {
        open.delete(stream)
        metrics.streams.set(open.size)
      })
  })
}

interface Start {
  since: number
  /** What was asked for is newer than anything here: the data directory is another one, or lost its end. */
  isReset: boolean
}

/** A browser that comes back says where it was by Last-Event-ID, whatever the address says. */
function startOf(request: FastifyRequest, since: number | undefined, { newest }: Query): Start {
  const header = request.headers['last-event-id']
  if (header !== undefined && !(/^\d{1,16}$/.test(String(header)) && Number.isSafeInteger(Number(header)))) {
    throw new AppError('bad_request', 'Last-Event-ID: send the id of the last event, which is a number')
  }
  const wanted = header === undefined ? since : Number(header)
  if (wanted === undefined) return { since: newest.lastSeq, isReset: false }
  return wanted > newest.lastSeq
    ? { since: newest.lastSeq, isReset: true }
    : { since: wanted, isReset: false }
}

function begin(reply: FastifyReply, { since, isReset }: Start): FastifyReply['raw'] {
  reply.hijack()
  const { raw } = reply
  for (const [name, value] of Object.entries(reply.getHeaders())) {
    if (value !== undefined) raw.setHeader(name, value)
  }
  raw.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store, no-transform',
    // nginx would gather events before it passes them on.
    'x-accel-buffering': 'no',
  })
  const reset = isReset ? `event: reset\ndata: ${JSON.stringify({ last_seq: since })}\n` : ''
  raw.write(`retry: ${retryMs}\n${reset}id: ${since}\n\n`)
  return raw
}

/** The bytes of an event, worked out once for all readers who want it in the same style. */
function createEvents(query: Query): (reading: Reading, style: ReadingStyle) => Uint8Array {
  const known = new WeakMap<Reading, Map<string, Uint8Array>>()
  return (reading, style) => {
    const key = JSON.stringify(style)
    let styles = known.get(reading)
    if (styles === undefined) known.set(reading, (styles = new Map()))
    let event = styles.get(key)
    if (event === undefined) {
      const data = encodeReading(reading, query.show(reading).fields, style, true)
      styles.set(key, (event = Buffer.from(`id: ${reading.seq}\ndata: ${data}\n\n`)))
    }
    return event
  }
}
