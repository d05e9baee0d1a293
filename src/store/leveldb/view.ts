// The blocks as they stood when the last change to them ended: a LevelDB snapshot with the directory that fits it, shared
// by the scans that began since and released with the last of them. A change makes a new one, with the next number, in the
// same tick in which the rows it moved leave memory.

import { AppError } from '../../domain/errors.ts'
import { type OpenBlock, openBlock } from './block/open.ts'
import type { Shapes } from './block/shapes.ts'
import type { Database } from './database.ts'
import type { BlockEntry, Directory } from './directory.ts'
import { blockKey, indexKey, topicKey } from './keys.ts'
import { RecordCache } from './recordCache.ts'
import type { HotEpoch, PlacedBlock, Sources } from './scan/jobs.ts'
import { decodeTopic } from './topicRecord.ts'

export class View {
  readonly directory: Directory
  /** Counts the changes to the blocks since the store was opened. */
  readonly generation: number
  readonly #db: Database
  readonly #snapshot: ReturnType<Database['snapshot']>
  readonly #indexes: RecordCache<Buffer>
  readonly #blocks: RecordCache<OpenBlock>
  #users = 1

  /** `cacheBytes`: memory for what was read, to be kept for the next question. */
  constructor(db: Database, directory: Directory, generation: number, cacheBytes = 0) {
    this.#db = db
    this.#indexes = new RecordCache(cacheBytes / 4)
    this.#blocks = new RecordCache((cacheBytes * 3) / 4)
    this.#snapshot = db.snapshot()
    this.directory = directory
    this.generation = generation
  }

  acquire(): this {
    this.#users++
    return this
  }

  release(): void {
    this.#users--
    // What closing a snapshot of a closed database would say helps nobody.
    if (this.#users === 0) this.#snapshot.close().catch(() => {})
  }

  /** Throws `store_corrupt` with topic and time range when the block is damaged. */
  openBlock(
    shapes: Shapes,
    topicId: number,
    entry: BlockEntry,
    { keepsBlocks, fetched }: { keepsBlocks: boolean; fetched: Fetched },
  ): OpenBlock {
    const known = this.#blocks.get(entry.seq)
    if (known) return known
    const record =
      taken(fetched.block, entry.seq) ??
      this.#db.getSync(blockKey(topicId, entry.tmin, entry.seq), { snapshot: this.#snapshot })
    try {
      if (record && !keepsBlocks) return openBlock(record, shapes)
      if (record) {
        return this.#blocks.add(entry.seq, record.length, (grow) => openBlock(record, shapes, grow))
      }
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== 'store_corrupt') throw error
    }
    throw damagedBlock(this.#db, topicId, entry)
  }

  /** The record of a block's index. Throws `store_corrupt` when it is missing. */
  indexRecord(topicId: number, entry: BlockEntry, { index }: Fetched): Buffer {
    const known = this.#indexes.get(entry.seq)
    if (known) return known
    const record =
      taken(index, entry.seq) ??
      this.#db.getSync(indexKey(topicId, entry.tmin, entry.seq), { snapshot: this.#snapshot })
    if (record === undefined) throw damagedBlock(this.#db, topicId, entry)
    return this.#indexes.add(entry.seq, record.length, () => record)
  }

  /** Reads records that are not kept in the pool of I/O threads. Never fails: who asks for what is missing reads it itself. */
  async #fetch(kind: 'block' | 'index', blocks: readonly PlacedBlock[], fetched: Fetched): Promise<void> {
    const [kept, keyOf] = kind === 'block' ? [this.#blocks, blockKey] : [this.#indexes, indexKey]
    const missing = blocks.filter(({ entry }) => kept.get(entry.seq) === undefined)
    const keys = missing.map(({ topicId, entry: { tmin, seq } }) => keyOf(topicId, tmin, seq))
    try {
      const records = await this.#db.getMany(keys, { snapshot: this.#snapshot })
      const bySeq = new Map<number, Buffer>()
      for (const [i, record] of records.entries()) if (record) bySeq.set(missing[i]!.entry.seq, record)
      fetched[kind].push(bySeq)
      if (fetched[kind].length > roundsAhead) fetched[kind].shift()
    } catch {
      // Read one by one it shows which one it is.
    }
  }

  /**
   * What a scan reads, with these rows in memory. `keepsBlocks`: those it opens are likely to be asked for again. `readsAhead`: a
   * long one, which may wait for records.
   */
  sources(
    shapes: () => Shapes,
    epochs: readonly HotEpoch[],
    { keepsBlocks = true, readsAhead = false } = {},
  ): Sources {
    this.#indexes.nextRound()
    this.#blocks.nextRound()
    const fetched: Fetched = { block: [], index: [] }
    const reading = { keepsBlocks, fetched }
    return {
      directory: this.directory,
      openBlock: (topicId, entry) => this.openBlock(shapes(), topicId, entry, reading),
      indexRecord: (topicId, entry) => this.indexRecord(topicId, entry, fetched),
      fetch: readsAhead ? (kind, blocks) => this.#fetch(kind, blocks, fetched) : null,
      epochs,
    }
  }
}

/** Records read ahead for one scan, by the number of the block's first reading: a round that is worked on, and the next. */
type Fetched = Record<'block' | 'index', Map<number, Buffer>[]>

const roundsAhead = 2

function taken(rounds: readonly Map<number, Buffer>[], seq: number): Buffer | undefined {
  for (const records of rounds) {
    const record = records.get(seq)
    if (record) return record
  }
  return undefined
}

/** What is told of a block that cannot be read. */
export function damagedBlock(db: Database, topicId: number, entry: BlockEntry): AppError {
  const name = decodeTopic(db.getSync(topicKey(topicId)))?.name ?? `topic number ${topicId}`
  const [from, to] = [entry.tmin, entry.tmax].map((time) => new Date(time).toISOString())
  return new AppError(
    'store_corrupt',
    `the readings of "${name}" from ${from} to ${to} are damaged; the rest can be read`,
  )
}
