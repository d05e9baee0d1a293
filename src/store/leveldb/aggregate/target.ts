// Where an aggregate over blocks and hot rows comes together: groups, their fields and what these come to in each
// bucket. Pure and usable in any thread; parts made in several threads are merged. It promises what src/store/aggregate.ts
// would answer, whatever the order in which rows and blocks are added.

import { AppError } from '../../../domain/errors.ts'
import type { AggregateQuery } from '../../store.ts'
import { IndexReader } from '../block/indexreader.ts'
import type { OpenBlock } from '../block/open.ts'
import { Buckets } from './buckets.ts'
import { cellLength, Cells } from './cells.ts'
import { BlockCache } from './cache.ts'
import { packSeries, type SeriesChunk, type Unpacked } from './packed.ts'
import { Slab } from './slab.ts'
import { Slots } from './slots.ts'
import type { Collected } from './values.ts'

export interface AggregateSource {
  /** Reads a block by the number that `aggregateBlock` was given. Throws `store_corrupt`. */
  open(block: number): OpenBlock
  /** The largest memory to take for answers and for the values that quantiles are worked out from. */
  bytesMax: number
}

/** One group's fields, by number. */
export interface Group {
  readonly name: string
  readonly cells: (Cells | undefined)[]
}

/** A part of an answer, to be handed to another thread. Block numbers in it must mean the same there. */
export interface AggregatePart {
  group: string
  field: string
  base: number
  length: number
  data: Float64Array
  collected: Collected | null
}

const chunkSeries = 1000

export class AggregateTarget {
  readonly buckets: Buckets
  readonly quantiles: readonly number[]
  /** Paths by number: those asked for, or those met. */
  readonly paths: string[] = []
  /** Whether only the fields asked for count. */
  readonly isChosen: boolean
  /** The bytes of the paths asked for; `null` for one that UTF-8 cannot spell, which no index lists. */
  readonly pathBytes: (Uint8Array | null)[] = []
  /** The block being added … */
  readonly scanned: BlockCache
  /** … and the one in which a place is looked up meanwhile. */
  readonly #looked: BlockCache
  /** Go through the indexes. */
  readonly reader = new IndexReader()
  readonly slots = new Slots()
  readonly #slab = new Slab()
  readonly #numbers = new Map<string, number>()
  /** The field met last at each place of an index. */
  readonly #listed: { bytes: Uint8Array; field: number }[] = []
  readonly #groups = new Map<string, Group>()
  readonly #bytesMax: number
  readonly #reserve: (bytes: number) => void
  #bytes = 0

  constructor(
    source: AggregateSource,
    { fields, edges, quantiles }: Pick<AggregateQuery, 'fields' | 'edges' | 'quantiles'>,
  ) {
    this.buckets = new Buckets(edges)
    this.quantiles = quantiles
    this.isChosen = fields.length > 0
    this.#bytesMax = source.bytesMax
    this.#reserve = (bytes) => this.#take(bytes)
    const open = (block: number): OpenBlock => source.open(block)
    this.scanned = new BlockCache(open, this.paths)
    this.#looked = new BlockCache(open, this.paths)
    for (const field of fields) this.fieldOf(field)
  }

  /** The number of a path; every path has one when none were chosen. */
  fieldOf(path: string): number {
    const known = this.#numbers.get(path)
    if (known !== undefined) return known
    const field = this.paths.length
    this.#numbers.set(path, field)
    this.paths.push(path)
    this.pathBytes.push(/\p{Surrogate}/u.test(path) ? null : Buffer.from(path))
    return field
  }

  /** The number of field `at` of an index. Blocks mostly list the same fields at the same places. */
  fieldAt(at: number, index: IndexReader): number {
    const known = this.#listed[at]
    if (known && index.hasPath(at, known.bytes)) return known.field
    const path = index.path(at)
    const field = this.fieldOf(path)
    this.#listed[at] = { bytes: Buffer.from(path), field }
    return field
  }

  /** The number of a path that counts, or -1. */
  wanted(path: string): number {
    return this.isChosen ? (this.#numbers.get(path) ?? -1) : this.fieldOf(path)
  }

  group(name: string): Group {
    const known = this.#groups.get(name)
    if (known) return known
    const group: Group = { name, cells: [] }
    this.#take(groupBytes)
    this.#groups.set(name, group)
    return group
  }

  cellsOf(group: Group, field: number): Cells {
    const known = group.cells[field]
    if (known) return known
    this.#take(groupBytes)
    const cells = new Cells(field, this.#looked, this.#slab, this.#reserve)
    while (group.cells.length < field) group.cells.push(undefined)
    group.cells[field] = cells
    return cells
  }

  #take(bytes: number): void {
    this.#bytes += bytes
    if (this.#bytes <= this.#bytesMax) return
    throw new AppError(
      'query_limit',
      `the aggregate needs more than ${this.#bytesMax} bytes of memory; ask for fewer topics or fields, a shorter range, longer buckets or no percentiles`,
    )
  }

  /** All parts, to be merged elsewhere. */
  parts(): AggregatePart[] {
    return [...this.#groups.values()].flatMap(({ name, cells }) =>
      cells.flatMap((own, field): AggregatePart[] => {
        if (!own) return []
        const { base, length, collected } = own
        return [{ group: name, field: this.paths[field]!, base, length, data: own.copy(), collected }]
      }),
    )
  }

  merge(parts: readonly AggregatePart[]): void {
    for (const { group, field, base, length, data, collected } of parts) {
      this.cellsOf(this.group(group), this.fieldOf(field)).merge(base, length, data, collected)
    }
  }

  /** The answer, in the order of the groups, then of their fields, in chunks. */
  *series(): Generator<SeriesChunk> {
    let list: Unpacked[] = []
    for (const { name: group, cells } of [...this.#groups.values()].sort((a, b) => order(a.name, b.name))) {
      const found = cells.filter((own) => own !== undefined && own.length > 0) as Cells[]
      if (found.length > 1) found.sort((a, b) => order(this.paths[a.field]!, this.paths[b.field]!))
      for (const own of found) {
        const size = sizeOf(own)
        if (size > 0) list.push({ group, cells: own, size })
      }
      if (list.length < chunkSeries) continue
      yield packSeries(list, this.paths, this.quantiles)
      list = []
    }
    if (list.length > 0) yield packSeries(list, this.paths, this.quantiles)
  }
}

/** About what a group and a field take beside their cells. */
const groupBytes = 256

const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

/** Buckets that hold something. */
function sizeOf({ length, data, offset }: Cells): number {
  let size = 0
  for (let index = 0; index < length; index++) if (data[offset + index * cellLength]! > 0) size++
  return size
}
