// The numbers of readings that are in no block yet, read straight out of the payload's bytes wherever its layout was met before.

import { leafKind } from '../block/json.ts'
import { Layouts } from '../block/layouts.ts'
import { visitLeaves } from '../block/leaves.ts'
import { tokenNumber } from '../block/tokens.ts'

/** A reading; one object serves for all of them. */
export interface HotRow {
  time: number
  seq: number
  /** The payload is bytes[start…end). */
  bytes: Uint8Array
  start: number
  end: number
  /** Cleaned fields as `fieldsText` writes them: fieldBytes[fieldsStart…fieldsEnd); empty for none. */
  fieldBytes: Uint8Array
  fieldsStart: number
  fieldsEnd: number
}

export interface NumberTaker {
  /** The number of a field that is wanted; below 0 when it is not. Asked once for each layout. */
  wanted(path: string): number
  take(field: number, value: number): void
}

export class RowNumbers {
  readonly #taker: NumberTaker
  readonly #layouts = new Layouts()
  /** For each layout, the leaves that count and the fields they are. */
  readonly #plans: Leaf[][] = []

  constructor(taker: NumberTaker) {
    this.#taker = taker
  }

  /** Hands over every finite number of the row that is wanted. */
  read(row: HotRow): void {
    const isCleaned = row.fieldsEnd > row.fieldsStart
    const bytes = isCleaned ? row.fieldBytes : row.bytes
    const start = isCleaned ? row.fieldsStart : row.start
    const end = isCleaned ? row.fieldsEnd : row.end
    const place = this.#layouts.match(bytes, start, end)
    if (place < 0) {
      this.#readLeaves(bytes.subarray(start, end))
      return
    }
    const plan = (this.#plans[place] ??= this.#planOf(place))
    for (let i = 0; i < plan.length; i++) {
      const { leaf, field } = plan[i]!
      const value = tokenNumber(this.#layouts.tokens, leaf, bytes)
      if (Number.isFinite(value)) this.#taker.take(field, value)
    }
  }

  #planOf(place: number): Leaf[] {
    const { paths, kinds } = this.#layouts.shapes[place]!
    return paths.flatMap((path, leaf): Leaf[] => {
      if (path === null || kinds[leaf] !== leafKind.number) return []
      const field = this.#taker.wanted(path)
      return field < 0 ? [] : [{ leaf, field }]
    })
  }

  #readLeaves(payload: Uint8Array): void {
    const last = new Map<string, number>()
    visitLeaves(payload, 0, payload.length, (path, value) => {
      if (typeof value === 'number' && Number.isFinite(value)) last.set(path, value)
      else last.delete(path)
    })
    for (const [path, value] of last) {
      const field = this.#taker.wanted(path)
      if (field >= 0) this.#taker.take(field, value)
    }
  }
}

interface Leaf {
  leaf: number
  field: number
}
