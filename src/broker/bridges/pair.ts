// A connection within the process: two streams, what is written to one is read from the other, and whoever does not read
// makes the other side wait.

import { Duplex } from 'node:stream'

class Side extends Duplex {
  #other: Side | null = null
  /** Tells the writer of the other side that there is room again. */
  #release: (() => void) | null = null

  constructor() {
    super({ allowHalfOpen: false })
    this.on('error', () => undefined)
  }

  static pair(): [Side, Side] {
    const near = new Side()
    const far = new Side()
    near.#other = far
    far.#other = near
    return [near, far]
  }

  #take(chunk: Buffer | null, done: () => void): void {
    if (this.destroyed || this.push(chunk)) done()
    else this.#release = done
  }

  #pass(chunk: Buffer | null, done: () => void): void {
    if (this.#other !== null) this.#other.#take(chunk, done)
  }

  override _read(): void {
    const release = this.#release
    this.#release = null
    release?.()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#pass(chunk, done)
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#pass(null, done)
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this._read()
    const other = this.#other
    // In its own turn: what was written before is read first.
    setImmediate(() => other?.destroy())
    done(error)
  }
}

export function createStreamPair(): [Duplex, Duplex] {
  return Side.pair()
}

/** Lets the other side read what was written, and resolves when both are closed, at the latest after a second. */
export async function endLocal(near: Duplex): Promise<void> {
  if (near.destroyed) return
  const timer = setTimeout(() => near.destroy(), 1000)
  await new Promise<void>((resolve) => {
    near.once('close', () => resolve())
    near.end()
  })
  clearTimeout(timer)
}
