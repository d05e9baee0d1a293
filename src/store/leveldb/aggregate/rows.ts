// Adds readings that are in no block yet to an aggregate.

import { type HotRow, type NumberTaker, RowNumbers } from './rowNumbers.ts'
import type { AggregateTarget, Group } from './target.ts'

/** Adds rows in any order, before blocks or after. */
export class RowAggregator implements NumberTaker {
  readonly #target: AggregateTarget
  readonly #numbers = new RowNumbers(this)
  readonly #value = new Float64Array(1)
  // Of the row being added.
  #group: Group | null = null
  #bucket = -1
  #time = 0
  #seq = 0

  constructor(target: AggregateTarget) {
    this.#target = target
  }

  add(group: Group, row: HotRow): void {
    const bucket = this.#target.buckets.at(row.time)
    if (bucket < 0) return
    this.#group = group
    this.#bucket = bucket
    this.#time = row.time
    this.#seq = row.seq
    this.#numbers.read(row)
  }

  wanted(path: string): number {
    return this.#target.wanted(path)
  }

  take(field: number, value: number): void {
    const cells = this.#target.cellsOf(this.#group!, field)
    const at = cells.at(this.#bucket)
    cells.add(at, 1, value, 0, value, value)
    if (this.#target.wants.first) cells.first(at, value, this.#time, this.#time, this.#seq)
    if (this.#target.wants.last) cells.last(at, value, this.#time, this.#time, this.#seq)
    if (this.#target.quantiles.length === 0) return
    this.#value[0] = value
    cells.collect(this.#bucket, this.#value, 0, 1)
  }
}
