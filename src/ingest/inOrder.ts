// Work whose results are wanted in the order it was given: done at once, until something takes time; then each waits for the one
// before. How many may wait is bounded.

export interface InOrder {
  /** `then` gets the result of `start`, at once when nothing is under way. `false` when too many wait. */
  <T>(start: () => T | Promise<T>, then: (result: T) => void): boolean
}

export function createInOrder({ waitingMax }: { waitingMax: number }): InOrder {
  let tail: Promise<void> | null = null
  let waiting = 0
  const chain = (next: Promise<void>): void => {
    waiting++
    const mine: Promise<void> = next.finally(() => {
      waiting--
      if (tail === mine) tail = null
    })
    tail = mine
  }
  return (start, then) => {
    if (tail === null) {
      const result = start()
      if (result instanceof Promise) chain(result.then(then))
      else then(result)
      return true
    }
    if (waiting >= waitingMax) return false
    chain(tail.then(start).then(then))
    return true
  }
}
