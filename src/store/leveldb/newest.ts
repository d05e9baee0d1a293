// The newest readings of topics as they were last read from their records, so that whoever asks for them every few seconds does
// not read the disk each time. Bounded, and valid only until the blocks change: a change may give rows other fields.

import type { Reading } from '../../domain/reading.ts'
import type { Directory } from './directory.ts'

/** Readings kept; those of larger payloads are read each time. */
const readingsMax = 16_384
const payloadBytesMax = 4096

export class NewestReadings {
  readonly #kept = new Map<number, Reading>()
  #directory: Directory | null = null

  /** The reading with this number, when it is known under these blocks. */
  get(topicId: number, seq: number, directory: Directory): Reading | null {
    if (directory !== this.#directory) {
      this.#kept.clear()
      this.#directory = directory
    }
    const known = this.#kept.get(topicId)
    return known?.seq === seq ? known : null
  }

  keep(topicId: number, reading: Reading): void {
    if (reading.payload.length > payloadBytesMax) return
    if (this.#kept.size >= readingsMax) this.#kept.clear()
    this.#kept.set(topicId, reading)
  }
}
