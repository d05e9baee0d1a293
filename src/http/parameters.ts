// The query parameters that routes share: their schemas (which make the OpenAPI document) and what they mean.

import { Type } from 'typebox'
import { AppError } from '../domain/errors.ts'
import { formatTime, type TimeUnit } from '../domain/time.ts'
import { checkFilter } from '../domain/topic.ts'

const list = (description: string) => Type.Optional(Type.Array(Type.String(), { description }))

export const scopeParameters = {
  topic: list('MQTT topic filter (`+`, `#`); may repeat. A literal + needs no escape, # is written %23.'),
  prefix: list('This topic and all below it; may repeat.'),
}

export const pageParameters = {
  limit: Type.Integer({ minimum: 1, default: 1000, description: 'Rows of a page.' }),
  cursor: Type.Optional(Type.String({ description: '`page.next` of the page before, with the same parameters.' })),
}

export const shapeParameters = {
  format: Type.Optional(
    Type.Unsafe<'json' | 'ndjson' | 'csv'>({
      type: 'string',
      enum: ['json', 'ndjson', 'csv'],
      description: 'Format of the answer; without it the Accept header decides.',
    }),
  ),
  time: Type.Optional(
    Type.Unsafe<TimeUnit>({
      type: 'string',
      enum: ['ms', 's', 'us', 'ns'],
      description: 'Times as numbers of this unit since 1970, not as RFC 3339.',
    }),
  ),
}

export const readingParameters = {
  fields: list('Names of `fields` to show, with all below them; comma-separated, may repeat. Without it all are shown.'),
  raw: Type.Optional(
    Type.Unsafe<'0' | '1' | 'true' | 'false'>({
      type: 'string',
      enum: ['0', '1', 'true', 'false'],
      description: '1 adds the exact bytes as `payload`, or as `payload_base64` when they are not UTF-8.',
    }),
  ),
}

/** The filters a caller asks for with `topic` and `prefix`; none means every topic. Throws `bad_filter`. */
export function filtersOf({ topic = [], prefix = [] }: { topic?: string[]; prefix?: string[] }): string[] {
  for (const filter of topic) checkFilter(filter)
  return [...topic, ...prefix.map(filterOfPrefix)]
}

/** `a/b` and `a/b/` → `a/b/#`, which matches `a/b` too [MQTT-4.7.1-2]. */
function filterOfPrefix(prefix: string): string {
  if (prefix === '') throw new AppError('bad_filter', '`prefix` is empty; leave it out to ask for every topic')
  const filter = prefix.endsWith('/') ? `${prefix}#` : `${prefix}/#`
  checkFilter(filter)
  return filter
}

/** Whether a field is shown: named itself, or below a name. `null`: every field. */
export function fieldChoice(names: string[] | undefined): ((field: string) => boolean) | null {
  if (!names) return null
  const chosen = names.flatMap((text) => text.split(',')).filter((name) => name !== '')
  return (field) => chosen.some((name) => field === name || field.startsWith(`${name}.`))
}

/** A time as JSON text in the unit asked for. */
export function timeText(ms: number, unit: TimeUnit | undefined): string {
  switch (unit) {
    case undefined:
      return `"${formatTime(ms)}"`
    case 's':
      return String(ms / 1000)
    case 'ms':
      return String(ms)
    case 'us':
      return String(BigInt(ms) * 1000n)
    case 'ns':
      return String(BigInt(ms) * 1_000_000n)
  }
}
