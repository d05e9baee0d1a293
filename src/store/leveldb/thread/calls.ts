// The thread's side of a call: runs methods by name and sends their answers, a few ahead of the reader at most.

import type { MessagePort, TransferListItem } from 'node:worker_threads'
import { type Answer, failOf, type Request, windowChunks } from './protocol.ts'

/** What a method is given to answer with. */
export interface Out {
  /** Resolves when the reader has taken all but a few. False: nobody reads any more. */
  send(value: unknown, transfer?: readonly TransferListItem[]): Promise<boolean>
  /** Resolves when the reader has taken this very answer. */
  exchange(value: unknown): Promise<boolean>
  readonly isCancelled: boolean
}

export type Method = (params: never, out: Out) => Promise<unknown>

class CallOut implements Out {
  readonly #id: number
  readonly #port: MessagePort
  isCancelled = false
  #unread = 0
  #wake: (() => void) | null = null

  constructor(id: number, port: MessagePort) {
    this.#id = id
    this.#port = port
  }

  send(value: unknown, transfer: readonly TransferListItem[] = []): Promise<boolean> {
    return this.#post(value, transfer, windowChunks - 1)
  }

  exchange(value: unknown): Promise<boolean> {
    return this.#post(value, [], 0)
  }

  taken(): void {
    this.#unread--
    this.#wake?.()
  }

  cancel(): void {
    this.isCancelled = true
    this.#wake?.()
  }

  async #post(value: unknown, transfer: readonly TransferListItem[], unreadMax: number): Promise<boolean> {
    const answer: Answer = { id: this.#id, kind: 'chunk', value }
    this.#port.postMessage(answer, transfer)
    this.#unread++
    // One turn of the loop at least, so that a cancel is heard.
    await new Promise<void>((resolve) => setImmediate(resolve))
    while (!this.isCancelled && this.#unread > unreadMax) {
      await new Promise<void>((resolve) => (this.#wake = resolve))
    }
    this.#wake = null
    return !this.isCancelled
  }
}

/** Answers calls on `port` until it closes. */
export function serveCalls(port: MessagePort, methods: Readonly<Record<string, Method>>): void {
  const outs = new Map<number, CallOut>()
  const run = async (id: number, method: string, params: unknown): Promise<void> => {
    const out = new CallOut(id, port)
    outs.set(id, out)
    let answer: Answer
    try {
      const work = methods[method]
      if (!work) throw new Error(`a store thread has no method ${method}`)
      answer = { id, kind: 'done', value: await work(params as never, out) }
    } catch (error) {
      answer = failOf(id, error)
    }
    outs.delete(id)
    port.postMessage(answer)
  }
  port.on('message', (request: Request) => {
    if (request.kind === 'call') void run(request.id, request.method, request.params)
    else if (request.kind === 'more') outs.get(request.id)?.taken()
    else outs.get(request.id)?.cancel()
  })
}
