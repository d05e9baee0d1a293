// POST /api/v2/write and /write: InfluxDB line protocol, as Telegraf and the libraries of small devices send it. Each line is
// published as it is: its topic is measurement/tag values, so that it is read, kept and delivered like every other message.

import type { FastifyInstance } from 'fastify'
import { gunzipSync } from 'node:zlib'
import { Type, type Static } from '@sinclair/typebox'
import { AppError, asAppError, type Problem } from '../../domain/errors.ts'
import { timeMax } from '../../domain/time.ts'
import { printable, topicFault } from '../../domain/topic.ts'
import { decodeInflux } from '../../ingest/decode/influx.ts'
import type { RouteContext } from '../context.ts'

const search = Type.Object({
  precision: Type.Union(
    ['ns', 'us', 'u', 'ms', 's', 'n'].map((unit) => Type.Literal(unit)),
    { default: 'ns', description: 'Unit of the times.' },
  ),
  prefix: Type.String({ default: '', maxLength: 1000, description: 'Stands before the topics.' }),
  bucket: Type.Optional(Type.String({ description: 'Taken, and without meaning here.' })),
  org: Type.Optional(Type.String({ description: 'Taken, and without meaning here.' })),
  orgID: Type.Optional(Type.String({ description: 'Taken, and without meaning here.' })),
  db: Type.Optional(Type.String({ description: 'Taken, and without meaning here.' })),
  rp: Type.Optional(Type.String({ description: 'Taken, and without meaning here.' })),
  consistency: Type.Optional(Type.String({ description: 'Taken, and without meaning here.' })),
})

const doc = {
  body: {
    'text/plain': {
      schema: { type: 'string', description: 'Lines of line protocol; gzip with Content-Encoding.' },
      example: 'weather,site=north temperature=21.5,humidity=48i 1764000000000000000\n',
    },
  },
}

const zeros: Record<string, string> = { ns: '', n: '', us: '000', u: '000', ms: '000000', s: '000000000' }
const linesMax = 100_000

export function addLineProtocol(app: FastifyInstance, { login, publish, limits }: RouteContext): void {
  void app.register(async (scope) => {
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
    for (const url of ['/api/v2/write', '/write']) {
      const schema = {
        querystring: search,
        tags: ['write'],
        summary: 'Write InfluxDB line protocol',
        description: 'Each line is published to PREFIX/MEASUREMENT/TAG VALUES in the order they are written.',
        response: { 204: Type.Null() },
      }
      scope.post(url, { schema, config: { unaudited: true, doc } }, async (request, reply) => {
        const { precision, prefix } = request.query as Static<typeof search>
        const principal = login.principalOf(request)
        const text = textOf(request.body, request.headers['content-encoding'], limits.row_bytes)
        const problems: Problem[] = []
        const messages = messagesOf(text, precision, prefix, problems)
        for (const { topic, line } of messages) {
          if (!principal.mayWrite(topic))
            problems.push({ path: `line ${line}`, message: `you may not publish to "${printable(topic)}"` })
        }
        const [first] = problems
        if (first) {
          const code = first.message.startsWith('you may not') ? 'forbidden' : 'bad_request'
          throw new AppError(code, `${first.path}: ${first.message}; nothing was written`, {
            problems: problems.slice(0, 20),
          })
        }
        const source = {
          qos: 0,
          retain: false,
          source: 'http',
          user: principal.name,
          clientId: '',
          properties: null,
        } as const
        const outcomes = await Promise.allSettled(
          messages.map(({ topic, payload, time }) =>
            publish({ topic, payload, ...source, ...(time === null ? {} : { time }) }),
          ),
        )
        const failed = outcomes.find((outcome) => outcome.status === 'rejected')
        if (failed) throw asAppError(failed.reason)
        return reply.code(204).send()
      })
    }
  })
}

interface LineMessage {
  line: number
  topic: string
  payload: Buffer
  /** Milliseconds; `null`: when it is captured. */
  time: number | null
}

function messagesOf(text: string, precision: string, prefix: string, problems: Problem[]): LineMessage[] {
  const messages: LineMessage[] = []
  const lines = text.split('\n')
  if (lines.length > linesMax) throw new AppError('payload_too_large', `more than ${linesMax} lines`)
  for (const [index, raw] of lines.entries()) {
    const line = raw.trim()
    if (line === '' || line.startsWith('#')) continue
    const record = decodeInflux(line)?.records[0]
    if (!record) {
      problems.push({ path: `line ${index + 1}`, message: 'this is not line protocol' })
      continue
    }
    const { measurement = '', ...tags } = record.tags ?? {}
    const levels = [measurement, ...Object.values(tags)].map((level) => level.replaceAll(/[+#/\0]/g, '_'))
    const topic = [...(prefix === '' ? [] : [prefix.replace(/\/$/, '')]), ...levels].join('/')
    const fault = topic.startsWith('$') ? 'topics that start with $ are the server’s own' : topicFault(topic)
    if (fault !== null) problems.push({ path: `line ${index + 1}`, message: fault })
    else {
      const payload = Buffer.from(inNanoseconds(line, precision))
      messages.push({ line: index + 1, topic, payload, time: timeOf(line, precision, index + 1, problems) })
    }
  }
  return messages
}

const perMs: Record<string, bigint> = { ns: 1_000_000n, n: 1_000_000n, us: 1000n, u: 1000n, ms: 1n }

function timeOf(line: string, precision: string, number: number, problems: Problem[]): number | null {
  const [, digits] = / (-?\d{1,19})$/.exec(line) ?? []
  if (digits === undefined) return null
  const divisor = perMs[precision]
  const time = divisor === undefined ? Number(digits) * 1000 : Number(BigInt(digits) / divisor)
  if (Math.abs(time) <= timeMax) return time
  problems.push({ path: `line ${number}`, message: 'the time is out of range; is precision= right?' })
  return null
}

/** The line as it is, its time in nanoseconds. */
function inNanoseconds(line: string, precision: string): string {
  return line.replace(/ (-?\d+)$/, (_whole, time: string) => ` ${time}${zeros[precision] ?? ''}`)
}

function textOf(body: unknown, encoding: string | undefined, bytesMax: number): string {
  if (!Buffer.isBuffer(body) || body.length === 0) throw new AppError('bad_request', 'the body is empty')
  if (encoding === undefined || encoding === 'identity') return body.toString()
  if (encoding !== 'gzip') {
    throw new AppError('unsupported_media_type', 'Content-Encoding: send the body as it is, or as gzip')
  }
  try {
    return gunzipSync(body, { maxOutputLength: bytesMax }).toString()
  } catch (error) {
    const isTooLarge = (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE'
    throw isTooLarge
      ? new AppError('payload_too_large', `more than ${bytesMax} bytes (http.max_body_size)`)
      : new AppError('bad_request', 'the body is not gzip', { cause: error })
  }
}
