// The end of many connections at once, a few milliseconds of each turn of the event loop, so that those who stay are served in
// between. Where few end, each ends at once.

import type { Duplex } from 'node:stream'

/** A turn spends this long on ends, and then lets others in. */
const turnMs = 4

export interface ClosingOptions {
  turnMs?: number
  now?: () => number
}

export class Closing {
  readonly #turnMs: number
  readonly #now: () => number
  #waiting: (() => void)[] = []
  #head = 0
  /** When the first end of this turn began; `null`: there was none yet. */
  #began: number | null = null

  constructor(options: ClosingOptions = {}) {
    this.#turnMs = options.turnMs ?? turnMs
    this.#now = options.now ?? (() => performance.now())
  }

  /** Ends that wait for their turn. */
  get waiting(): number {
    return this.#waiting.length - this.#head
  }

  /** Does `end` now, or when its turn comes; in the order given. */
  run(end: () => void): void {
    if (this.#began === null) {
      this.#began = this.#now()
      setImmediate(this.#turn)
    }
    if (this.waiting === 0 && !this.#isSpent()) end()
    else this.#waiting.push(end)
  }

  #isSpent(): boolean {
    return this.#began !== null && this.#now() - this.#began >= this.#turnMs
  }

  readonly #turn = (): void => {
    if (this.waiting === 0) {
      this.#began = null
      return
    }
    this.#began = this.#now()
    this.#next()
  }

  readonly #next = (): void => {
    const end = this.#waiting[this.#head++]
    if (this.#head === this.#waiting.length) {
      this.#waiting = []
      this.#head = 0
    }
    end?.()
    // Behind what the end leaves to the next tick: that is the larger part of the work.
    process.nextTick(this.#after)
  }

  readonly #after = (): void => {
    if (this.waiting > 0 && !this.#isSpent()) this.#next()
    else setImmediate(this.#turn)
  }
}

/** The other side's end of a stream, and ours, are heard of in their turn. */
export function endInTurns(stream: Duplex, closing: Closing): void {
  const push = stream.push.bind(stream)
  const destroy = stream.destroy.bind(stream)
  let isEnding = false
  stream.push = (chunk: unknown, encoding?: BufferEncoding): boolean => {
    if (chunk !== null) return push(chunk, encoding)
    closing.run(() => {
      if (stream.destroyed) return
      push(null)
      stream.read(0)
    })
    return false
  }
  stream.destroy = (error?: Error): Duplex => {
    if (isEnding) return stream
    isEnding = true
    closing.run(() => {
      isEnding = false
      destroy(error)
    })
    return stream
  }
}
