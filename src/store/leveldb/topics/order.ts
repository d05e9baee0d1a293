// The ids of all named topics in the order of their names (code units): one sorted Uint32Array, brought up to date when it is
// asked for. With it a prefix is a range, and the trie of topic levels need not be built.

import { compareBytes } from './codeUnits.ts'
import type { TopicNames } from './names.ts'

/** Ranges this small are sorted by insertion. */
const smallRange = 12

export class TopicOrder {
  readonly #names: TopicNames
  #ids = new Uint32Array(1024)
  #length = 0

  constructor(names: TopicNames) {
    this.#names = names
  }

  /** Topics in the order as of the last `sync`. */
  get length(): number {
    return this.#length
  }

  idAt(position: number): number {
    return this.#ids[position] as number
  }

  /** Takes in what changed among the names: new ones cost their search and one move of the rest. */
  sync(): void {
    const { ids, anyRemoved } = this.#names.takeChanges()
    if (ids.length === 0) return
    let fresh = ids
    if (anyRemoved) {
      const changed = new Set(ids)
      const kept = this.#ids.subarray(0, this.#length).filter((id) => !changed.has(id))
      this.#ids.set(kept)
      this.#length = kept.length
      fresh = Uint32Array.from(changed).filter((id) => this.#names.has(id))
    }
    sortByName(this.#names, fresh)
    this.#insert(fresh)
  }

  /** The first position from `from` on whose name is not before these bytes. Near ones are found sooner. */
  lowerBound(bytes: Uint8Array, length: number, from: number): number {
    let low = from
    let step = 1
    while (low + step <= this.#length && this.#isBefore(low + step - 1, bytes, length)) {
      low += step
      step *= 2
    }
    let high = Math.min(low + step - 1, this.#length)
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#isBefore(middle, bytes, length)) low = middle + 1
      else high = middle
    }
    return low
  }

  #isBefore(position: number, bytes: Uint8Array, length: number): boolean {
    const names = this.#names
    const id = this.#ids[position] as number
    return compareBytes(names.arenaOf(id), names.startOf(id), names.lengthOf(id), bytes, 0, length) < 0
  }

  #insert(fresh: Uint32Array): void {
    const length = this.#length + fresh.length
    if (length > this.#ids.length) {
      const wider = new Uint32Array(Math.max(length, Math.ceil(this.#ids.length * 1.5)))
      wider.set(this.#ids.subarray(0, this.#length))
      this.#ids = wider
    }
    // From the last on: what comes after a new id moves to its place at once.
    let end = this.#length
    for (let i = fresh.length - 1; i >= 0; i--) {
      const at = end === 0 ? 0 : this.#placeOf(fresh[i] as number, end)
      this.#ids.copyWithin(at + i + 1, at, end)
      this.#ids[at + i] = fresh[i] as number
      end = at
    }
    this.#length = length
  }

  #placeOf(id: number, end: number): number {
    let low = 0
    let high = end
    while (low < high) {
      const middle = (low + high) >>> 1
      if (compareNames(this.#names, this.#ids[middle] as number, id) < 0) low = middle + 1
      else high = middle
    }
    return low
  }
}

/** Order of the names of two topics. */
export function compareNames(names: TopicNames, a: number, b: number): number {
  return compareFrom(names, a, b, 0)
}

function compareFrom(names: TopicNames, a: number, b: number, depth: number): number {
  return compareBytes(
    names.arenaOf(a),
    names.startOf(a) + depth,
    names.lengthOf(a) - depth,
    names.arenaOf(b),
    names.startOf(b) + depth,
    names.lengthOf(b) - depth,
  )
}

/** Sorts ids by name, in place: multikey quicksort (Bentley and Sedgewick), which reads a common prefix once. */
export function sortByName(names: TopicNames, ids: Uint32Array): void {
  // Ranges [low, high) whose names agree in the first `depth` bytes.
  const ranges = [0, ids.length, 0]
  while (ranges.length > 0) {
    const depth = ranges.pop() as number
    const high = ranges.pop() as number
    const low = ranges.pop() as number
    if (high - low <= smallRange) {
      sortSmall(names, ids, low, high, depth)
      continue
    }
    const pivot = medianByte(names, ids, low, high, depth)
    let less = low
    let more = high
    for (let i = low; i < more; ) {
      const byte = byteAt(names, ids[i] as number, depth)
      if (byte < pivot) swap(ids, i++, less++)
      else if (byte > pivot) swap(ids, i, --more)
      else i++
    }
    if (less > low) ranges.push(low, less, depth)
    if (high > more) ranges.push(more, high, depth)
    // Names that have ended here are the same name, of which there is one.
    if (pivot >= 0) ranges.push(less, more, depth + 1)
  }
}

/** -1 behind the end, so that a name comes before its continuations. */
function byteAt(names: TopicNames, id: number, depth: number): number {
  return depth < names.lengthOf(id) ? (names.arenaOf(id)[names.startOf(id) + depth] as number) : -1
}

function medianByte(names: TopicNames, ids: Uint32Array, low: number, high: number, depth: number): number {
  const a = byteAt(names, ids[low] as number, depth)
  const b = byteAt(names, ids[(low + high) >>> 1] as number, depth)
  const c = byteAt(names, ids[high - 1] as number, depth)
  return Math.max(Math.min(a, b), Math.min(Math.max(a, b), c))
}

function sortSmall(names: TopicNames, ids: Uint32Array, low: number, high: number, depth: number): void {
  for (let i = low + 1; i < high; i++) {
    const id = ids[i] as number
    let at = i
    for (; at > low && compareFrom(names, ids[at - 1] as number, id, depth) > 0; at--)
      ids[at] = ids[at - 1] as number
    ids[at] = id
  }
}

function swap(ids: Uint32Array, a: number, b: number): void {
  const id = ids[a] as number
  ids[a] = ids[b] as number
  ids[b] = id
}
