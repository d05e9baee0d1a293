// The query parameters that many routes share: topics, times, pages, formats; parsed once at this edge.

import type { FastifyRequest } from 'fastify'
import { distance } from 'fastest-levenshtein'
import { Type } from '@sinclair/typebox'
import type { Principal } from '../auth/principal.ts'
import { AppError, inParameter } from '../domain/errors.ts'
import { checkFilter, hasWildcard, printable } from '../domain/topic.ts'

const filtersMax = 100

export const topicParameters = {
  topic: Type.Optional(
    Type.Array(Type.String(), {
      maxItems: filtersMax,
      description: 'MQTT topic filter (+ and # are wildcards; write # as %23). May be repeated.',
      examples: ['home/+/temperature'],
    }),
  ),
  prefix: Type.Optional(
    Type.Array(Type.String(), {
      maxItems: filtersMax,
      description: 'This topic and all below it. May be repeated.',
      examples: ['home/kitchen'],
    }),
  ),
}

export const formatParameter = {
  format: Type.Optional(
    Type.Union([Type.Literal('json'), Type.Literal('ndjson'), Type.Literal('csv')], {
      description: 'Form of the answer; goes before the Accept header.',
    }),
  ),
}

export const ticketParameter = {
  ticket: Type.Optional(
    Type.String({
      maxLength: 100,
      description: 'From POST /api/v1/tickets, where no Authorization can be sent.',
    }),
  ),
}

export const pageParameters = (limit: number, most: number) => ({
  limit: Type.Integer({
    minimum: 1,
    maximum: most,
    default: Math.min(limit, most),
    description: 'Most rows of one page.',
  }),
  cursor: Type.Optional(Type.String({ maxLength: 100_000, description: 'page.next of the page before.' })),
})

export const timeUnitParameter = {
  time: Type.Optional(
    Type.Union([Type.Literal('ms'), Type.Literal('s'), Type.Literal('us'), Type.Literal('ns')], {
      description: 'Times go out as numbers of this unit instead of RFC 3339.',
    }),
  ),
}

export const readingStyleParameters = {
  ...timeUnitParameter,
  fields: Type.Optional(
    Type.Array(Type.String(), { description: 'Only these fields and all below them; commas or repeated.' }),
  ),
  raw: Type.Union([Type.Literal('0'), Type.Literal('1')], {
    default: '0',
    description: '1 adds the exact payload.',
  }),
}

/** `fields=a,b&fields=c` as one list. */
export function fieldNames(fields: readonly string[] | undefined): string[] | undefined {
  return fields?.flatMap((names) => names.split(','))
}

/** The filters asked for; none at all means every topic. A single topic that is forbidden is refused by name. */
export function filtersOf(
  { topic = [], prefix = [] }: { topic?: string[]; prefix?: string[] },
  principal: Principal,
): string[] {
  const filters = topic.map(spaced)
  for (const filter of filters) {
    inParameter('topic', () => checkFilter(filter))
    if (!hasWildcard(filter) && !principal.mayRead(filter)) {
      throw new AppError('forbidden', `you may not read "${printable(filter)}"`)
    }
  }
  const below = prefix.map(spaced).map((start) => {
    const filter = `${start.replace(/\/$/, '')}/#`
    inParameter('prefix', () => checkFilter(start === '' ? '#' : filter))
    if (hasWildcard(start)) {
      const message = `"${printable(start)}" holds a wildcard; use topic= for filters`
      throw new AppError('bad_filter', `prefix: ${message}`, { problems: [{ path: 'prefix', message }] })
    }
    return start === '' ? '#' : filter
  })
  return [...filters, ...below]
}

/**
 * A `+` is the wildcard, or a space as forms and most clients write it (URL Standard, 5.1): within a level it can be no other
 * [MQTT-4.7.1-2].
 */
function spaced(filter: string): string {
  return filter.replaceAll(/(?<=[^/+])\++(?=[^/+])/g, (run) => ' '.repeat(run.length))
}

/** Refuses a parameter that the route does not know, naming the nearest it does. */
export function checkKnown(request: FastifyRequest): void {
  const schema = request.routeOptions.schema?.querystring as { properties?: object } | undefined
  const known = Object.keys(schema?.properties ?? {})
  for (const name of Object.keys(request.query as object)) {
    if (known.includes(name)) continue
    const nearest = known
      .map((one) => ({ one, far: distance(one, name.slice(0, 60)) }))
      .sort((a, b) => a.far - b.far)[0]?.one
    const hint = nearest === undefined ? 'this route takes none' : `did you mean "${nearest}"?`
    const message = `"${printable(name).slice(0, 60)}" is not a parameter of this route; ${hint}`
    throw new AppError('unknown_parameter', message, { problems: [{ path: name.slice(0, 60), message }] })
  }
}
