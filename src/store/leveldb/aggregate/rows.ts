// Adds readings that are in no block yet to an aggregate: numbers are read straight out of the payload's bytes wherever
// its layout was met before.

import { leafKind } from '../block/json.ts'
import { Layouts } from '../block/layouts.ts'
import { visitLeaves } from '../block/leaves.ts'
import { tokenNumber } from '../block/tokens.ts'
import type { AggregateTarget, Group } from './target.ts'

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

/** Adds rows in any order, before blocks or after. */
export class RowAggregator {
  readonly #target: AggregateTarget
  readonly #layouts = new Layouts()
  /** For each layout, the leaves that count and the fields they are. */
  readonly #plans: Leaf[][] = []
  readonly #value = new Float64Array(1)

  constructor(target: AggregateTarget) {
    this.#target = target
  }

  add(group: Group, row: HotRow): void {
    const bucket = this.#target.buckets.at(row.time)
    if (bucket < 0) return
    const isCleaned = row.fieldsEnd > row.fieldsStart
    const bytes = isCleaned ? row.fieldBytes : row.bytes
    const start = isCleaned ? row.fieldsStart : row.start
    const end = isCleaned ? row.fieldsEnd : row.end
    const place = this.#layouts.match(bytes, start, end)
    if (place < 0) {
      this.#addLeaves(group, bucket, row, bytes.subarray(start, end))
      return
    }
    const plan = (this.#plans[place] ??= this.#planOf(place))
    for (let i = 0; i < plan.length; i++) {
      const { leaf, field } = plan[i]!
      const value = tokenNumber(this.#layouts.tokens, leaf, bytes)
      if (Number.isFinite(value)) this.#addValue(group, field, bucket, row, value)
    }
  }

  #planOf(place: number): Leaf[] {
    const { paths, kinds } = this.#layouts.shapes[place]!
    return paths.flatMap((path, leaf): Leaf[] => {
      if (path === null || kinds[leaf] !== leafKind.number) return []
      const field = this.#target.wanted(path)
      return field < 0 ? [] : [{ leaf, field }]
    })
  }

  #addLeaves(group: Group, bucket: number, row: HotRow, payload: Uint8Array): void {
    const last = new Map<string, number>()
    visitLeaves(payload, 0, payload.length, (path, value) => {
      if (typeof value === 'number' && Number.isFinite(value)) last.set(path, value)
      else last.delete(path)
    })
    for (const [path, value] of last) {
      const field = this.#target.wanted(path)
      if (field >= 0) this.#addValue(group, field, bucket, row, value)
    }
  }

  #addValue(group: Group, field: number, bucket: number, { time, seq }: HotRow, value: number): void {
    const cells = this.#target.cellsOf(group, field)
    const at = cells.at(bucket)
    cells.add(at, 1, value, 0, value, value)
    cells.first(at, value, time, time, seq)
    cells.last(at, value, time, time, seq)
    if (this.#target.quantiles.length === 0) return
    this.#value[0] = value
    cells.collect(bucket, this.#value, 0, 1)
  }
}

interface Leaf {
  leaf: number
  field: number
}
