// POST /api/v2/write and /write: InfluxDB line protocol, as Telegraf and the libraries of small devices send it. Each line is
// published as it is: its topic is measurement/tag values, so that it is read, kept and delivered like every other message.

import type { FastifyInstance } from 'fastify'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import { Type, type Static } from '@sinclair/typebox'
import { AppError, asAppError, type Problem } from '../../domain/errors.ts'
import { timeMax } from '../../domain/time.ts'
import { printable, topicFault } from '../../domain/topic.ts'
import type { Publish } from '../../ingest/capture.ts'
import { decodeInflux } from '../../ingest/decode/influx.ts'
import { influxFault, type LineFault } from '../../ingest/decode/influxFault.ts'
import { Turns } from '../../query/turns.ts'
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
const unzip = promisify(gunzip)

export function addLineProtocol(app: FastifyInstance, { login, publish, limits }: RouteContext): void {
  void app.register(async (scope) => {
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
    for (const url of ['/api/v2/write', '/write']) {
      const schema = {
        querystring: search,
        tags: ['write'],
        summary: 'Write InfluxDB line protocol',
        description:
          'Each line is published to PREFIX/MEASUREMENT/TAG VALUES in the order they are written. Lines that are wrong are named in `errors` of a 400 by line, column and reason; the others are stored.',
        response: { 204: Type.Null() },
      }
      scope.post(url, { schema, config: { unaudited: true, doc } }, async (request, reply) => {
        const { precision, prefix } = request.query as Static<typeof search>
        const principal = login.principalOf(request)
        const text = await textOf(request.body, request.headers['content-encoding'], limits.row_bytes)
        // Who has gone by now has sent what is to be stored all the same.
        const turns = new Turns(new AbortController().signal)
        const faults: LineFaults = { problems: [], count: 0, forbidden: 0 }
        const read = { precision, prefix, mayWrite: (topic: string) => principal.mayWrite(topic) }
        const messages = await messagesOf(text, read, faults, turns)
        const outcomes = await publishAll(messages, principal.name, publish, turns)
        const failed = outcomes.find((outcome) => outcome.status === 'rejected')
        if (failed) throw asAppError(failed.reason)
        if (faults.count > 0) throw partial(messages.length, faults)
        return reply.code(204).send()
      })
    }
  })
}

/** Lines that are named one by one; the rest are counted. */
const namedMax = 100

interface LineFaults {
  problems: Problem[]
  count: number
  /** Of these because the topic may not be published to. */
  forbidden: number
}

/** As InfluxDB does it: what is right in a batch is stored, and what is wrong is told. */
function partial(stored: number, { problems, count, forbidden }: LineFaults): AppError {
  const [first] = problems
  const rest = count === 1 ? '' : ` (and ${count - 1} more)`
  const others = stored === 0 ? 'nothing was written' : `partial write: the other ${stored} are stored`
  const code = forbidden === count ? 'forbidden' : 'bad_request'
  return new AppError(code, `${first?.path}: ${first?.message}${rest}; ${others}`, { problems })
}

interface LineMessage {
  topic: string
  payload: Buffer
  /** Milliseconds; `null`: when it is captured. */
  time: number | null
}

async function publishAll(
  messages: readonly LineMessage[],
  user: string | null,
  publish: Publish,
  turns: Turns,
): Promise<PromiseSettledResult<unknown>[]> {
  const source = { qos: 0, retain: false, source: 'http', user, clientId: '', properties: null } as const
  const stored: Promise<unknown>[] = []
  for (const { topic, payload, time } of messages) {
    const one = publish({ topic, payload, ...source, ...(time === null ? {} : { time }) })
    // What fails before the last is sent is looked at below.
    one.catch(() => undefined)
    stored.push(one)
    if (turns.isOver) await turns.next()
  }
  return Promise.allSettled(stored)
}

interface LineReading {
  precision: string
  prefix: string
  mayWrite: (topic: string) => boolean
}

async function messagesOf(
  text: string,
  reading: LineReading,
  faults: LineFaults,
  turns: Turns,
): Promise<LineMessage[]> {
  const messages: LineMessage[] = []
  const lines = text.split('\n')
  if (lines.length > linesMax)
    throw new AppError('payload_too_large', `more than ${linesMax} lines; send them in several requests`)
  for (const [index, line] of lines.entries()) {
    if (turns.isOver) await turns.next()
    if (line.trim() === '' || line.trimStart().startsWith('#')) continue
    const message = messageOf(line, reading)
    if ('payload' in message) {
      messages.push(message)
      continue
    }
    faults.count++
    if (message.isForbidden) faults.forbidden++
    if (faults.problems.length >= namedMax) continue
    faults.problems.push({ path: `line ${index + 1}, column ${message.column}`, message: message.message })
  }
  return messages
}

type LineProblem = LineFault & { isForbidden?: true }

function messageOf(raw: string, { precision, prefix, mayWrite }: LineReading): LineMessage | LineProblem {
  const line = raw.trim()
  const before = raw.length - raw.trimStart().length
  const record = decodeInflux(line)?.records[0]
  if (!record) {
    const { column, message } = influxFault(line)
    return { column: column + before, message }
  }
  const { measurement = '', ...tags } = record.tags ?? {}
  const levels = [measurement, ...Object.values(tags)].map((level) => level.replaceAll(/[+#/\0]/g, '_'))
  const topic = [...(prefix === '' ? [] : [prefix.replace(/\/$/, '')]), ...levels].join('/')
  const fault = topic.startsWith('$') ? 'topics that start with $ are the server’s own' : topicFault(topic)
  const column = before + 1
  if (fault !== null) return { column, message: fault }
  if (!mayWrite(topic))
    return { column, message: `you may not publish to "${printable(topic)}"`, isForbidden: true }
  const time = timeOf(line, precision)
  if (time !== null && Math.abs(time) > timeMax) {
    const message = 'the time is out of range; is precision= right?'
    return { column: before + line.lastIndexOf(' ') + 2, message }
  }
  return { topic, payload: Buffer.from(inNanoseconds(line, precision)), time }
}

const perMs: Record<string, bigint> = { ns: 1_000_000n, n: 1_000_000n, us: 1000n, u: 1000n, ms: 1n }

/** Milliseconds; `null` where the line has no time. */
function timeOf(line: string, precision: string): number | null {
  const [, digits] = / (-?\d{1,19})$/.exec(line) ?? []
  if (digits === undefined) return null
  const divisor = perMs[precision]
  return divisor === undefined ? Number(digits) * 1000 : Number(BigInt(digits) / divisor)
}

/** The line as it is, its time in nanoseconds. */
function inNanoseconds(line: string, precision: string): string {
  return line.replace(/ (-?\d+)$/, (_whole, time: string) => ` ${time}${zeros[precision] ?? ''}`)
}

async function textOf(body: unknown, encoding: string | undefined, bytesMax: number): Promise<string> {
  if (!Buffer.isBuffer(body) || body.length === 0) throw new AppError('bad_request', 'the body is empty')
  if (encoding === undefined || encoding === 'identity') return body.toString()
  if (encoding !== 'gzip') {
    throw new AppError('unsupported_media_type', 'Content-Encoding: send the body as it is, or as gzip')
  }
  try {
    return String(await unzip(body, { maxOutputLength: bytesMax }))
  } catch (error) {
    const isTooLarge = (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE'
    throw isTooLarge
      ? new AppError('payload_too_large', `more than ${bytesMax} bytes (http.max_body_size)`)
      : new AppError('bad_request', 'the body is not gzip', { cause: error })
  }
}
