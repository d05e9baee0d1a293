// What bodies and answers look like, for the OpenAPI document. Answers are written by hand (readingText.ts), so these
// bind nothing by themselves; a test holds real answers against them.

import { Type, type TSchema } from '@sinclair/typebox'
import { type ErrorCode, errorKinds } from '../domain/errors.ts'

const time = (description: string) =>
  Type.Union([Type.String(), Type.Number()], {
    description: `${description} RFC 3339, or a number with time=.`,
  })

export const readingSchema = Type.Object({
  topic: Type.String(),
  time: time("The reading's own time."),
  received_at: time('When the server captured it.'),
  seq: Type.Integer({ description: 'The identity of the reading; ever-growing over the whole server.' }),
  client_id: Type.String({ description: 'The MQTT client that sent it; empty when none did.' }),
  qos: Type.Integer({ minimum: 0, maximum: 2 }),
  retain: Type.Boolean(),
  properties: Type.Optional(
    Type.Object(
      {
        payload_format_indicator: Type.Optional(Type.Boolean()),
        message_expiry_interval: Type.Optional(
          Type.Integer({ description: 'Seconds, as the publisher sent it.' }),
        ),
        content_type: Type.Optional(Type.String()),
        response_topic: Type.Optional(Type.String()),
        correlation_data_base64: Type.Optional(Type.String()),
        user_properties: Type.Optional(
          Type.Array(Type.Array(Type.String(), { minItems: 2, maxItems: 2 }), {
            description: 'Name and value, in the order sent; names may repeat.',
          }),
        ),
      },
      { description: 'The MQTT 5 properties of the publish; left out when it had none.' },
    ),
  ),
  value: Type.Optional(
    Type.Unknown({
      description:
        'The payload: JSON verbatim, other text as a string, null when empty; left out for bytes that are not UTF-8.',
    }),
  ),
  payload: Type.Optional(Type.String({ description: 'With raw=1: the exact payload text.' })),
  payload_base64: Type.Optional(Type.String({ description: 'The payload when it is not UTF-8.' })),
  fields: Type.Record(Type.String(), Type.Union([Type.Number(), Type.Boolean(), Type.String()]), {
    description: 'Dotted path → value.',
  }),
})

export const topicSchema = Type.Object({
  topic: Type.String(),
  readings: Type.Integer(),
  bytes: Type.Integer({ description: 'Payload bytes as received.' }),
  first_time: time('The earliest reading.'),
  last_time: time('The latest reading.'),
  fields: Type.Array(
    Type.Object({
      name: Type.String(),
      type: Type.String(),
      unit: Type.Optional(
        Type.String({ description: 'Where cleaning knows it, or discovery messages of the device say it.' }),
      ),
      title: Type.Optional(Type.String({ description: 'Name for people, from discovery messages.' })),
      kind: Type.Optional(
        Type.String({ description: 'Such as `temperature` or `float`, in the words of discovery messages.' }),
      ),
    }),
    { description: 'The fields of the newest reading.' },
  ),
  tags: Type.Record(Type.String(), Type.String(), { description: 'Of the newest reading.' }),
})

export const treeSchema = Type.Object({
  name: Type.String({ description: 'One level of a topic; may be empty.' }),
  topic: Type.String({ description: 'All levels up to it.' }),
  is_topic: Type.Boolean({ description: 'Whether there are readings of it.' }),
  has_children: Type.Boolean({ description: 'Whether there are topics below.' }),
})

const text = Type.Union([Type.String(), Type.Null()])

export const clientSchema = Type.Object({
  id: Type.String(),
  connected: Type.Boolean(),
  user: text,
  address: text,
  protocol: Type.Union([Type.String(), Type.Null()], { description: '3.1, 3.1.1 or 5.0.' }),
  since: Type.Union([time('When it connected.'), Type.Null()]),
  subscriptions: Type.Array(Type.Object({ topic: Type.String(), qos: Type.Integer() })),
  queued: Type.Integer({ description: 'Messages kept for it.' }),
  messages_in: Type.Integer({ description: 'Publishes it sent since it connected.' }),
  bytes_in: Type.Integer({ description: 'Payload bytes of these.' }),
  messages_out: Type.Integer({ description: 'Publishes it was sent since it connected.' }),
  bytes_out: Type.Integer({ description: 'Payload bytes of these.' }),
  last_seen: Type.Union([time('When it came or went last, as far as is remembered.'), Type.Null()]),
})

export const presenceSchema = Type.Object({
  time: time('When it was.'),
  client_id: Type.String(),
  event: Type.Union([Type.Literal('connected'), Type.Literal('disconnected')]),
  reason: Type.Union([Type.String(), Type.Null()], { description: 'Why it went.' }),
  user: text,
  address: Type.String(),
  protocol: Type.String(),
})

export const retainedSchema = Type.Object({
  topic: Type.String(),
  qos: Type.Integer(),
  client_id: Type.String(),
  value: Type.Optional(Type.Unknown()),
  payload_base64: Type.Optional(Type.String()),
})

