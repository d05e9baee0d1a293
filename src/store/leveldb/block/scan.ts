// Reads numbers and leaves straight out of payload bytes, for readings that are not in a block yet: a payload is compared
// with the layouts seen before, and what JSON.parse would give is found without building it. A scanner belongs to one
// query; it remembers a few layouts and nothing else.

import { mayBeJson } from './groups.ts'
import { leafKind, readJson } from './json.ts'
import { type LeafValue, leafValue, visitLeaves } from './leaves.ts'
import { type Shape, shapeOf } from './shape.ts'
import { shapeLimits } from './shapes.ts'
import { createTokens, matchShape, type Tokens, tokenNumber } from './tokens.ts'

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

/** Layouts a scanner remembers; payloads of any other are parsed. */
const layoutsMax = 32

class Layouts {
  readonly shapes: Shape[] = []
  readonly tokens = createTokens(shapeLimits.leavesMax)
  #last = -1
  #isFull = false

  /** The place of the layout that fits, whose leaves are then in `tokens`; -1 when there is none. */
  match(bytes: Uint8Array, start: number, end: number): number {
    const last = this.#last
    if (last >= 0 && matchShape(this.shapes[last]!, bytes, start, end, this.tokens)) return last
    for (let place = 0; place < this.shapes.length; place++) {
      if (place !== last && matchShape(this.shapes[place]!, bytes, start, end, this.tokens)) {
        this.#last = place
        return place
      }
    }
    return this.#learn(bytes, start, end)
  }

  #learn(bytes: Uint8Array, start: number, end: number): number {
    if (this.#isFull || !mayBeJson(bytes, start, end)) return -1
    const leaves = readJson(bytes, start, end, shapeLimits)
    if (typeof leaves !== 'object') return -1
    const shape = shapeOf(bytes, start, end, leaves)
    if (!matchShape(shape, bytes, start, end, this.tokens)) return -1
    this.shapes.push(shape)
    this.#isFull = this.shapes.length >= layoutsMax
    this.#last = this.shapes.length - 1
    return this.#last
  }
}
