// Names of topics while rows are made readings.

import type { Loaded } from './load.ts'

const scanNamesMax = 10_000

/** Names of topics during one scan: each row with a text of its own would cost an export more than its payload. */
export class ScanNames {
  readonly #names: Loaded['names']
  readonly #known = new Map<number, string>()

  constructor({ names }: Loaded) {
    this.#names = names
  }

  of(id: number): string {
    let name = this.#known.get(id)
    if (name === undefined) {
      if (this.#known.size >= scanNamesMax) this.#known.clear()
      this.#known.set(id, (name = this.#names.nameOf(id)))
    }
    return name
  }
}
