// Long work in short turns: devices are not to wait until a dashboard is worked out.

import { setImmediate as nextTurn } from 'node:timers/promises'

/** The main thread works this long before it lets others in. */
const turnMs = 4

export class Turns {
  readonly #signal: AbortSignal
  #since = performance.now()

  constructor(signal: AbortSignal) {
    this.#signal = signal
  }

  /** Whether `next` is to be called; to be asked after some hundred numbers. */
  get isOver(): boolean {
    return performance.now() - this.#since >= turnMs
  }

  /** Lets others in. Throws the reason of the signal when nobody waits any more. */
  async next(): Promise<void> {
    await nextTurn()
    this.#signal.throwIfAborted()
    this.#since = performance.now()
  }
}
