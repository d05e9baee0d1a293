// Gives disk space back that LevelDB keeps of deleted records until it merges files: of rolled log, and of blocks that were
// replaced. Both are merged when nothing else is to be done; the log, which grows fast, under load as well.

import type { Blocks } from './blocks.ts'

export interface CompactionLimits {
  /** Bytes of rolled log that LevelDB may hold, however busy. */
  deadBytesMax: number
  /** Bytes on disk up to which replaced blocks are given back: to do so all blocks are written again. */
  compactedBytesMax: number
}

/** What the store is doing. */
export interface Activity {
  /** Milliseconds since a roll ended, and since a reading came. */
  sinceRollMs: number
  sinceReadingMs: number
  isIdle: boolean
  readings: number
  diskBytes: number
}

/** Bytes of rolled log after which they are given back, once no roll has ended for a moment. */
const deadBytesCalm = 4 * 2 ** 20
/** The moment: while one roll follows another, the next must not wait for the files to be merged. */
const calmMs = 1000
/** The part of all readings whose blocks were replaced, after which those are given back. LevelDB leaves about a tenth. */
const replacedPart = 1 / 16

export class Compaction {
  readonly #blocks: () => Blocks
  readonly #limits: CompactionLimits
  readonly #onDone: (error?: unknown) => void
  /** Bytes of rolled log segments that LevelDB may still hold. */
  #deadBytes = 0

  constructor(blocks: () => Blocks, limits: CompactionLimits, onDone: (error?: unknown) => void) {
    this.#blocks = blocks
    this.#limits = limits
    this.#onDone = onDone
  }

  /** Log segments of so many bytes were rolled. */
  rolled(bytes: number): void {
    this.#deadBytes += bytes
  }

  /** After a roll. */
  async afterRoll(): Promise<void> {
    if (this.#deadBytes >= this.#limits.deadBytesMax) await this.#compactLog()
  }

  /** Nothing is being rolled. */
  async rest({ sinceRollMs, sinceReadingMs, isIdle, readings, diskBytes }: Activity): Promise<void> {
    if (sinceRollMs <= calmMs) return
    if (this.#deadBytes >= (isIdle ? 1 : deadBytesCalm)) await this.#compactLog()
    const isMuch = this.#blocks().replacedRows > readings * replacedPart
    if (isMuch && sinceReadingMs > calmMs && diskBytes <= this.#limits.compactedBytesMax) {
      await this.#run(this.#blocks().compactReplaced())
    }
  }

  /** The store closes. */
  async end(): Promise<void> {
    if (this.#deadBytes >= deadBytesCalm) await this.#compactLog()
  }

  #compactLog(): Promise<void> {
    this.#deadBytes = 0
    return this.#run(this.#blocks().compactLog())
  }

  #run(work: Promise<void>): Promise<void> {
    return work.then(
      () => this.#onDone(),
      (error: unknown) => this.#onDone(error),
    )
  }
}
