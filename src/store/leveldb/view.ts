// The blocks as they stood when the last change to them ended: a LevelDB snapshot with the directory that fits it, shared
// by the scans that began since and released with the last of them. A change makes a new one, with the next number, in the
// same tick in which the rows it moved leave memory.

import { AppError } from '../../domain/errors.ts'
import { type OpenBlock, openBlock } from './block/open.ts'
import type { Shapes } from './block/shapes.ts'
import type { Database } from './database.ts'
import type { BlockEntry, Directory } from './directory.ts'
import { blockKey, indexKey, topicKey } from './keys.ts'
import type { HotEpoch, Sources } from './scan/jobs.ts'
import { decodeTopic } from './topicRecord.ts'

export class View {
  readonly directory: Directory
  /** Counts the changes to the blocks since the store was opened. */
  readonly generation: number
  readonly #db: Database
  readonly #snapshot: ReturnType<Database['snapshot']>
  #users = 1

  constructor(db: Database, directory: Directory, generation: number) {
    this.#db = db
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
  openBlock(shapes: Shapes, topicId: number, entry: BlockEntry): OpenBlock {
    const record = this.#db.getSync(blockKey(topicId, entry.tmin, entry.seq), { snapshot: this.#snapshot })
    try {
      if (record) return openBlock(record, shapes)
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== 'store_corrupt') throw error
    }
    throw damagedBlock(this.#db, topicId, entry)
  }

  /** The record of a block's index. Throws `store_corrupt` when it is missing. */
  indexRecord(topicId: number, entry: BlockEntry): Buffer {
    const record = this.#db.getSync(indexKey(topicId, entry.tmin, entry.seq), { snapshot: this.#snapshot })
    if (record === undefined) throw damagedBlock(this.#db, topicId, entry)
    return record
  }

  /** What a scan reads, with these rows in memory. */
  sources(shapes: () => Shapes, epochs: readonly HotEpoch[]): Sources {
    return {
      directory: this.directory,
      openBlock: (topicId, entry) => this.openBlock(shapes(), topicId, entry),
      indexRecord: (topicId, entry) => this.indexRecord(topicId, entry),
      epochs,
    }
  }
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
