// One MQTT filter walked over the sorted names: each step finds the next topic that matches, and skips whole branches that
// cannot by binary search. What matches is what `matches` in domain/topic.ts says [MQTT-4.7.1, 4.7.2].

import { encodeUnits, unitBytesMax } from './codeUnits.ts'
import type { TopicNames } from './names.ts'
import type { TopicOrder } from './order.ts'

const dollar = 36
const slash = 47

type Level = Uint8Array | '+' | '#'

export class FilterCursor {
  /** The first position from the last `seek` on that matches; the order's length when there is none. */
  at = 0
  readonly #names: TopicNames
  readonly #order: TopicOrder
  readonly #levels: readonly Level[]
  /** Positions up to here match: they share the prefix before a `#`. */
  #runEnd = 0
  #target = new Uint8Array(256)
  /** End of the level that the last `+` took, or -1. */
  #plusEnd = -1

  constructor(names: TopicNames, order: TopicOrder, filter: string) {
    this.#names = names
    this.#order = order
    this.#levels = filter.split('/').map((level) => (level === '+' || level === '#' ? level : bytesOf(level)))
  }

  seek(from: number): void {
    let position = from
    while (position < this.#order.length && position >= this.#runEnd) {
      const next = this.#step(position)
      if (next === position) break
      position = next
    }
    this.at = position
  }

  /** `position` if its topic matches, else a later one, before which none does. */
  #step(position: number): number {
    const id = this.#order.idAt(position)
    const bytes = this.#names.arenaOf(id)
    const start = this.#names.startOf(id)
    const length = this.#names.lengthOf(id)
    const levels = this.#levels
    if (typeof levels[0] === 'string' && length > 0 && bytes[start] === dollar) {
      return this.#after(position, bytes, start, 1)
    }
    let p = 0
    this.#plusEnd = -1
    for (let i = 0; i < levels.length; i++) {
      const level = levels[i] as Level
      if (level === '#') return this.#run(position, bytes, start, p, length)
      let end: number
      if (level === '+') {
        end = p
        while (end < length && bytes[start + end] !== slash) end++
        this.#plusEnd = end
      } else {
        const order = orderAt(bytes, start + p, length - p, level)
        if (order < 0) return this.#seekLevel(position, bytes, start, p, level)
        if (order > 0) return this.#skipBranch(position, bytes, start)
        end = p + level.length
      }
      const last = i === levels.length - 1
      if (end === length) {
        // `a/#` matches `a` as well [MQTT-4.7.1-2].
        if (last || (i === levels.length - 2 && levels[i + 1] === '#')) return position
        // Names below this one come later: it is before them, and others may be between.
        return level === '+' ? position + 1 : this.#seekBelow(position, bytes, start, end)
      }
      if (last) return this.#skipBranch(position, bytes, start)
      if ((bytes[start + end] as number) < slash) return this.#seekBelow(position, bytes, start, end)
      if ((bytes[start + end] as number) > slash) return this.#skipBranch(position, bytes, start)
      p = end + 1
    }
    return position
  }

  /** All names with this prefix match. */
  #run(position: number, bytes: Uint8Array, start: number, prefix: number, length: number): number {
    if (prefix > 0) this.#runEnd = this.#after(position, bytes, start, prefix)
    else if (length > 0 && (bytes[start] as number) > dollar) this.#runEnd = this.#order.length
    else this.#runEnd = position + 1
    return position
  }

  /** The first name that has `level` where this one has something before it. */
  #seekLevel(position: number, bytes: Uint8Array, start: number, p: number, level: Uint8Array): number {
    this.#copy(bytes, start, p, level.length)
    this.#target.set(level, p)
    return this.#order.lowerBound(this.#target, p + level.length, position + 1)
  }

  /** The first name below the level that ends here. */
  #seekBelow(position: number, bytes: Uint8Array, start: number, end: number): number {
    this.#copy(bytes, start, end, 1)
    this.#target[end] = slash
    return this.#order.lowerBound(this.#target, end + 1, position + 1)
  }

  /** Nothing more below what the last `+` took: its next sibling. Without a `+` there is no other branch. */
  #skipBranch(position: number, bytes: Uint8Array, start: number): number {
    if (this.#plusEnd < 0) return this.#order.length
    return this.#after(position, bytes, start, this.#plusEnd + 1)
  }

  /** The first name that is after all with this prefix, whose last byte is ASCII. */
  #after(position: number, bytes: Uint8Array, start: number, prefix: number): number {
    this.#copy(bytes, start, prefix, 0)
    this.#target[prefix - 1] = (this.#target[prefix - 1] as number) + 1
    return this.#order.lowerBound(this.#target, prefix, position + 1)
  }

  #copy(bytes: Uint8Array, start: number, length: number, more: number): void {
    if (this.#target.length < length + more) this.#target = new Uint8Array((length + more) * 2)
    this.#target.set(bytes.subarray(start, start + length))
  }
}

/** Order of the bytes against `level`: zero when they start with it. */
function orderAt(bytes: Uint8Array, start: number, length: number, level: Uint8Array): number {
  const common = Math.min(length, level.length)
  for (let i = 0; i < common; i++) {
    const order = (bytes[start + i] as number) - (level[i] as number)
    if (order !== 0) return order
  }
  return length < level.length ? -1 : 0
}

function bytesOf(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length * unitBytesMax)
  return bytes.slice(0, encodeUnits(text, bytes))
}
