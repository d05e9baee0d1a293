// Sorts the texts of a block by shape: each text is compared with the shapes met so far, the last one first, and its
// leaves join the columns of the one it fits. What is no JSON, or of a layout that is not worth a shape, stays raw.

import type { Texts } from './rows.ts'
import { leafKind, readJson } from './json.ts'
import { type Shape, shapeOf } from './shape.ts'
import type { Shapes } from './shapes.ts'
import { matchShape, type Tokens } from './tokens.ts'

/** The leaves of one place in a shape, a text after another. */
export interface LeafColumn {
  starts: Uint32Array
  ends: Uint32Array
  /** Empty for strings. */
  mantissas: Float64Array
  decimals: Uint8Array
}

export interface Group {
  /** `null` for raw texts, which are always the first group. */
  shape: Shape | null
  count: number
  /** One for each leaf; of raw texts one with the texts themselves. */
  columns: LeafColumn[]
}

export interface Grouped {
  groups: Group[]
  /** For each text, the place of its group. */
  groupOf: Uint8Array
  /** Whether some raw texts may be JSON all the same. */
  hasRawJson: boolean
}

/** Texts from…to of `texts`, sorted; new shapes are given numbers in `shapes`. */
export function groupTexts(texts: Texts, from: number, to: number, shapes: Shapes): Grouped {
  const sorter = new Sorter(shapes, to - from)
  for (let row = from; row < to; row++) {
    const start = texts.offsets[row]!
    sorter.add(texts.bytes, start, start + texts.lengths[row]!)
  }
  return sorter.finish(texts, from)
}

class Sorter {
  readonly #shapes: Shapes
  readonly #tokens: Tokens
  readonly #layouts: Layout[] = []
  readonly #layoutOf: Uint8Array
  #last: Layout | null = null
  #row = 0
  #raw = 0
  #hasRawJson = false

  constructor(shapes: Shapes, count: number) {
    this.#shapes = shapes
    this.#tokens = shapes.tokens
    this.#layoutOf = new Uint8Array(count)
  }

