// Which topics a question is about, in code-unit order: filters are walked as an implicit trie over the sorted names, so that
// a few matches among millions cost little. The same answers as `isListed` in store/memory.ts.

import { hasWildcard } from '../../../domain/topic.ts'
import type { TopicFilters } from '../../store.ts'
import { encodeUnits, unitBytesMax } from './codeUnits.ts'
import { FilterCursor } from './filter.ts'
import type { TopicNames } from './names.ts'
import { sortByName, TopicOrder } from './order.ts'

export interface TopicSelection {
  /** Any of these MQTT filters, or every topic when empty. */
  filters: TopicFilters
  mayRead?: (topic: string) => boolean
  /** Case-insensitive part of the topic. */
  contains?: string
  /** Continue strictly after this name. */
  after?: string
  limit: number
}

export class TopicSelect {
  readonly #names: TopicNames
  readonly #order: TopicOrder

  /** The one listener to the changes of `names`. */
  constructor(names: TopicNames) {
    this.#names = names
    this.#order = new TopicOrder(names)
  }

  /** Sorts what is new, so that the next question need not: after a start, a second or so for millions. */
  sync(): void {
    this.#order.sync()
  }

  /** Ids of the topics asked for that are shown, in code-unit order, `limit` at most. */
  select(selection: TopicSelection, isShown: (id: number) => boolean): Uint32Array {
    return this.part(selection, isShown, Number.POSITIVE_INFINITY).ids
  }

  /** The same after a look at `most` topics, and the name behind which the rest is to be asked for; `null`: that was all. */
  part(
    selection: TopicSelection,
    isShown: (id: number) => boolean,
    most: number,
  ): { ids: Uint32Array; after: string | null } {
    const found = new IdList()
    if (selection.limit <= 0) return { ids: found.finish(), after: null }
    const isWanted = this.#wantedBy(selection)
    let looked = 0
    for (const id of this.#candidates(selection)) {
      if (isShown(id) && isWanted(id)) {
        found.push(id)
        if (found.length >= selection.limit) break
      }
      if (++looked >= most) return { ids: found.finish(), after: this.#names.nameOf(id) }
    }
    return { ids: found.finish(), after: null }
  }

  #candidates({ filters, after }: TopicSelection): Iterable<number> {
    if (filters.length > 0 && !filters.some(hasWildcard)) return this.#exact(filters, after)
    this.#order.sync()
    const start = after === undefined ? 0 : this.#positionAfter(after)
    return filters.length === 0 ? this.#every(start) : this.#walk(filters, start)
  }

  /** One look-up a name: the order is not needed. */
  #exact(filters: TopicFilters, after: string | undefined): Uint32Array {
    const ids = new Set<number>()
    for (const name of filters) {
      if (after !== undefined && name <= after) continue
      const id = this.#names.idOf(name)
      if (id !== -1) ids.add(id)
    }
    const sorted = Uint32Array.from(ids)
    sortByName(this.#names, sorted)
    return sorted
  }

  *#every(start: number): Generator<number> {
    for (let position = start; position < this.#order.length; position++) yield this.#order.idAt(position)
  }

  /** The union of the filters: a heap of cursors by where they stand. */
  *#walk(filters: TopicFilters, start: number): Generator<number> {
    const heap = [...new Set(filters)].map((filter) => new FilterCursor(this.#names, this.#order, filter))
    for (const cursor of heap) cursor.seek(start)
    heap.sort((a, b) => a.at - b.at)
    for (;;) {
      let first = heap[0] as FilterCursor
      const position = first.at
      if (position >= this.#order.length) return
      yield this.#order.idAt(position)
      for (; first.at === position; first = heap[0] as FilterCursor) {
        first.seek(position + 1)
        sinkFirst(heap)
      }
    }
  }

  #positionAfter(name: string): number {
    const bytes = new Uint8Array(name.length * unitBytesMax)
    const length = encodeUnits(name, bytes)
    const position = this.#order.lowerBound(bytes, length, 0)
    if (position === this.#order.length) return position
    return this.#names.nameOf(this.#order.idAt(position)) === name ? position + 1 : position
  }

  #wantedBy({ contains, mayRead }: TopicSelection): (id: number) => boolean {
    const holds = contains === undefined ? null : this.#holds(contains)
    return (id) => (holds?.(id) ?? true) && (mayRead?.(this.#names.nameOf(id)) ?? true)
  }

  /** ASCII names are searched as bytes; the rest as strings, for there case may cross into ASCII (K, İ). */
  #holds(contains: string): (id: number) => boolean {
    const names = this.#names
    const wanted = contains.toLowerCase()
    const bytes = new Uint8Array(wanted.length * unitBytesMax)
    const part = bytes.subarray(0, encodeUnits(wanted, bytes))
    return (id) => {
      const name = names.arenaOf(id)
      const start = names.startOf(id)
      const end = start + names.lengthOf(id)
      return isAscii(name, start, end)
        ? includesFolded(name, start, end, part)
        : names.nameOf(id).toLowerCase().includes(wanted)
    }
  }
}

/** Ids that come one by one. */
class IdList {
  #ids = new Uint32Array(16)
  length = 0

  push(id: number): void {
    if (this.length === this.#ids.length) {
      const wider = new Uint32Array(this.length * 2)
      wider.set(this.#ids)
      this.#ids = wider
    }
    this.#ids[this.length++] = id
  }

  finish(): Uint32Array {
    return this.#ids.slice(0, this.length)
  }
}

/** Puts the first cursor of a heap where it belongs after it has moved on. */
function sinkFirst(heap: FilterCursor[]): void {
  const moved = heap[0] as FilterCursor
  let at = 0
  for (;;) {
    const [left, right] = [heap[2 * at + 1], heap[2 * at + 2]]
    const nearer = left && right && right.at < left.at ? right : left
    if (!nearer || nearer.at >= moved.at) break
    heap[at] = nearer
    at = 2 * at + (nearer === left ? 1 : 2)
  }
  heap[at] = moved
}

function isAscii(bytes: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if ((bytes[i] as number) >= 0x80) return false
  return true
}

/** Whether the ASCII name holds `part`, which is in lower case. */
function includesFolded(name: Uint8Array, start: number, end: number, part: Uint8Array): boolean {
  for (let at = start; at + part.length <= end; at++) {
    let i = 0
    while (i < part.length && folded(name[at + i] as number) === part[i]) i++
    if (i === part.length) return true
  }
  return false
}

function folded(byte: number): number {
  return byte >= 65 && byte <= 90 ? byte + 32 : byte
}
