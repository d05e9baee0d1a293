// Writes behind what memory holds: now and then a cut through everything that was touched, taken in one instant and put on
// the disk in one batch, together with the number of the last reading it knows. Whatever came later is in the log.

import { setImmediate as nextTurn } from 'node:timers/promises'
import { asAppError } from '../../domain/errors.ts'
import type { Log } from '../../ops/log.ts'
import { createDurable, type Durable, writeFollowed } from './records.ts'
import type { Staging } from './staging.ts'

/** What a cut has to write is made ready this long, and then others are let in. */
const turnMs = 4

/** Writes one thing as it was when this function was made. */
export type Write = (durable: Durable, staging: Staging) => Promise<void>

interface Waiter {
  resolve: () => void
  reject: (error: Error) => void
  sync: boolean
}

export interface JournalDependencies {
  staging: Staging
  log: Log
  /** Without anybody waiting, changes of this long are written together. */
  intervalMs?: number
  /** After a failure the next attempt comes this much later. */
  retryMs?: number
}

export class Journal {
  #dirty = new Map<unknown, (key: never) => Write>()
  #waiters: Waiter[] = []
  #followed = 0
  #written = 0
  #running: Promise<void> | null = null
  #timer: NodeJS.Timeout | null = null
  #closed = false
  readonly #deps: Required<JournalDependencies>

  constructor(dependencies: JournalDependencies) {
    this.#deps = { intervalMs: 100, retryMs: 1000, ...dependencies }
  }

  /** Has the state of `key` written soon: `capture` takes it at the moment of the cut. */
  touch<K>(key: K, capture: (key: K) => Write): void {
    this.#dirty.set(key, capture as (key: never) => Write)
    this.#schedule()
  }

  /** Everything up to reading number `seq` has had its effect in memory. */
  follow(seq: number): void {
    if (seq <= this.#followed) return
    this.#followed = seq
    this.#schedule()
  }

  /** Resolves when all that was touched until now outlives the process; with `sync` a power cut, too. */
  cut({ sync = false }: { sync?: boolean } = {}): Promise<void> {
    const done = new Promise<void>((resolve, reject) => this.#waiters.push({ resolve, reject, sync }))
    this.#start()
    return done
  }

  /** A last cut; later changes are not written. */
  async close(): Promise<void> {
    const last = this.cut()
    this.#closed = true
    if (this.#timer) clearTimeout(this.#timer)
    await last
  }

  #schedule(): void {
    if (this.#timer !== null || this.#running !== null || this.#closed) return
    this.#timer = setTimeout(() => this.#start(), this.#deps.intervalMs)
    this.#timer.unref()
  }

  #start(): void {
    if (this.#timer) clearTimeout(this.#timer)
    this.#timer = null
    this.#running ??= this.#run()
  }

  async #run(): Promise<void> {
    // The turn in which things are touched is left to the clients.
    await new Promise((resolve) => setImmediate(resolve))
    let failed = false
    do {
      failed = !(await this.#write())
    } while (this.#waiters.length > 0)
    this.#running = null
    if (this.#dirty.size === 0 && this.#followed === this.#written) return
    if (failed && !this.#closed) {
      this.#timer = setTimeout(() => this.#start(), this.#deps.retryMs)
      this.#timer.unref()
    } else this.#schedule()
  }

  async #write(): Promise<boolean> {
    const { staging, log } = this.#deps
    const waiters = this.#waiters
    const dirty = this.#dirty
    const followed = this.#followed
    this.#waiters = []
    this.#dirty = new Map()
    const writes = [...dirty].map(([key, capture]) => capture(key as never))
    try {
      const durable = createDurable(staging)
      let began = performance.now()
      for (const write of writes) {
        await write(durable, staging)
        if (performance.now() - began < turnMs) continue
        await nextTurn()
        began = performance.now()
      }
      await writeFollowed(staging, followed)
      await staging.commit({ sync: waiters.some(({ sync }) => sync) })
      this.#written = followed
      for (const { resolve } of waiters) resolve()
      return true
    } catch (error) {
      log.error({ err: error }, 'changes of MQTT sessions could not be written; they are tried again')
      staging.discard()
      for (const [key, capture] of dirty) if (!this.#dirty.has(key)) this.#dirty.set(key, capture)
      for (const { reject } of waiters) reject(asAppError(error, 'store_unavailable'))
      return false
    }
  }
}
