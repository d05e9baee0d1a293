// User properties: name and value pairs whose order counts and whose names may repeat [MQTT-3.1.3-10, 3.3.2-18].
// Aedes' world holds them as an object, which loses both, so the pairs ride along under a symbol.

import type { UserProperties } from 'mqtt-packet'

export type Pairs = readonly (readonly [string, string])[]

const pairsOf = Symbol('pairs')

/** The object form Aedes and its persistence know, with the exact pairs beside it. */
export function withPairs(pairs: Pairs): UserProperties {
  const object = Object.create(null) as Record<string, string | string[]>
  for (const [name, value] of pairs) {
    const before = object[name]
    if (before === undefined) object[name] = value
    else if (typeof before === 'string') object[name] = [before, value]
    else before.push(value)
  }
  Object.defineProperty(object, pairsOf, { value: pairs })
  return object as UserProperties
}

/** The pairs as sent; of an object that came from elsewhere (a journal), in the object's order. */
export function orderedPairs(properties: UserProperties): Pairs {
  const exact = (properties as { [pairsOf]?: Pairs })[pairsOf]
  if (exact !== undefined) return exact
  return Object.entries(properties).flatMap(([name, value]) =>
    Array.isArray(value) ? value.map((v) => [name, v] as const) : [[name, value] as const],
  )
}
