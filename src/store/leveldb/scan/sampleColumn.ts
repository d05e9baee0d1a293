// The samples of one field while they are gathered, from blocks and from memory, and written out by (time, seq).

/** Samples that came together: rows `first` to `end` (left out), or of those the rows `kept`. */
export interface Part {
  times: Float64Array
  values: Float64Array
  /** Of each row, or of all. */
  captures: Uint32Array | number
  first: number
  end: number
  kept: Uint32Array | null
}

/** Samples of one field, in the order in which they came: whole columns of blocks as they are, and single ones. */
export class SampleColumn {
  readonly #parts: Part[] = []
  #single: { times: number[]; values: number[]; captures: number[] } = { times: [], values: [], captures: [] }
  #last = Number.NEGATIVE_INFINITY
  #isOrdered = true
  length = 0

  push(time: number, value: number, capture: number): void {
    if (time < this.#last) this.#isOrdered = false
    this.#last = time
    this.#single.times.push(time)
    this.#single.values.push(value)
    this.#single.captures.push(capture)
    this.length++
  }

  /** Rows of a block; of those that have a number when only some do: `rows` are theirs. Gives how many it takes. */
  append(part: Part, rows: Uint32Array | null): number {
    const { times, values, captures, first, end, kept } = part
    const before = this.length
    if (rows) {
      for (let i = 0; i < rows.length; i++) {
        const row = rows[i]!
        const capture = typeof captures === 'number' ? captures : captures[row]!
        if (row >= first && row < end) this.push(times[row]!, values[i]!, capture)
      }
      return this.length - before
    }
    this.#endSingle()
    if (times[first]! < this.#last) this.#isOrdered = false
    this.#last = times[end - 1]!
    this.#parts.push(part)
    this.length += kept?.length ?? end - first
    return this.length - before
  }

  /** Writes everything by (time, seq); gives the capture data of each, or of all. */
  writeTo(times: Float64Array, values: Float64Array): Uint32Array | number {
    this.#endSingle()
    let at = 0
    for (const part of this.#parts) at += writePart(part, times, values, at)
    const [first] = this.#parts
    const same = first && typeof first.captures === 'number' ? first.captures : null
    if (same !== null && this.#parts.every(({ captures }) => captures === same)) {
      if (!this.#isOrdered) sort(times, values, null)
      return same
    }
    const captures = this.#captures()
    if (!this.#isOrdered) sort(times, values, captures)
    for (let i = 1; i < captures.length; i++) if (captures[i] !== captures[0]) return captures
    return captures[0]!
  }

  #captures(): Uint32Array {
    const all = new Uint32Array(this.length)
    let at = 0
    for (const { captures, first, end, kept } of this.#parts) {
      const count = kept?.length ?? end - first
      if (typeof captures === 'number') all.fill(captures, at, at + count)
      else if (kept === null) all.set(captures.subarray(first, end), at)
      else for (let i = 0; i < count; i++) all[at + i] = captures[kept[i]!]!
      at += count
    }
    return all
  }

  #endSingle(): void {
    const { times, values, captures } = this.#single
    if (times.length === 0) return
    this.#parts.push({
      times: Float64Array.from(times),
      values: Float64Array.from(values),
      captures: Uint32Array.from(captures),
      first: 0,
      end: times.length,
      kept: null,
    })
    this.#single = { times: [], values: [], captures: [] }
  }
}

/** Writes the samples of a part from `at` on; how many they are. */
function writePart(part: Part, times: Float64Array, values: Float64Array, at: number): number {
  const { first, end, kept } = part
  if (kept === null) {
    times.set(part.times.subarray(first, end), at)
    values.set(part.values.subarray(first, end), at)
    return end - first
  }
  for (let i = 0; i < kept.length; i++) {
    const row = kept[i]!
    times[at + i] = part.times[row]!
    values[at + i] = part.values[row]!
  }
  return kept.length
}

/** By time; what came later has the greater number, so that equal times stay as they are. */
function sort(times: Float64Array, values: Float64Array, captures: Uint32Array | null): void {
  const order = Uint32Array.from(times, (_time, at) => at).sort((a, b) => times[a]! - times[b]! || a - b)
  for (const column of captures ? [times, values, captures] : [times, values]) {
    const given = column.slice()
    for (const [at, from] of order.entries()) column[at] = given[from]!
  }
}
