// Where an aggregate over blocks and hot rows comes together: one group after another, its fields and what these come to in
// each bucket. Pure and usable in any thread. It promises what src/store/aggregate.ts would answer, whatever the order in
// which the rows and blocks of a group are added.

import { AppError } from '../../../domain/errors.ts'
import type { AggregateColumn, AggregateQuery } from '../../store.ts'
import { IndexReader } from '../block/indexreader.ts'
import type { OpenBlock } from '../block/open.ts'
import { Buckets } from './buckets.ts'
import { Cells } from './cells.ts'
import { BlockCache } from './cache.ts'
import { type SeriesChunk, SeriesPacker } from './packed.ts'
import { Slab } from './slab.ts'
import { Slots } from './slots.ts'

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

/** What is worked out beside counts and sums. */
export interface Wants {
  /** Deviations, lowest or highest values. */
  spread: boolean
  first: boolean
  last: boolean
}

function wantsOf(columns: AggregateQuery['columns']): Wants {
  const wants = (column: AggregateColumn): boolean => columns === undefined || columns.includes(column)
  return {
    spread: wants('m2s') || wants('mins') || wants('maxs'),
    first: wants('firsts'),
    last: wants('lasts'),
  }
}

/** Series, or their buckets, that are handed over at a time. */
const chunkSeries = 1000
const chunkBuckets = 65_536

export class AggregateTarget {
  readonly buckets: Buckets
  readonly quantiles: readonly number[]
  readonly wants: Wants
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
  readonly #packer: SeriesPacker
  #group: Group | null = null
  readonly #bytesMax: number
  readonly #reserve: (bytes: number) => void
  #bytes = 0

  constructor(
    source: AggregateSource,
    { fields, edges, quantiles, columns }: Pick<AggregateQuery, 'fields' | 'edges' | 'quantiles' | 'columns'>,
  ) {
    this.buckets = new Buckets(edges)
    this.wants = wantsOf(columns)
    this.#packer = new SeriesPacker(this.paths, quantiles, columns)
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

  /** The group that comes next. Those before it are complete: their series are packed, and their memory serves it. */
  group(name: string): Group {
    if (this.#group?.name === name) return this.#group
    this.#end()
    this.#take(groupBytes)
    this.#group = { name, cells: [] }
    return this.#group
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

  /** Series of complete groups, in the order of the groups and then of their fields, once they are worth a message. */
  *ready(): Generator<SeriesChunk> {
    const { series, buckets } = this.#packer
    if (series >= chunkSeries || buckets >= chunkBuckets) yield this.#packer.take()
  }

  /** The rest of them. */
  *finish(): Generator<SeriesChunk> {
    this.#end()
    if (this.#packer.series > 0) yield this.#packer.take()
  }

  #end(): void {
    if (!this.#group) return
    const { name, cells } = this.#group
    const found = cells.filter((own) => own !== undefined)
    if (found.length > 1) found.sort((a, b) => order(this.paths[a.field]!, this.paths[b.field]!))
    for (const own of found) this.#packer.add(name, own)
    this.#group = null
    this.#slab.reset()
    this.#bytes = 0
  }
}

/** About what a group and a field take beside their cells. */
const groupBytes = 256

const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
