// The order of one client's packets, where it shows: a SUBSCRIBE takes effect after the publishes sent before it and before
// those sent behind it, although a publish is only delivered once it is durable.

interface Waiting {
  /** Publishes up to this place come first. */
  place: number
  left: number
  run: () => void
}

/** Publishes of one client that are being stored, and what was sent behind them. */
export class Turns {
  #begun = 0
  #underWay = 0
  #held = false
  #waiting: Waiting[] = []

  /** A publish begins; what it returns is handed to `end`. */
  begin(): number {
    this.#underWay++
    return ++this.#begun
  }

  /** It was delivered or refused. Whose turn that makes it runs now, before the next publish of the same commit. */
  end(place: number): void {
    this.#underWay--
    if (this.#waiting.length === 0) return
    for (const waiting of this.#waiting) if (place <= waiting.place) waiting.left--
    this.#goOn()
  }

  /** What was sent behind a SUBSCRIBE that takes several turns waits for the last of them. */
  async hold(work: Promise<void>): Promise<void> {
    this.#held = true
    try {
      await work
    } finally {
      this.#held = false
      this.#goOn()
    }
  }

  #goOn(): void {
    while (!this.#held && this.#waiting[0]?.left === 0) this.#waiting.shift()?.run()
  }

  /** Begins `work` when every publish begun before is over; at once when there is none. */
  after(work: () => Promise<void>): Promise<void> {
    if (this.#underWay === 0 && !this.#held && this.#waiting.length === 0) return work()
    return new Promise((resolve, reject) => {
      const run = (): void => void work().then(resolve, reject)
      this.#waiting.push({ place: this.#begun, left: this.#underWay, run })
    })
  }
}
