// How large the results of an expression may become while it is worked out: each one, and all that wait for another together.

import { execution } from './faults.ts'
import type { Value } from './values.ts'

/** Characters that the labels of one result may have together. */
const labelCharsMax = 2 ** 26

export class Room {
  readonly #cellsMax: number
  #held = 0

  /** `cellsMax`: numbers that one result, and all that wait together, may have. */
  constructor(cellsMax: number) {
    this.#cellsMax = cellsMax
  }

  /** Throws `query_limit` when a result would have more numbers than it may. */
  check(series: number, steps: number): void {
    if (series * steps <= this.#cellsMax) return
    throw execution(
      `series times steps are more than ${this.#cellsMax}; ask for fewer series or longer steps (limits.query_samples)`,
    )
  }

  /** The same of the characters that labels have which were made by an expression. */
  checkLabels(characters: number): void {
    if (characters <= labelCharsMax) return
    throw execution(`the labels of a result would have more than ${labelCharsMax} characters together`)
  }

  /** Works while `value` waits for what comes of it. */
  async holding<T>(value: Value, work: () => Promise<T>): Promise<T> {
    const cells = cellsOf(value)
    if (this.#held + cells > this.#cellsMax) {
      throw execution(
        `operands that wait for another have more than ${this.#cellsMax} numbers together; ask for fewer series, longer steps or less in one expression (limits.query_samples)`,
      )
    }
    this.#held += cells
    try {
      return await work()
    } finally {
      this.#held -= cells
    }
  }
}

function cellsOf(value: Value): number {
  if (value.type === 'string') return 0
  if (value.type === 'scalar') return value.values.length
  return value.series.length * (value.series[0]?.values.length ?? 0)
}
