// How much the store takes on its disk, what is left, and how long that will do: measured now and then, so that asking is free.

import { statfs } from 'node:fs/promises'
import { directoryBytes } from '../directory.ts'
import type { Directory } from './directory.ts'

const dayMs = 86_400_000

export interface Holding {
  /** Readings in blocks and in memory. */
  readings: number
  /** Those in memory. */
  hot: number
  directory: Directory
}

export class DiskMeter {
  readonly #path: string
  /** Bytes the store may take; 0: all there are. */
  readonly #bytesMax: number
  bytes = 0
  freeBytes: number | null = null
  /** At the pace of the last day; `null` while that is not known. */
  daysUntilFull: number | null = null

  constructor(path: string, bytesMax: number) {
    this.#path = path
    this.#bytesMax = bytesMax
  }

  async measure(holding: Holding): Promise<void> {
    const [bytes, { bavail, bsize }] = await Promise.all([directoryBytes(this.#path), statfs(this.#path)])
    this.bytes = bytes
    this.freeBytes = bavail * bsize
    this.daysUntilFull = this.#outlook(holding, this.freeBytes)
  }

  #outlook({ readings, hot, directory }: Holding, freeBytes: number): number | null {
    if (readings === 0) return null
    const perDay = hot + countSince(directory, Date.now() - dayMs)
    const free = this.#bytesMax > 0 ? Math.min(freeBytes, this.#bytesMax - this.bytes) : freeBytes
    const bytesPerDay = perDay * (this.bytes / readings)
    return bytesPerDay > 0 ? Math.max(0, free) / bytesPerDay : null
  }
}

/** Readings of a time after `time`, a block that reaches over it in proportion. */
function countSince(directory: Directory, time: number): number {
  let count = 0
  for (const entry of directory.after(time)) {
    const part = entry.tmin >= time ? 1 : (entry.tmax - time) / (entry.tmax - entry.tmin)
    count += entry.count * part
  }
  return count
}
