// The layouts of JSON that a scan over payloads has met: what the shapes of the store are to blocks, for payloads that are
// in none yet.

import { mayBeJson } from './groups.ts'
import { readJson } from './json.ts'
import { type Shape, shapeOf } from './shape.ts'
import { shapeLimits } from './shapes.ts'
import { createTokens, matchShape } from './tokens.ts'

/** Layouts a scanner remembers; payloads of any other are parsed. */
const layoutsMax = 128

/** Grows with the layouts met, up to a limit; a payload is compared with the one that fitted last, then with the others. */
export class Layouts {
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
