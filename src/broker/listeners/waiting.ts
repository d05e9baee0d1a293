// Where every place is taken, who comes waits a moment for one: a device that reconnects is often here before the end of its
// earlier connection has been seen.

import type { Places } from './admission.ts'

export interface WaitingList {
  /**
   * `decide` is called once: with `true` when a place was taken, with `false` when none became free in time or too many wait
   * already. The answer takes the one who waits off the list.
   */
  wait(listener: Places, decide: (isIn: boolean) => void): () => void
  /** A place may be free: whose turn it is takes it. */
  serve(): void
}

interface Waiter {
  listener: Places
  decide: (isIn: boolean) => void
  end: () => void
}

/** Waited for in steps, so that a server that was busy has looked at its sockets before it says no. */
const lookEveryMs = 25
const looksMax = 10
const waitingMax = 100

/** `enter` takes a place, or says that there is none. */
export function createWaitingList(enter: (listener: Places) => boolean): WaitingList {
  /** In the order they came. */
  const waiting = new Set<Waiter>()
  return {
    wait(listener, decide) {
      if (waiting.size >= waitingMax) {
        decide(false)
        return () => undefined
      }
      let looks = 0
      const timer = setInterval(() => {
        if (++looks < looksMax) return
        end()
        decide(false)
      }, lookEveryMs)
      const end = (): void => {
        clearInterval(timer)
        waiting.delete(waiter)
      }
      const waiter: Waiter = { listener, decide, end }
      waiting.add(waiter)
      return end
    },
    serve() {
      for (const waiter of waiting) {
        if (!enter(waiter.listener)) continue
        waiter.end()
        waiter.decide(true)
      }
    },
  }
}
