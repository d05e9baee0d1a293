// Where the blocks of each topic stand: immutable pages of 1,024 topics in shared memory, so that a change copies only the
// pages it touches and worker threads read the rest where it is. About 44 bytes a block, no object for any.
//
//   page: starts (1,025 × uint32, padded) | tmin | tmax | seq | seqMin | seqMax (float64 each) | count (uint32)

/** Where one block stands. Blocks of a topic do not overlap, and are listed oldest first. */
export interface BlockEntry {
  /** Milliseconds. */
  tmin: number
  tmax: number
  /** Number of its first reading; with `tmin` its key. */
  seq: number
  /** The smallest and largest number in it: late readings do not stand in the order of their numbers. */
  seqMin: number
  seqMax: number
  count: number
}

const pageTopics = 1024
const startsBytes = 4 * (pageTopics + 2)
const entryBytes = 5 * 8 + 4

interface Page {
  starts: Uint32Array
  /** tmin, tmax, seq, seqMin, seqMax. */
  columns: readonly Float64Array[]
  counts: Uint32Array
}

export type SharedPages = readonly (SharedArrayBuffer | null)[]

export class Directory {
  readonly shared: SharedPages
  readonly #pages: (Page | null)[]

  /** Of the pages of another directory. */
  constructor(shared: SharedPages = []) {
    this.shared = shared
    this.#pages = shared.map((buffer) => buffer && pageOf(buffer))
  }

  /** How many blocks a topic has. */
  count(topicId: number): number {
    const page = this.#pages[Math.floor(topicId / pageTopics)]
    const at = topicId % pageTopics
    return page ? page.starts[at + 1]! - page.starts[at]! : 0
  }

  /** The blocks of a topic, oldest first. */
  entries(topicId: number): BlockEntry[] {
    const page = this.#pages[Math.floor(topicId / pageTopics)]
    if (!page) return []
    const at = topicId % pageTopics
    return Array.from({ length: page.starts[at + 1]! - page.starts[at]! }, (_, i) =>
      entryAt(page, page.starts[at]! + i),
    )
  }

  /** The blocks that have rows in `from` ≤ time < `to`, oldest first. */
  between(topicId: number, from: number, to: number): BlockEntry[] {
    const page = this.#pages[Math.floor(topicId / pageTopics)]
    if (!page) return []
    const at = topicId % pageTopics
    const end = page.starts[at + 1]!
    const [tmins, tmaxs] = page.columns as [Float64Array, Float64Array]
    const found: BlockEntry[] = []
    for (let i = firstReaching(tmaxs, page.starts[at]!, end, from); i < end && tmins[i]! < to; i++) {
      found.push(entryAt(page, i))
    }
    return found
  }

  /** The newest block, if there is one. */
  last(topicId: number): BlockEntry | undefined {
    const page = this.#pages[Math.floor(topicId / pageTopics)]
    const at = topicId % pageTopics
    return page && page.starts[at + 1]! > page.starts[at]!
      ? entryAt(page, page.starts[at + 1]! - 1)
      : undefined
  }

  /** Ids of all topics that have blocks. */
  *topicIds(): Generator<number> {
    for (const [number, page] of this.#pages.entries()) {
      if (!page) continue
      for (let at = 0; at < pageTopics; at++) {
        if (page.starts[at + 1]! > page.starts[at]!) yield number * pageTopics + at
      }
    }
  }

  /** The blocks of all topics that reach beyond `time`. */
  *after(time: number): Generator<BlockEntry> {
    for (const page of this.#pages) {
      if (!page) continue
      const tmaxs = page.columns[1]!
      for (let i = 0; i < tmaxs.length; i++) if (tmaxs[i]! >= time) yield entryAt(page, i)
    }
  }

  get blocks(): number {
    return this.#pages.reduce((sum, page) => sum + (page?.counts.length ?? 0), 0)
  }

  /** A directory in which these topics have these blocks; this one stays as it is. */
  with(changes: ReadonlyMap<number, readonly BlockEntry[]>): Directory {
    const byPage = new Map<number, [number, readonly BlockEntry[]][]>()
    for (const [topicId, entries] of changes) {
      const number = Math.floor(topicId / pageTopics)
      const list = byPage.get(number)
      if (list) list.push([topicId % pageTopics, entries])
      else byPage.set(number, [[topicId % pageTopics, entries]])
    }
    const shared = [...this.shared]
    for (const [number, list] of byPage) {
      while (shared.length <= number) shared.push(null)
      shared[number] = changedPage(this.#pages[number] ?? null, list)
    }
    return new Directory(shared)
  }
}

function pageOf(buffer: SharedArrayBuffer): Page {
  const count = Math.floor((buffer.byteLength - startsBytes) / entryBytes)
  const column = (at: number): Float64Array => new Float64Array(buffer, startsBytes + at * 8 * count, count)
  return {
    starts: new Uint32Array(buffer, 0, pageTopics + 1),
    columns: [0, 1, 2, 3, 4].map(column),
    counts: new Uint32Array(buffer, startsBytes + 5 * 8 * count, count),
  }
}

function changedPage(
  old: Page | null,
  changes: readonly (readonly [number, readonly BlockEntry[]])[],
): SharedArrayBuffer {
  const ordered = changes.toSorted(([a], [b]) => a - b)
  const oldCount = (at: number): number => (old ? old.starts[at + 1]! - old.starts[at]! : 0)
  const total = ordered.reduce(
    (sum, [at, entries]) => sum + entries.length - oldCount(at),
    old?.counts.length ?? 0,
  )
  const buffer = new SharedArrayBuffer(startsBytes + total * entryBytes)
  const page = pageOf(buffer)
  let end = 0
  // Topics between two changed ones keep their entries: one copy a column.
  const keep = (from: number, to: number): void => {
    const first = old?.starts[from] ?? 0
    const last = old?.starts[to] ?? 0
    for (let at = from; at < to; at++) page.starts[at] = end + (old ? old.starts[at]! - first : 0)
    if (!old || first === last) return
    for (const [i, column] of page.columns.entries()) column.set(old.columns[i]!.subarray(first, last), end)
    page.counts.set(old.counts.subarray(first, last), end)
    end += last - first
  }
  let next = 0
  for (const [at, entries] of ordered) {
    keep(next, at)
    page.starts[at] = end
    for (const entry of entries) writeEntry(page, end++, entry)
    next = at + 1
  }
  keep(next, pageTopics)
  page.starts[pageTopics] = end
  return buffer
}

function entryAt({ columns, counts }: Page, at: number): BlockEntry {
  const [tmin, tmax, seq, seqMin, seqMax] = columns
  return {
    tmin: tmin![at]!,
    tmax: tmax![at]!,
    seq: seq![at]!,
    seqMin: seqMin![at]!,
    seqMax: seqMax![at]!,
    count: counts[at]!,
  }
}

function writeEntry({ columns, counts }: Page, at: number, entry: BlockEntry): void {
  const [tmin, tmax, seq, seqMin, seqMax] = columns
  tmin![at] = entry.tmin
  tmax![at] = entry.tmax
  seq![at] = entry.seq
  seqMin![at] = entry.seqMin
  seqMax![at] = entry.seqMax
  counts[at] = entry.count
}

function firstReaching(tmaxs: Float64Array, from: number, to: number, time: number): number {
  let low = from
  let high = to
  while (low < high) {
    const middle = (low + high) >>> 1
    if (tmaxs[middle]! < time) low = middle + 1
    else high = middle
  }
  return low
}
