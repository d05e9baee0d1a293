// Unsigned integers of equal width, packed without gaps into 32-bit words, low bits first; each run starts on a new word.
// Widths above 32 are two runs: the low 32 bits, then the rest.

/** Grows as it is written to. */
export class WordWriter {
  #words: Uint32Array
  length = 0

  constructor(capacityWords = 1024) {
    this.#words = new Uint32Array(capacityWords)
  }

  /** Packs `values[from…to) - low`, each below 2^width. */
  pack(values: Float64Array, from: number, to: number, low: number, width: number): void {
    if (width > 32) {
      this.#packWide(values, from, to, low, width)
      return
    }
    const words = this.#reserve(wordsFor(to - from, width))
    let at = this.length
    let word = 0
    let used = 0
    for (let i = from; i < to; i++) {
      const value = (values[i]! - low) >>> 0
      word |= value << used
      used += width
      if (used >= 32) {
        words[at++] = word
        used -= 32
        word = used > 0 ? value >>> (width - used) : 0
      }
    }
    if (used > 0) words[at++] = word
    this.length = at
  }

  /** Words as another writer has packed them. */
  append(words: Uint32Array): void {
    this.#reserve(words.length).set(words, this.length)
    this.length += words.length
  }

  #packWide(values: Float64Array, from: number, to: number, low: number, width: number): void {
    const lows = new Float64Array(to - from)
    const highs = new Float64Array(to - from)
    for (let i = from; i < to; i++) {
      const value = values[i]! - low
      const high = Math.floor(value / 2 ** 32)
      highs[i - from] = high
      lows[i - from] = value - high * 2 ** 32
    }
    this.pack(lows, 0, to - from, 0, 32)
    this.pack(highs, 0, to - from, 0, width - 32)
  }

  #reserve(count: number): Uint32Array {
    if (this.length + count > this.#words.length) {
      const grown = new Uint32Array(Math.max(this.#words.length * 2, this.length + count))
      grown.set(this.#words.subarray(0, this.length))
      this.#words = grown
    }
    return this.#words
  }

  /** A view of what was written, as bytes. */
  bytes(): Uint8Array {
    return new Uint8Array(this.#words.buffer, 0, this.length * 4)
  }
}

/** Words that a run of `count` values takes. */
export function wordsFor(count: number, width: number): number {
  if (width > 32) return count + wordsFor(count, width - 32)
  return Math.ceil((count * width) / 32)
}

/** target[from…to) = low + value. Throws `RangeError` when the words end before the run does. */
export function unpack(
  words: Uint32Array,
  at: number,
  width: number,
  low: number,
  target: Float64Array,
  from: number,
  to: number,
): void {
  if (at + wordsFor(to - from, width) > words.length) throw new RangeError('cut off inside a run of integers')
  if (width === 0) {
    target.fill(low, from, to)
  } else if (width <= 32) {
    unpackNarrow(words, at, width, low, target, from, to)
  } else {
    const highs = new Float64Array(to - from)
    unpackNarrow(words, at, 32, low, target, from, to)
    unpackNarrow(words, at + (to - from), width - 32, 0, highs, 0, to - from)
    for (let i = from; i < to; i++) target[i] = target[i]! + highs[i - from]! * 2 ** 32
  }
}

function unpackNarrow(
  words: Uint32Array,
  at: number,
  width: number,
  low: number,
  target: Float64Array,
  from: number,
  to: number,
): void {
  const mask = width === 32 ? -1 : (1 << width) - 1
  let word = at
  let offset = 0
  for (let i = from; i < to; i++) {
    let value = words[word]! >>> offset
    offset += width
    if (offset >= 32) {
      word++
      offset -= 32
      if (offset > 0) value |= words[word]! << (width - offset)
    }
    target[i] = low + ((value & mask) >>> 0)
  }
}

/**
 * Unpacks steps from one value to the next, the first of them from `before`, as values; gives the last one. For widths of
 * 1 to 31 bits.
 */
export function unpackSteps(
  words: Uint32Array,
  at: number,
  width: number,
  low: number,
  before: number,
  target: Float64Array,
  from: number,
  to: number,
): number {
  if (at + wordsFor(to - from, width) > words.length) throw new RangeError('cut off inside a run of integers')
  const mask = (1 << width) - 1
  let next = at
  let word = 0
  let used = 32
  let last = before
  for (let i = from; i < to; i++) {
    let value = used < 32 ? word >>> used : 0
    if (used + width > 32) {
      word = words[next++]!
      value |= word << (32 - used)
      used -= 32
    }
    used += width
    last += low + (value & mask)
    target[i] = last
  }
  return last
}
