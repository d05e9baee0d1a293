// Reads numbers and leaves straight out of payload bytes, for readings that are not in a block yet: a payload is compared
// with the layouts seen before, and what JSON.parse would give is found without building it. A scanner belongs to one
// query; it remembers a few layouts and nothing else.

import { leafKind } from './json.ts'
import { Layouts } from './layouts.ts'
import { type LeafValue, leafValue, visitLeaves } from './leaves.ts'
import { type Tokens, tokenNumber } from './tokens.ts'

/** The number at the scanner's path in bytes[start…end); NaN when there is none, or none that a double holds. */
export type NumberScanner = (bytes: Uint8Array, start: number, end: number) => number

/** A scanner for one path. Of equal keys the last one counts, as with JSON.parse. */
export function createNumberScanner(path: string): NumberScanner {
  const layouts = new Layouts()
  // What path means in each layout, by the layout's place.
  const leaves: number[] = []
  return (bytes, start, end) => {
    const place = layouts.match(bytes, start, end)
    if (place < 0) return numberBySearch(path, bytes, start, end)
    const shape = layouts.shapes[place]!
    const leaf = (leaves[place] ??= shape.paths.indexOf(path))
    if (leaf < 0 || shape.kinds[leaf] !== leafKind.number) return Number.NaN
    const value = tokenNumber(layouts.tokens, leaf, bytes)
    return Number.isFinite(value) ? value : Number.NaN
  }
}

/** Calls `visit` with every scalar leaf of bytes[start…end) and answers true; false when that is no JSON. */
export type LeafScanner = (
  bytes: Uint8Array,
  start: number,
  end: number,
  visit: (path: string, value: LeafValue) => void,
) => boolean

/** A scanner for all leaves, each path once. Numbers are doubles, infinite where JSON.parse makes them so. */
export function createLeafScanner(): LeafScanner {
  const layouts = new Layouts()
  return (bytes, start, end, visit) => {
    const place = layouts.match(bytes, start, end)
    if (place < 0) return leavesBySearch(bytes, start, end, visit)
    const { paths, kinds } = layouts.shapes[place]!
    for (const [leaf, path] of paths.entries()) {
      if (path !== null) visit(path, tokenValue(layouts.tokens, leaf, kinds[leaf]!, bytes))
    }
    return true
  }
}

function tokenValue(tokens: Tokens, leaf: number, kind: number, bytes: Uint8Array): LeafValue {
  if (kind === leafKind.number) return tokenNumber(tokens, leaf, bytes)
  return leafValue(bytes, kind, tokens.starts[leaf]!, tokens.ends[leaf]!)
}

function numberBySearch(path: string, bytes: Uint8Array, start: number, end: number): number {
  let found = Number.NaN
  visitLeaves(bytes, start, end, (at, value) => {
    if (at === path) found = typeof value === 'number' && Number.isFinite(value) ? value : Number.NaN
  })
  return found
}

function leavesBySearch(
  bytes: Uint8Array,
  start: number,
  end: number,
  visit: (path: string, value: LeafValue) => void,
): boolean {
  const last = new Map<string, LeafValue>()
  const isJson = visitLeaves(bytes, start, end, (path, value) => last.set(path, value))
  for (const [path, value] of last) visit(path, value)
  return isJson
}