  add(bytes: Uint8Array, start: number, end: number): void {
    const layout = this.#layoutFor(bytes, start, end)
    if (layout) {
      layout.push(this.#tokens)
      this.#last = layout
    } else this.#raw++
    this.#layoutOf[this.#row++] = layout ? layout.place : 0
  }

  #layoutFor(bytes: Uint8Array, start: number, end: number): Layout | null {
    const last = this.#last
    if (last && matchShape(last.shape, bytes, start, end, this.#tokens)) return last
    for (const layout of this.#layouts) {
      if (layout !== last && matchShape(layout.shape, bytes, start, end, this.#tokens)) return layout
    }
    return this.#newLayout(bytes, start, end)
  }

  #newLayout(bytes: Uint8Array, start: number, end: number): Layout | null {
    if (!mayBeJson(bytes, start, end)) return null
    const { limits } = this.#shapes
    if (this.#layouts.length >= limits.blockShapesMax) {
      this.#hasRawJson = true
      return null
    }
    for (const shape of this.#shapes.recent) {
      const isSmall = shape.kinds.length <= limits.leavesMax
      if (isSmall && matchShape(shape, bytes, start, end, this.#tokens)) return this.#addLayout(shape)
    }
    const leaves = readJson(bytes, start, end, limits)
    if (leaves === 'beyond') this.#hasRawJson = true
    if (typeof leaves !== 'object' || leaves.kinds.length === 0) return null
    const shape = shapeOf(bytes, start, end, leaves)
    if (shape.literals.length > limits.skeletonBytesMax) {
      this.#hasRawJson = true
      return null
    }
    if (!matchShape(shape, bytes, start, end, this.#tokens)) return null
    return this.#addLayout(this.#shapes.find(shape.key) ?? shape)
  }

  #addLayout(shape: Shape): Layout {
    const layout = new Layout(shape, this.#layouts.length + 1, this.#layoutOf.length - this.#row)
    this.#layouts.push(layout)
    return layout
  }

  finish(texts: Texts, from: number): Grouped {
    const groups: Group[] = []
    const placeOf = new Uint8Array(this.#layouts.length + 1)
    let raw = this.#raw
    const admitted = this.#layouts.map((layout) => {
      const shape = this.#shapes.admit(layout.shape, layout.count)
      if (!shape) {
        raw += layout.count
        this.#hasRawJson = true
      }
      return shape
    })
    if (raw > 0) groups.push({ shape: null, count: raw, columns: [] })
    for (const [index, layout] of this.#layouts.entries()) {
      const shape = admitted[index]
      if (!shape) continue
      this.#shapes.noteUse(shape)
      placeOf[layout.place] = groups.length
      groups.push({ shape, count: layout.count, columns: layout.columns })
    }
    const groupOf = this.#layoutOf
    for (let row = 0; row < groupOf.length; row++) groupOf[row] = placeOf[groupOf[row]!]!
    if (raw > 0) groups[0]!.columns.push(rawColumn(texts, from, groupOf, raw))
    return { groups, groupOf, hasRawJson: this.#hasRawJson && raw > 0 }
  }
}

function rawColumn(texts: Texts, from: number, groupOf: Uint8Array, count: number): LeafColumn {
  const starts = new Uint32Array(count)
  const ends = new Uint32Array(count)
  let at = 0
  for (let i = 0; i < groupOf.length; i++) {
    if (groupOf[i] !== 0) continue
    starts[at] = texts.offsets[from + i]!
    ends[at++] = texts.offsets[from + i]! + texts.lengths[from + i]!
  }
  return { starts, ends, mantissas: new Float64Array(0), decimals: new Uint8Array(0) }
}

/** The first letter of any JSON text. A cheap test that spares text and binary payloads the reading. */
export function mayBeJson(bytes: Uint8Array, start: number, end: number): boolean {
  if (start >= end) return false
  const c = bytes[start]!
  return c === 123 || c === 91 || c === 34 || c === 45 || (c >= 48 && c <= 57) || isWordOrBlank(c)
}

const isWordOrBlank = (c: number): boolean =>
  c === 116 || c === 102 || c === 110 || c === 32 || c === 10 || c === 13 || c === 9

/** A shape met in this block, and its columns as they grow. */
class Layout {
  readonly shape: Shape
  /** From 1; 0 is raw. */
  readonly place: number
  readonly columns: LeafColumn[]
  count = 0
  #capacity: number

  constructor(shape: Shape, place: number, rowsLeft: number) {
    this.shape = shape
    this.place = place
    // One shape for all rows is the rule: then nothing has to grow.
    this.#capacity = place === 1 ? rowsLeft : Math.min(rowsLeft, 512)
    this.columns = shape.kinds.map((kind) => emptyColumn(this.#capacity, kind !== leafKind.string))
  }

  push({ starts, ends, mantissas, decimals }: Tokens): void {
    const row = this.count
    if (row === this.#capacity) this.#grow()
    for (let leaf = 0; leaf < this.columns.length; leaf++) {
      const column = this.columns[leaf]!
      column.starts[row] = starts[leaf]!
      column.ends[row] = ends[leaf]!
      column.mantissas[row] = mantissas[leaf]!
      column.decimals[row] = decimals[leaf]!
    }
    this.count++
  }

  #grow(): void {
    this.#capacity *= 4
    for (const column of this.columns) {
      const grown = emptyColumn(this.#capacity, column.mantissas.length > 0)
      grown.starts.set(column.starts)
      grown.ends.set(column.ends)
      grown.mantissas.set(column.mantissas)
      grown.decimals.set(column.decimals)
      Object.assign(column, grown)
    }
  }
}

function emptyColumn(capacity: number, hasValues: boolean): LeafColumn {
  const values = hasValues ? capacity : 0
  return {
    starts: new Uint32Array(capacity),
    ends: new Uint32Array(capacity),
    mantissas: new Float64Array(values),
    decimals: new Uint8Array(values),
  }
}
