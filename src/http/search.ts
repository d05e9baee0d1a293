// The query string, as this API reads it: a `+` is a `+`, a name may come again, nothing is thrown.
// What cannot be decoded is marked, and refused by the first hook of a request.

import type { Problem } from '../domain/errors.ts'

const malformed = Symbol('malformed')
const pairsMax = 1000

/** Name → value, or values in the order given when the name repeats. */
export type Search = Record<string, string | string[]> & { [malformed]?: Problem }

/** Never throws: Fastify calls it outside its error handling. */
export function parseSearch(text: string): Search {
  const search = Object.create(null) as Search
  const pairs = text.split('&').filter((pair) => pair !== '')
  if (pairs.length > pairsMax) {
    search[malformed] = { path: 'querystring', message: `more than ${pairsMax} parameters` }
    return search
  }
  for (const pair of pairs) {
    const at = pair.indexOf('=')
    try {
      const name = decodeURIComponent(at === -1 ? pair : pair.slice(0, at))
      const value = at === -1 ? '' : decodeURIComponent(pair.slice(at + 1))
      const before = search[name]
      if (before === undefined) search[name] = value
      else search[name] = Array.isArray(before) ? [...before, value] : [before, value]
    } catch {
      const message = `"${pair.slice(0, 60)}" is not percent-encoded UTF-8; write % as %25`
      search[malformed] = { path: pair.slice(0, at === -1 ? 60 : Math.min(at, 60)), message }
    }
  }
  return search
}

/** The same of a form, where a `+` is a space (URL Standard, 5.1). */
export function parseForm(text: string): Search {
  return parseSearch(text.replaceAll('+', '%20'))
}

/** What is wrong with the query string, or `undefined`. */
export function faultOf(search: unknown): Problem | undefined {
  return (search as Search)[malformed]
}

/** The query string again, with `name` set to `value`. */
export function withParameter(search: Search, name: string, value: string): string {
  const pairs = Object.entries(search).flatMap(([key, values]) =>
    key === name ? [] : [values].flat().map((one) => `${encodeURIComponent(key)}=${encodeURIComponent(one)}`),
  )
  return [...pairs, `${encodeURIComponent(name)}=${encodeURIComponent(value)}`].join('&')
}
