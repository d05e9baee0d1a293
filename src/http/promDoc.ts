// What the OpenAPI document says of the routes of Prometheus: they check their parameters by hand, by address or as a form, and
// take others too, since each version of Grafana sends some.

import { Type } from '@sinclair/typebox'
import type { RouteDoc } from './openapi.ts'

/** What of Prometheus' API is there; told to those who ask for something else. */
export const promPaths = [
  'query',
  'query_range',
  'format_query',
  'series',
  'labels',
  'label/:name/values',
  'metadata',
  'status/buildinfo',
  'query_exemplars',
  'rules',
  'alerts',
]

const time = (name: string) =>
  Type.String({ description: `${name} Seconds since 1970, or RFC 3339.`, examples: ['1764000000'] })
const parameters = {
  query: Type.String({ description: 'PromQL.', examples: ['vector(1)'] }),
  time: time('By default now.'),
  start: time('First time.'),
  end: time('Last time, included.'),
  step: Type.String({ description: 'Seconds, or a duration such as 1m.', examples: ['3600'] }),
  'match[]': Type.Array(Type.String(), {
    description: 'Selector; may be repeated.',
    examples: [['{field!=""}']],
  }),
  metric: Type.String({ description: 'This one only.' }),
  limit: Type.String({ description: 'Most rows; 0 for all.', examples: ['1000'] }),
}

export type PromParameter = keyof typeof parameters

const answer = {
  'application/json': {
    schema: Type.Object({ status: Type.Literal('success'), data: Type.Unknown() }),
  },
}

export function promDoc(method: string, names: readonly PromParameter[]): RouteDoc {
  const needed: readonly PromParameter[] = names.includes('step') ? names : ['query']
  const member = (name: PromParameter) =>
    needed.includes(name) ? parameters[name] : Type.Optional(parameters[name])
  const asked = Type.Object(Object.fromEntries(names.map((name) => [name, member(name)])))
  if (method === 'GET') return { query: asked, answer }
  return { body: { 'application/x-www-form-urlencoded': { schema: asked } }, answer }
}
