// The threads that read for long queries: each has a part of the topics, always the same, so that what it keeps of their
// blocks serves the next question too. All start with the first question that is not small.

import { StoreThread } from './thread.ts'

export interface ReadersData {
  path: string
  cacheBytes: number
  threads: number
}

/** A third of what a core gives others that want it as well. */
const niceness = 5

export class Readers {
  readonly #threads: readonly StoreThread[]

  /** `cacheBytes` is for all of them together. */
  constructor({ path, cacheBytes, threads }: ReadersData) {
    const data = { path, cacheBytes: Math.floor(cacheBytes / threads), niceness }
    this.#threads = Array.from({ length: threads }, () => new StoreThread(data))
  }

  get all(): readonly StoreThread[] {
    return this.#threads
  }

  /** Some have taken a call, and so all have. */
  get isRunning(): boolean {
    return this.#threads.some(({ isRunning }) => isRunning)
  }

  /** Starts those that do not run, so that all hold a snapshot of the same blocks from now on. */
  async pin(params: unknown): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread.ask('pin', params)))
  }

  async close(): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread.close()))
  }
}
