// One write at a time for all threads, and none after one that failed until the database is opened again. A full disk may cut
// a record of LevelDB's log short; LevelDB goes on behind it, and finds neither it nor what follows when it is opened the next
// time. So nothing may be acknowledged that was written behind a failed write.

import { AppError } from '../../domain/errors.ts'

interface Waiting {
  granted: () => void
  refused: () => void
}

export class WriteGate {
  readonly #onFailed: (error: unknown) => void
  #isHeld = false
  #isBroken = false
  #waiting: Waiting[] = []

  /** `onFailed` hears of what `fail` was told. */
  constructor(onFailed: (error: unknown) => void) {
    this.#onFailed = onFailed
  }

  /** Calls `granted` when the turn has come, at once when nobody writes; `refused` when a write has failed. */
  enter(granted: () => void, refused: () => void): void {
    if (this.#isBroken) refused()
    else if (this.#isHeld) this.#waiting.push({ granted, refused })
    else {
      this.#isHeld = true
      granted()
    }
  }

  /** The same as a promise. */
  entered(): Promise<void> {
    return new Promise((resolve, reject) =>
      this.enter(resolve, () => {
        reject(new AppError('store_unavailable', 'a write has failed; the store is opened again'))
      }),
    )
  }

  /** The write is done, or was not begun. */
  leave(): void {
    const next = this.#waiting.shift()
    if (next) next.granted()
    else this.#isHeld = false
  }

  /** The write has failed: nobody enters until `mend`. */
  break(): void {
    this.#isBroken = true
    this.#isHeld = false
    for (const { refused } of this.#waiting.splice(0)) refused()
  }

  /** Breaks, and tells whoever opens the database again. */
  fail(error: unknown): void {
    this.break()
    this.#onFailed(error)
  }

  /** The database is open anew. */
  mend(): void {
    this.#isBroken = false
  }
}
