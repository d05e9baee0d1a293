// POST /api/v1/publish: one message or an array of them, each stored before the answer leaves.
// The whole body is checked before the first message is published.

import { isUtf8 } from 'node:buffer'
import type { FastifyInstance } from 'fastify'
import type { Principal } from '../../auth/principal.ts'
import { AppError, asAppError, type Problem } from '../../domain/errors.ts'
import { printable, topicFault } from '../../domain/topic.ts'
import type { Message } from '../../ingest/capture.ts'
import { decodeBase64 } from '../base64.ts'
import type { RouteContext } from '../context.ts'
import { messagesSchema, storedSchema } from '../schemas.ts'
import { elementsOf, membersOf } from '../jsonSlices.ts'

const known = ['topic', 'payload', 'payload_json', 'payload_base64', 'qos', 'retain']

export function addPublish(app: FastifyInstance, { login, publish, limits }: RouteContext): void {
  const schema = {
    tags: ['write'],
    summary: 'Publish one message, or an array of them',
    description: 'Answers when everything is stored; subscribers receive it as if it came over MQTT.',
    body: messagesSchema(limits.publish_batch),
    response: { 200: storedSchema },
  }
  // The bytes of the body are read by `messageOf`, which keeps payload_json as it was written; the schema is for /docs.
  const validatorCompiler = () => () => true
  app.post(
    '/api/v1/publish',
    { schema, validatorCompiler, config: { unaudited: true } },
    async (request, reply) => {
      const text = textOf(request.body)
      const many = Array.isArray(JSON.parse(text))
      const slices = many ? elementsOf(text) : [text]
      if (slices.length > limits.publish_batch) {
        throw new AppError(
          'payload_too_large',
          `${slices.length} messages; at most ${limits.publish_batch} at a time (limits.publish_batch)`,
        )
      }
      const principal = login.principalOf(request)
      const problems: Problem[] = []
      const messages = slices.map((slice, index) => messageOf(slice, many ? `/${index}` : '', problems))
      if (problems.length > 0) {
        const [first] = problems
        throw new AppError('bad_request', `${first?.path}: ${first?.message}`, {
          problems: problems.slice(0, 20),
        })
      }
      for (const { topic } of messages) checkWritable(principal, topic)
      const seqs = await settleAll(messages.map((one) => publish({ ...one, user: principal.name })))
      const answer = seqs.map((seq) => ({ seq }))
      void reply.header('cache-control', 'no-store').serializer((value) => JSON.stringify(value))
      return reply.send(many ? answer : answer[0])
    },
  )
}

function checkWritable(principal: Principal, topic: string): void {
  if (topic.startsWith('$')) {
    throw new AppError(
      'forbidden',
      `"${printable(topic)}": topics that start with $ are the server's own [MQTT-4.7.2]`,
    )
  }
  if (!principal.mayWrite(topic)) {
    throw new AppError('forbidden', `you may not publish to "${printable(topic)}"`)
  }
}

/** Waits for all of them; when some were refused, says which, so that only those need sending again. */
async function settleAll(asked: readonly Promise<number>[]): Promise<number[]> {
  const seqs: number[] = []
  const failed: { index: number; error: AppError }[] = []
  for (const [index, outcome] of (await Promise.allSettled(asked)).entries()) {
    if (outcome.status === 'fulfilled') seqs.push(outcome.value)
    else failed.push({ index, error: asAppError(outcome.reason) })
  }
  const [first] = failed
  if (!first) return seqs
  if (asked.length === 1) throw first.error
  throw new AppError(
    first.error.code,
    `${failed.length} of ${asked.length} messages were not stored (the first: ${first.error.message}); the others are stored`,
    {
      cause: first.error,
      problems: failed.map(({ index, error }) => ({ path: `/${index}`, message: error.message })),
    },
  )
}

function textOf(body: unknown): string {
  if (!(body instanceof Uint8Array) || body.length === 0) {
    throw new AppError('bad_request', 'the body is empty; send a JSON object with topic and payload')
  }
  if (!isUtf8(body)) throw new AppError('bad_request', 'the body is not UTF-8')
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString()
  try {
    JSON.parse(text)
  } catch (error) {
    throw new AppError('bad_request', `the body is not JSON: ${(error as Error).message.slice(0, 200)}`)
  }
  return text
}

/** Reads one message and adds what is wrong with it to `problems`. */
function messageOf(slice: string, path: string, problems: Problem[]): Message {
  const wrong = (name: string, message: string): void =>
    void problems.push({ path: `${path}/${name}`, message })
  const parsed: unknown = JSON.parse(slice)
  const isObject = typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)
  if (!isObject) wrong('', 'must be an object with topic and payload')
  const members = new Map(isObject ? Object.entries(parsed) : [])
  for (const name of members.keys()) {
    if (!known.includes(name)) wrong(printable(name).slice(0, 60), `is not known; use ${known.join(', ')}`)
  }
  const topic = members.get('topic')
  const fault = typeof topic === 'string' ? topicFault(topic) : 'must be a string'
  if (fault !== null && isObject) wrong('topic', fault)
  const qos = members.get('qos') ?? 0
  if (qos !== 0 && qos !== 1 && qos !== 2) wrong('qos', 'must be 0, 1 or 2')
  const retain = members.get('retain') ?? false
  if (typeof retain !== 'boolean') wrong('retain', 'must be true or false')
  const given = known.slice(1, 4).filter((name) => members.has(name))
  if (given.length !== 1 && isObject)
    wrong('payload', 'give exactly one of payload, payload_json, payload_base64')
  return {
    topic: String(topic),
    payload: given.length === 1 ? payloadOf(given[0] ?? '', members, slice, wrong) : Buffer.alloc(0),
    qos: qos as 0 | 1 | 2,
    retain: retain === true,
    source: 'http',
    user: null,
    clientId: '',
    properties: null,
  }
}

function payloadOf(
  name: string,
  members: Map<string, unknown>,
  slice: string,
  wrong: (name: string, message: string) => void,
): Buffer {
  // The very text of the body, so that a 19-digit integer keeps every digit.
  if (name === 'payload_json') return Buffer.from(membersOf(slice).get(name) ?? '')
  const value = members.get(name)
  if (typeof value !== 'string') {
    wrong(name, 'must be a string; use payload_json for JSON')
    return Buffer.alloc(0)
  }
  if (name === 'payload') {
    if (!value.isWellFormed()) wrong(name, 'is not well-formed Unicode; use payload_base64 for bytes')
    return Buffer.from(value)
  }
  const bytes = decodeBase64(value)
  if (bytes === null) wrong(name, 'is not base64')
  return bytes ?? Buffer.alloc(0)
}
