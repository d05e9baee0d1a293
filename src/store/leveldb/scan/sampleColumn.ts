// The samples of one field of a topic while they are gathered, from blocks and from memory, and written out by (time, seq). One
// serves topic after topic: thousands of small arrays cost more than what is in them.

import { fillSteps } from '../../samples.ts'
import type { StepsQuery } from '../../store.ts'

/** Rows of a block: their times, and what they were captured with, each or all. */
export interface SampleRows {
  times: Float64Array
  captures: Uint32Array | number
  /** Only rows `first` to `end` (left out) count … */
  first: number
  end: number
  /** … and of these, when given, only the `keptCount` rows listed. */
  kept: Uint32Array | null
  keptCount: number
}

export class SampleColumn {
  #times = new Float64Array(1024)
  #values = new Float64Array(1024)
  #captures = new Uint32Array(1024)
  #isOrdered = true
  length = 0

  push(time: number, value: number, capture: number): void {
    this.#reserve(1)
    this.#captures[this.length] = capture
    this.#put(time, value)
  }

  /** Adds rows of a block, whose values are given; when only some have one, `rows` says which. Gives how many it takes. */
  append(part: SampleRows, values: Float64Array, rows: Uint32Array | null): number {
    const before = this.length
    if (rows) this.#appendSome(part, values, rows)
    else if (part.kept) this.#appendKept(part, part.kept, values)
    else this.#appendAll(part, values)
    return this.length - before
  }

  /** What all were captured with; `null` when they differ. */
  get capture(): number | null {
    const own = this.#captures
    for (let i = 1; i < this.length; i++) if (own[i] !== own[0]) return null
    return own[0]!
  }

  get isOrdered(): boolean {
    return this.#isOrdered
  }

  /** Writes what it comes to at some times, a piece at a time, and begins anew. Only for what is in order. */
  *writeSteps(
    steps: Float64Array,
    query: Pick<StepsQuery, 'at' | 'lookbackMs' | 'over'>,
  ): Generator<null, void> {
    yield* fillSteps(steps, { times: this.#times, values: this.#values, length: this.length }, query)
    this.#clear()
  }

  /** Writes everything by (time, seq), gives the capture data of each, or of all, and begins anew. */
  writeTo(times: Float64Array, values: Float64Array): Uint32Array | number {
    const { length } = this
    times.set(this.#times.subarray(0, length))
    values.set(this.#values.subarray(0, length))
    const { capture } = this
    const captures = capture === null ? this.#captures.slice(0, length) : null
    if (!this.#isOrdered) sort(times, values, captures)
    this.#clear()
    return capture ?? captures!
  }

  #clear(): void {
    this.length = 0
    this.#isOrdered = true
  }

  #appendSome({ times, captures, first, end }: SampleRows, values: Float64Array, rows: Uint32Array): void {
    this.#reserve(rows.length)
    for (let i = 0; i < rows.length; i++) {
      const row = rows[i]!
      if (row < first || row >= end) continue
      this.#captures[this.length] = typeof captures === 'number' ? captures : captures[row]!
      this.#put(times[row]!, values[i]!)
    }
  }

  #appendKept({ times, captures, keptCount }: SampleRows, kept: Uint32Array, values: Float64Array): void {
    if (keptCount === 0) return
    this.#reserve(keptCount)
    const at = this.length
    const [ownTimes, ownValues] = [this.#times, this.#values]
    this.#follow(times[kept[0]!]!)
    for (let i = 0; i < keptCount; i++) {
      const row = kept[i]!
      ownTimes[at + i] = times[row]!
      ownValues[at + i] = values[row]!
    }
    if (typeof captures === 'number') this.#captures.fill(captures, at, at + keptCount)
    else for (let i = 0; i < keptCount; i++) this.#captures[at + i] = captures[kept[i]!]!
    this.length = at + keptCount
  }

  #appendAll({ times, captures, first, end }: SampleRows, values: Float64Array): void {
    const count = end - first
    this.#reserve(count)
    const at = this.length
    this.#follow(times[first]!)
    this.#times.set(times.subarray(first, end), at)
    this.#values.set(values.subarray(first, end), at)
    if (typeof captures === 'number') this.#captures.fill(captures, at, at + count)
    else this.#captures.set(captures.subarray(first, end), at)
    this.length = at + count
  }

  #put(time: number, value: number): void {
    this.#follow(time)
    this.#times[this.length] = time
    this.#values[this.length++] = value
  }

  /** `time` is of the next sample. */
  #follow(time: number): void {
    if (this.length > 0 && time < this.#times[this.length - 1]!) this.#isOrdered = false
  }

  #reserve(more: number): void {
    const wanted = this.length + more
    if (wanted <= this.#times.length) return
    const room = Math.max(wanted, 2 * this.#times.length)
    const [times, values, captures] = [this.#times, this.#values, this.#captures]
    this.#times = new Float64Array(room)
    this.#values = new Float64Array(room)
    this.#captures = new Uint32Array(room)
    this.#times.set(times)
    this.#values.set(values)
    this.#captures.set(captures)
  }
}

/** By time; what came later has the greater number, so that equal times stay as they are. */
function sort(times: Float64Array, values: Float64Array, captures: Uint32Array | null): void {
  const order = Uint32Array.from(times, (_time, at) => at).sort((a, b) => times[a]! - times[b]! || a - b)
  for (const column of captures ? [times, values, captures] : [times, values]) {
    const given = column.slice()
    for (const [at, from] of order.entries()) column[at] = given[from]!
  }
}
