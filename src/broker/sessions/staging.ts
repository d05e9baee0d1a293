// A database that gathers writes and puts them on the disk in one atomic batch: what a kill leaves behind is the state of
// one moment, whole. It has the part of abstract-level that aedes-persistence-level calls.

import type { Level } from 'level'

type Value = Buffer | null

interface Operation {
  type: 'put' | 'del'
  key: string
  value?: Buffer
}

export class Staging {
  readonly #db: Level<string, string>
  #pending = new Map<string, Value>()
  /** A write has failed since the database was opened. */
  #isTorn = false

  constructor(db: Level<string, string>) {
    this.#db = db
  }

  async get(key: string): Promise<Buffer | undefined> {
    const pending = this.#pending.get(key)
    if (pending !== undefined) return pending ?? undefined
    return await this.#db.get<string, Buffer>(key, { valueEncoding: 'buffer' })
  }

  async put(key: string, value: Buffer): Promise<void> {
    this.#pending.set(key, value)
  }

  async del(key: string): Promise<void> {
    this.#pending.set(key, null)
  }

  async batch(operations: readonly Operation[]): Promise<void> {
    for (const { type, key, value } of operations) {
      this.#pending.set(key, type === 'put' && value !== undefined ? value : null)
    }
  }

  /** What is on the disk; what is pending is not seen. */
  values(range: { gte: string; lt: string }): AsyncIterable<Buffer> {
    return this.#db.values<string, Buffer>({ ...range, valueEncoding: 'buffer' })
  }

  keys(range: { gte: string; lt: string }): AsyncIterable<string> {
    return this.#db.keys(range)
  }

  /**
   * Everything pending, at once. `sync`: also safe from a power cut. After a failure the database is opened anew first: a full
   * disk may have cut a record of LevelDB's log short, and what is written behind it is not found at the next start.
   */
  async commit({ sync }: { sync: boolean }): Promise<void> {
    const operations = [...this.#pending].map(([key, value]) =>
      value === null
        ? ({ type: 'del', key } as const)
        : ({ type: 'put', key, value, valueEncoding: 'buffer' } as const),
    )
    this.#pending = new Map()
    if (operations.length === 0) return
    if (this.#isTorn) {
      await this.#db.close()
      await this.#db.open()
      this.#isTorn = false
    }
    try {
      await this.#db.batch<string, string | Buffer>(operations, { sync })
    } catch (error) {
      this.#isTorn = true
      throw error
    }
  }

  /** Forgets what is pending. */
  discard(): void {
    this.#pending = new Map()
  }
}
