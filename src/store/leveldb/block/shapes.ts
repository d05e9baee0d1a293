// The table of shapes of a store, numbered from 1 in the order they came up; 0 stands for "no shape": a payload kept as
// it is. It only grows, and within limits: a device whose keys are different in every message must not fill it up.

import { AppError } from '../../../domain/errors.ts'
import { decodeShape, encodeShape, type Shape } from './shape.ts'
import { createTokens, type Tokens } from './tokens.ts'

export interface ShapeLimits {
  /** Leaves a shape may have. */
  leavesMax: number
  /** Objects and arrays within each other. */
  depthMax: number
  /** Bytes between the leaves of one shape. */
  skeletonBytesMax: number
  /** Shapes in one block, from 1 to 255. */
  blockShapesMax: number
  /** Shapes in the whole table. */
  shapesMax: number
  /** Bytes between the leaves of all shapes. */
  tableBytesMax: number
  /** Rows after which a new layout is worth a place in the table. */
  admitRows: number
}

export const shapeLimits: ShapeLimits = {
  leavesMax: 256,
  depthMax: 32,
  skeletonBytesMax: 8192,
  blockShapesMax: 64,
  shapesMax: 8192,
  tableBytesMax: 8 * 2 ** 20,
  admitRows: 8,
}

const candidatesMax = 512
const recentMax = 4

export class Shapes {
  readonly limits: ShapeLimits
  readonly #shapes: (Shape | null)[] = []
  readonly #byKey = new Map<string, Shape>()
  /** Rows seen of layouts that are not in the table; forgotten as a whole when there are too many. */
  readonly #candidates = new Map<string, number>()
  /** The few shapes used last, newest first: a fleet's blocks mostly share them. */
  readonly recent: Shape[] = []
  /** For whoever compares payloads with shapes. */
  readonly tokens: Tokens
  #bytes = 0

  constructor(limits: Partial<ShapeLimits> = {}) {
    this.limits = { ...shapeLimits, ...limits }
    this.tokens = createTokens(this.limits.leavesMax)
  }

  /** The highest number given. */
  get count(): number {
    return this.#shapes.length
  }

  /** Throws `store_corrupt` when there is no shape of that number. */
  get(id: number): Shape {
    const shape = this.#shapes[id - 1]
    if (!shape) throw new AppError('store_corrupt', `shape ${id} is missing, so its payloads cannot be read`)
    return shape
  }

  /** The shape of the table with this skeleton. */
  find(key: string): Shape | undefined {
    return this.#byKey.get(key)
  }

  /** Gives a new layout, of which `rows` rows are to be stored, its number; `null` while it is not worth one. */
  admit(layout: Shape, rows: number): Shape | null {
    const known = this.#byKey.get(layout.key)
    if (known) return known
    const { shapesMax, tableBytesMax, admitRows } = this.limits
    const size = layout.literals.length
    if (this.count >= shapesMax || this.#bytes + size > tableBytesMax) return null
    const seen = (this.#candidates.get(layout.key) ?? 0) + rows
    if (seen < admitRows) {
      if (this.#candidates.size >= candidatesMax) this.#candidates.clear()
      this.#candidates.set(layout.key, seen)
      return null
    }
    this.#candidates.delete(layout.key)
    return this.#add({ ...layout, id: this.count + 1 })
  }

  /** A block has made use of a shape. */
  noteUse(shape: Shape): void {
    if (this.recent[0] === shape) return
    const place = this.recent.indexOf(shape)
    if (place > 0) this.recent.splice(place, 1)
    else if (this.recent.length === recentMax) this.recent.pop()
    this.recent.unshift(shape)
  }

  /** The record of shape `id`, to be stored in the batch of the first block that uses it. */
  encode(id: number): Buffer {
    return encodeShape(this.get(id))
  }

  /** Takes a stored shape in. They come in the order of their numbers. Throws `store_corrupt`. */
  load(id: number, record: Uint8Array): void {
    if (id <= this.count) return
    if (id !== this.count + 1)
      throw new AppError('store_corrupt', `shape ${this.count + 1} is missing before ${id}`)
    this.#add({ ...decodeShape(record), id })
  }

  /** Leaves a number out: its record is damaged. */
  skip(id: number): void {
    if (id === this.count + 1) this.#shapes.push(null)
  }

  #add(shape: Shape): Shape {
    this.#shapes.push(shape)
    this.#byKey.set(shape.key, shape)
    this.#bytes += shape.literals.length
    return shape
  }
}
