// The blocks as they stood when the last roll ended: a LevelDB snapshot, shared by the scans that began since and
// released with the last of them. A roll makes a new one in the same tick in which it swaps the block lists.

import type { Database } from './database.ts'

export class View {
  readonly snapshot: ReturnType<Database['snapshot']>
  readonly #onError: (error: unknown) => void
  #users = 1

  constructor(db: Database, onError: (error: unknown) => void) {
    this.snapshot = db.snapshot()
    this.#onError = onError
  }

  acquire(): this {
    this.#users++
    return this
  }

  release(): void {
    this.#users--
    if (this.#users === 0) this.snapshot.close().catch(this.#onError)
  }
}
