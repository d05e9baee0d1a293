// Where the blocks of each topic stand: an immutable value of pages in shared memory, so that a change copies only the pages it
// touches and worker threads read all of them where they are. 40 bytes a block and 4 a topic, no object for either.

import assert from 'node:assert'
import { type BlockEntry, BlockRows, Page, pageTopics, rowBytes } from './page.ts'

const topicIdsMax = 2 ** 31
const noPage = Page.ofLength(0)

/** Numbers of one block in a packed list: tmin, tmax, seq, lastSeq, seqMax, count. */
export const entryNumbers = 6

/** All the blocks that a topic has from now on, packed; none when empty. */
export interface DirectoryChange {
  topicId: number
  entries: Float64Array
}

/** What a worker thread is given; `null` for 1,024 topics without blocks. */
export type DirectoryPages = readonly (SharedArrayBuffer | null)[]

export class Directory {
  /** How many blocks there are. */
  readonly blocks: number
  readonly #pages: readonly (Page | null)[]

  private constructor(pages: readonly (Page | null)[]) {
    this.#pages = pages
    this.blocks = pages.reduce((sum, page) => sum + (page?.length ?? 0), 0)
  }

  /** Of the pages of another directory; without any, of no blocks. */
  static of(pages: DirectoryPages = []): Directory {
    return new Directory(pages.map((buffer) => buffer && new Page(buffer)))
  }

  get pages(): DirectoryPages {
    return this.#pages.map((page) => page && page.buffer)
  }

  /** The blocks of a topic, oldest first: a view, without a copy. */
  blocksOf(topicId: number): BlockList {
    const page = this.#pages[Math.floor(topicId / pageTopics)] ?? noPage
    const at = topicId % pageTopics
    return new BlockList(page.rows, page.start(at), page.start(at + 1))
  }

  /** Ids of the topics that have blocks, ascending. */
  *topicIds(): Generator<number> {
    for (const [number, page] of this.#pages.entries()) {
      if (!page) continue
      for (let at = 0; at < pageTopics; at++) {
        if (page.start(at + 1) > page.start(at)) yield number * pageTopics + at
      }
    }
  }

  /**
   * A directory in which these topics have these blocks, and the others those they had; this one stays as it is.
   * Throws `AssertionError` when blocks of a topic overlap or a topic is named twice.
   */
  with(changes: readonly DirectoryChange[]): Directory {
    const byPage = new Map<number, DirectoryChange[]>()
    for (const change of changes.toSorted((a, b) => a.topicId - b.topicId)) {
      const number = pageOf(change.topicId)
      const list = byPage.get(number)
      assert(list?.at(-1)?.topicId !== change.topicId, `topic ${change.topicId} is named twice`)
      if (list) list.push(change)
      else byPage.set(number, [change])
    }
    const pages = [...this.#pages]
    for (const [number, list] of byPage) {
      while (pages.length <= number) pages.push(null)
      pages[number] = changedPage(pages[number] ?? noPage, list)
    }
    return new Directory(pages)
  }
}

/** The blocks of one topic, oldest first. */
export class BlockList {
  readonly length: number
  readonly #rows: BlockRows
  readonly #first: number

  constructor(rows: BlockRows, first: number, end: number) {
    this.#rows = rows
    this.#first = first
    this.length = end - first
  }

  tmin(i: number): number {
    return this.#rows.tmin(this.#row(i))
  }

  tmax(i: number): number {
    return this.#rows.tmax(this.#row(i))
  }

  seq(i: number): number {
    return this.#rows.seq(this.#row(i))
  }

  lastSeq(i: number): number {
    return this.#rows.lastSeq(this.#row(i))
  }

  seqMax(i: number): number {
    return this.#rows.seqMax(this.#row(i))
  }

  count(i: number): number {
    return this.#rows.count(this.#row(i))
  }

  entry(i: number): BlockEntry {
    return this.#rows.entry(this.#row(i))
  }

  /** The first block with a row at `time` or later (tmax ≥ time); `length` when there is none. */
  firstAfter(time: number): number {
    return this.#search((i) => this.tmax(i) >= time)
  }

  /** The first block with all rows at `time` or later (tmin ≥ time): the end of a range that excludes `time`. */
  firstFrom(time: number): number {
    return this.#search((i) => this.tmin(i) >= time)
  }

  /** Blocks `from` ≤ i < `to` as `with` takes them; all by default. */
  packed(from = 0, to = this.length): Float64Array {
    return packEntries(Array.from({ length: to - from }, (_, i) => this.entry(from + i)))
  }