export function pageOf<T extends TSchema>(row: T) {
  return Type.Object({
    data: Type.Array(row),
    page: Type.Object({
      limit: Type.Integer(),
      has_more: Type.Boolean(),
      next: Type.Union([Type.String(), Type.Null()], { description: 'cursor= of the next page.' }),
    }),
  })
}

export const meSchema = Type.Object({
  kind: Type.Union([Type.Literal('user'), Type.Literal('anonymous'), Type.Literal('token')]),
  name: text,
  admin: Type.Boolean({ description: 'May manage the server.' }),
  session_ends: Type.Union([Type.String(), Type.Null()], {
    description: 'When the browser is logged out at the latest; null without a session cookie.',
  }),
  demo_password: Type.Boolean({ description: 'The published password of the shipped account still works.' }),
  manages: Type.Object(
    { users: Type.Boolean(), tokens: Type.Boolean(), rules: Type.Boolean() },
    { description: 'What the caller may change here, given the files the server is configured with.' },
  ),
  topics: Type.Array(Type.Object({ topic: Type.String(), read: Type.Boolean(), publish: Type.Boolean() }), {
    description: 'Of the topics asked for.',
  }),
  server: Type.Object({
    version: Type.String(),
    listeners: Type.Array(
      Type.Object({ protocol: Type.String(), tls: Type.Boolean(), port: Type.Integer() }),
      { description: 'Where MQTT clients connect.' },
    ),
  }),
})

const figure = Type.Union([Type.Number(), Type.Null()])
const series = {
  topic: Type.Optional(
    Type.Union([Type.String(), Type.Null()], {
      description:
        'null with group=none; with tags as groups their values stand here under the names of the tags.',
    }),
  ),
  field: Type.String(),
}
const tagOr = (value: TSchema) => Type.Union([value, Type.String(), Type.Null()])

/** A figure stands under the name it was asked for by. */
export const aggregateSchema = pageOf(
  Type.Union([
    Type.Object(
      { ...series, time: time('Where the bucket begins.') },
      { additionalProperties: tagOr(Type.Number()), description: 'shape=rows' },
    ),
    Type.Object(
      { ...series, time: Type.Array(time('Where the bucket begins.')) },
      { additionalProperties: tagOr(Type.Array(figure)), description: 'shape=columns' },
    ),
  ]),
)

const messageSchema = Type.Object(
  {
    topic: Type.String({ description: 'Topic to publish to, without wildcards.' }),
    payload: Type.Optional(Type.String({ description: 'Payload as text, sent as UTF-8.' })),
    payload_json: Type.Optional(
      Type.Unknown({ description: 'Payload as JSON, published as it is written.' }),
    ),
    payload_base64: Type.Optional(Type.String({ description: 'Payload as bytes (RFC 4648, section 4).' })),
    qos: Type.Optional(Type.Integer({ minimum: 0, maximum: 2, default: 0 })),
    retain: Type.Optional(Type.Boolean({ default: false })),
  },
  {
    additionalProperties: false,
    description: 'Exactly one of payload, payload_json, payload_base64.',
    examples: [{ topic: 'home/kitchen/temperature', payload_json: 21.5, qos: 1 }],
  },
)

export function messagesSchema(most: number) {
  return Type.Union([messageSchema, Type.Array(messageSchema, { maxItems: most })])
}

/** RFC 9457, with a code of the one table of errors. */
export const problemSchema = Type.Object({
  type: Type.String(),
  title: Type.String(),
  status: Type.Integer(),
  detail: Type.String(),
  code: Type.Unsafe<ErrorCode>({ type: 'string', enum: Object.keys(errorKinds) }),
  errors: Type.Optional(Type.Array(Type.Object({ path: Type.String(), message: Type.String() }))),
})

const seq = Type.Object({ seq: Type.Integer({ description: 'The number of the stored reading.' }) })

export const storedSchema = Type.Union([seq, Type.Array(seq)])

export const statsSchema = Type.Object({
  version: Type.String(),
  store: Type.Object({
    engine: Type.String(),
    state: Type.String({ description: '`ok`, or why publishes are refused just now.' }),
    readings: Type.Integer(),
    topics: Type.Integer(),
    last_seq: Type.Integer(),
    disk_bytes: Type.Integer(),
    disk_free_bytes: Type.Union([Type.Integer(), Type.Null()], {
      description: 'What the file system can still take; null where that is not known.',
    }),
    days_until_full: Type.Union([Type.Number(), Type.Null()], {
      description: 'At the pace of the last day; null while that is not known.',
    }),
    pending: Type.Integer({ description: 'Readings on their way to the disk.' }),
  }),
  ledger: Type.Record(Type.String(), Type.Record(Type.String(), Type.Integer()), {
    description:
      'Publishes since the start, by source: received = stored + rejected + deduplicated + discarded + those under way.',
  }),
})
