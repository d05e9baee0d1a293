// Every key of a rules file: its type and what it does. The one source of the checks and of the reference in
// docs/cleaning.md.

import { type Static, Type } from '@sinclair/typebox'
import { formats } from '../decode/decoded.ts'

const closed = { additionalProperties: false }
const text = (description: string) => Type.String({ minLength: 1, maxLength: 4096, description })
const choice = <const T extends readonly string[]>(values: T, description: string) =>
  Type.Unsafe<T[number]>({ type: 'string', enum: [...values], description })
const scalar = Type.Union([Type.Number(), Type.String(), Type.Boolean()])
const duration = (description: string) =>
  Type.String({ pattern: '^(\\d+(\\.\\d+)?(ms|[smhdwy]))+$', description })

export const timeFormats = ['auto', 'iso8601', 'epoch_s', 'epoch_ms', 'epoch_us', 'epoch_ns'] as const

const timeSchema = Type.Object(
  {
    path: text(
      'Field that holds the time, or a pattern: the first field that fits. *: the fields at the top that are named like a time. **: the fields below the top that are named like a time, when all are the same.',
    ),
    date: Type.Optional(text('Field that holds the day, where `path` holds the time of day alone.')),
    if: Type.Optional(
      Type.Record(Type.String(), Type.Union([scalar, Type.Null(), Type.Array(scalar)]), {
        description: 'Field: value or values it must have for the time to count; null: it must not be there.',
      }),
    ),
    format: Type.Optional(
      text(
        `One of ${timeFormats.join(', ')}, or a pattern of YYYY YY MM DD HH mm ss SSS. By default found out.`,
      ),
    ),
    zone: Type.Optional(
      text('Where a time without an offset is meant: an IANA name, UTC or an offset such as +01:00.'),
    ),
    max_future: Type.Optional(duration('How far after it was received a time may be. Default 5m.')),
    max_age: Type.Optional(
      duration('How far before it was received a time may be. Default: any time since 2001.'),
    ),
  },
  closed,
)

const fieldSchema = Type.Object(
  {
    type: Type.Optional(
      choice(
        ['number', 'integer', 'boolean', 'text'],
        'What the value is made; one that cannot be is refused.',
      ),
    ),
    unit: Type.Optional(text('The unit, or `from -> to` to convert.')),
    unit_from: Type.Optional(text('Field that names the unit.')),
    min: Type.Optional(Type.Number({ description: 'Smallest value that can be.' })),
    max: Type.Optional(Type.Number({ description: 'Largest value that can be.' })),
    missing: Type.Optional(
      Type.Union([scalar, Type.Array(scalar)], { description: 'Values that stand for no value.' }),
    ),
    round: Type.Optional(Type.Integer({ minimum: 0, maximum: 15, description: 'Digits after the point.' })),
    on_range: Type.Optional(
      choice(
        ['reject', 'clamp', 'drop', 'mark'],
        'A value that cannot be: refuse the reading (default), take the nearest, leave the field out, or keep and mark it.',
      ),
    ),
  },
  closed,
)

export const ruleSchema = Type.Object(
  {
    name: text('Shown with every reading the rule made.'),
    topic: Type.Union([text('MQTT filter.'), Type.Array(text('MQTT filter.'), { minItems: 1 })], {
      description: 'MQTT filter or filters; the first rule that matches applies.',
    }),
    also: Type.Optional(Type.Boolean({ description: 'Let the next rule that matches run too.' })),
    tags: Type.Optional(
      Type.Record(Type.String(), Type.Union([Type.Integer(), Type.String()]), {
        description: 'Labels: a level of the topic by its number from 1 (from the end: -1), or a constant.',
      }),
    ),
    decode: Type.Optional(choice(formats, 'What the payload is. Default `auto`.')),
    csv: Type.Optional(
      Type.Object(
        {
          delimiter: Type.Optional(Type.String({ minLength: 1, maxLength: 1 })),
          header: Type.Optional(Type.Union([Type.Boolean(), Type.Array(Type.String())])),
        },
        {
          ...closed,
          description: 'For `decode: csv`: the delimiter; the columns, or whether the first line names them.',
        },
      ),
    ),
    protobuf: Type.Optional(
      Type.Object(
        { file: text('Beside the rules file.'), message: text('Full name of the message type.') },
        { ...closed, description: 'For `decode: protobuf`: a .proto file and the type in it.' },
      ),
    ),
    time: Type.Optional(
      Type.Union([timeSchema, Type.Array(timeSchema, { minItems: 1 })], {
        description: 'Where the time of the reading is; of several the first that is a time.',
      }),
    ),
    samples: Type.Optional(
      Type.Union([Type.Boolean(), text('Member that holds the time of each sample.')], {
        description:
          'Make each sample of a message a reading of its own: true where members are named like a time or lists of them hold times, or the name of the member.',
      }),
    ),
    parse_json: Type.Optional(
      Type.Array(text('Field or pattern.'), {
        description:
          'Fields whose text is JSON: what it says is read below them, one level deep; the text stays.',
      }),
    ),
    keep: Type.Optional(
      Type.Array(text('Field or pattern.'), { description: 'Only these fields; * is any text.' }),
    ),
    drop: Type.Optional(
      Type.Array(text('Field or pattern.'), { description: 'Not these fields; * is any text.' }),
    ),
    rename: Type.Optional(Type.Record(Type.String(), Type.String(), { description: 'Old name: new name.' })),
    fields: Type.Optional(
      Type.Record(Type.String(), fieldSchema, { description: 'Field or pattern: what its value must be.' }),
    ),
    where: Type.Optional(
      text('CEL over fields, tags and topic; when false the payload is kept without fields.'),
    ),
    dedupe: Type.Optional(
      Type.Object(
        { window: duration('How long.') },
        {
          ...closed,
          description: 'Not to store the same payload again on the same topic within the window.',
        },
      ),
    ),
    deadband: Type.Optional(
      Type.Object(
        {
          max_silence: Type.Optional(
            duration('After this long a field is kept even when it did not change.'),
          ),
        },
        {
          additionalProperties: Type.Number({ minimum: 0 }),
          description: 'Field: a change up to this much leaves the field out. The payload is kept.',
        },
      ),
    ),
    transform: Type.Optional(
      text('JSONata over the payload; what it gives is decoded instead. The last resort.'),
    ),
    schema: Type.Optional(
      text('JSON Schema beside the rules file that the payload must fit, else it is refused.'),
    ),
    store: Type.Optional(choice(['raw+fields', 'fields', 'none'], 'What is stored. Default `raw+fields`.')),
    retention: Type.Optional(duration('How long the readings of this rule are kept.')),
  },
  closed,
)

export const rulesFileSchema = Type.Object(
  {
    zone: Type.Optional(text('Where times without an offset are meant, for rules that do not say.')),
    profiles: Type.Optional(
      Type.Union([Type.Literal('all'), Type.Array(Type.String())], {
        description: 'Families whose rules apply after those of the file: `all` or names.',
      }),
    ),
    rules: Type.Optional(Type.Array(ruleSchema)),
  },
  closed,
)

export type RuleSource = Static<typeof ruleSchema>
export type FieldSource = Static<typeof fieldSchema>
export type TimeSource = Static<typeof timeSchema>
export type RulesFile = Static<typeof rulesFileSchema>