  /** Beyond the list, another topic would answer. */
  #row(i: number): number {
    if (!(i >= 0 && i < this.length)) assert.fail(`there is no block ${i} of ${this.length}`)
    return this.#first + i
  }

  #search(isReached: (i: number) => boolean): number {
    let low = 0
    let high = this.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (isReached(middle)) high = middle
      else low = middle + 1
    }
    return low
  }
}

/** Takes in entries by topic id and then by time, as the store is read at open. */
export class DirectoryBuilder {
  readonly #pages: (SharedArrayBuffer | null)[] = []
  readonly #starts = new Uint32Array(pageTopics + 1)
  #rows = new BlockRows(new ArrayBuffer(1024 * rowBytes), 0)
  #count = 0
  /** The last one taken in. */
  #topicId = -1

  /** Throws `AssertionError` when the entry is out of order or overlaps the one before. */
  add(topicId: number, entry: BlockEntry): void {
    const number = pageOf(topicId)
    assert(topicId >= this.#topicId, `blocks of topic ${topicId} come after those of ${this.#topicId}`)
    if (this.#count > 0 && number !== pageOf(this.#topicId)) this.#endPage()
    const isFirst = topicId !== this.#topicId
    if (isFirst) {
      // Topics passed over have no blocks: they start where this one does.
      const next = this.#count === 0 ? 0 : (this.#topicId % pageTopics) + 1
      this.#starts.fill(this.#count, next, (topicId % pageTopics) + 1)
      this.#topicId = topicId
    }
    if (this.#count === this.#rows.capacity) {
      const wider = new BlockRows(new ArrayBuffer(2 * this.#count * rowBytes), 0)
      wider.copy(0, this.#rows, 0, this.#count)
      this.#rows = wider
    }
    this.#rows.write(this.#count++, entry, isFirst)
  }

  finish(): Directory {
    if (this.#count > 0) this.#endPage()
    return Directory.of(this.#pages)
  }

  #endPage(): void {
    this.#starts.fill(this.#count, (this.#topicId % pageTopics) + 1)
    const page = Page.ofLength(this.#count)
    page.starts.set(this.#starts)
    page.rows.copy(0, this.#rows, 0, this.#count)
    while (this.#pages.length < pageOf(this.#topicId)) this.#pages.push(null)
    this.#pages.push(page.buffer)
    this.#count = 0
  }
}

/** A list of blocks as `with` takes it. */
export function packEntries(entries: readonly BlockEntry[]): Float64Array {
  const packed = new Float64Array(entries.length * entryNumbers)
  let at = 0
  for (const { tmin, tmax, seq, lastSeq, seqMax, count } of entries) {
    packed.set([tmin, tmax, seq, lastSeq, seqMax, count], at)
    at += entryNumbers
  }
  return packed
}

/** `changes` in the order of their topics. */
function changedPage(old: Page, changes: readonly DirectoryChange[]): Page | null {
  let length = old.length
  for (const { topicId, entries } of changes) {
    assert(entries.length % entryNumbers === 0, 'a packed list holds whole entries')
    const at = topicId % pageTopics
    length += entries.length / entryNumbers - (old.start(at + 1) - old.start(at))
  }
  if (length === 0) return null
  const page = Page.ofLength(length)
  let end = 0
  // Topics between two that change keep their blocks: one copy for all of them.
  const keep = (from: number, to: number): void => {
    const first = old.start(from)
    for (let at = from; at < to; at++) page.starts[at] = end + old.start(at) - first
    page.rows.copy(end, old.rows, first, old.start(to))
    end += old.start(to) - first
  }
  let next = 0
  for (const { topicId, entries } of changes) {
    const at = topicId % pageTopics
    keep(next, at)
    page.starts[at] = end
    for (let i = 0; i < entries.length; i += entryNumbers)
      page.rows.write(end++, entryAt(entries, i), i === 0)
    next = at + 1
  }
  keep(next, pageTopics)
  page.starts[pageTopics] = end
  return page
}

function entryAt(packed: Float64Array, at: number): BlockEntry {
  return {
    tmin: packed[at] as number,
    tmax: packed[at + 1] as number,
    seq: packed[at + 2] as number,
    lastSeq: packed[at + 3] as number,
    seqMax: packed[at + 4] as number,
    count: packed[at + 5] as number,
  }
}

function pageOf(topicId: number): number {
  assert(Number.isInteger(topicId) && topicId >= 0 && topicId < topicIdsMax, `${topicId} is no topic id`)
  return Math.floor(topicId / pageTopics)
}
