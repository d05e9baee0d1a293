// A store thread seen from the main thread: started with the first call, stopped with `close`. Calls answer in chunks; who
// stops reading stops the call.

import type { Worker } from 'node:worker_threads'
import { startThread } from '../../../ops/thread.ts'
import { type Answer, errorOf, type Request } from './protocol.ts'

/** What a thread is started with. */
export interface ThreadData {
  /** The directory of the database, which the main thread has open. */
  path: string
  /** Memory for what was read, to be kept for the next question. */
  cacheBytes: number
  /** How much it gives way to other threads: 0 to 19. */
  niceness: number
}

interface Call {
  answers: Answer[]
  wake: (() => void) | null
}

/** What a thread works on lies outside V8's heap: with more, dead objects would only wait longer. */
const maxYoungGenerationSizeMb = 12

export class StoreThread {
  readonly #data: ThreadData
  readonly #module: string
  readonly #calls = new Map<number, Call>()
  #worker: Worker | null = null
  #nextId = 1

  /** `module`: what runs in it, beside this file. */
  constructor(data: ThreadData, module = './main') {
    this.#data = data
    this.#module = module
  }

  get isRunning(): boolean {
    return this.#worker !== null
  }

  /** Chunks of a call, then its result as the generator's return value; ends early with the signal's reason. */
  async *call<Chunk, Result>(
    method: string,
    params: unknown,
    signal?: AbortSignal,
  ): AsyncGenerator<Chunk, Result> {
    const id = this.#nextId++
    const call: Call = { answers: [], wake: null }
    this.#calls.set(id, call)
    this.#send({ id, kind: 'call', method, params })
    const wake = (): void => call.wake?.()
    signal?.addEventListener('abort', wake)
    let isOver = false
    try {
      for (;;) {
        signal?.throwIfAborted()
        const answer = call.answers.shift()
        if (!answer) {
          await new Promise<void>((resolve) => (call.wake = resolve))
          continue
        }
        isOver = answer.kind !== 'chunk'
        if (answer.kind === 'fail') throw errorOf(answer)
        if (answer.kind === 'done') return answer.value as Result
        yield answer.value as Chunk
        this.#send({ id, kind: 'more' })
      }
    } finally {
      signal?.removeEventListener('abort', wake)
      this.#calls.delete(id)
      if (!isOver) this.#send({ id, kind: 'cancel' })
    }
  }

  /** A call without chunks. */
  async ask<Result>(method: string, params: unknown): Promise<Result> {
    const call = this.call<never, Result>(method, params)
    for (;;) {
      const { done, value } = await call.next()
      if (done) return value
    }
  }

  /** Stops the thread; calls under way fail. */
  async close(): Promise<void> {
    const worker = this.#worker
    if (!worker) return
    await this.ask('close', null).catch(() => undefined)
    await worker.terminate()
    this.#worker = null
  }

  #send(request: Request): void {
    this.#worker ??= this.#start()
    this.#worker.postMessage(request)
  }

  #start(): Worker {
    const worker = startThread(this.#module, import.meta.url, {
      workerData: this.#data,
      name: 'amber store',
      resourceLimits: { maxYoungGenerationSizeMb },
    })
    // A thread that waits for work keeps no process alive.
    worker.unref()
    worker.on('message', (answer: Answer) => this.#take(answer))
    worker.on('error', (error) => this.#fail(`a store thread failed: ${error.message}`))
    worker.on('exit', () => {
      if (this.#worker === worker) this.#worker = null
      this.#fail('a store thread ended')
    })
    return worker
  }

  #take(answer: Answer): void {
    const call = this.#calls.get(answer.id)
    if (!call) return
    call.answers.push(answer)
    const { wake } = call
    call.wake = null
    wake?.()
  }

  #fail(message: string): void {
    for (const id of this.#calls.keys()) this.#take({ id, kind: 'fail', code: null, message })
  }
}
