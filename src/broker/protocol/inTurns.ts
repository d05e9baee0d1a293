// One packet that asks for thousands of things: some milliseconds of each turn of the event loop are its own, and others are
// served in between. Few things are done at once.

import { setImmediate as nextTurn } from 'node:timers/promises'

/** A turn spends this long, and then lets others in. */
const turnMs = 4

/** Does `work` to each in order until `isOver`; `undefined`: all are done by now. */
export function inTurns<T>(
  items: readonly T[],
  work: (item: T) => void,
  isOver: () => boolean,
): Promise<void> | undefined {
  let at = 0
  /** Whether there is more to do. */
  const turn = (): boolean => {
    const began = performance.now()
    while (at < items.length && !isOver()) {
      work(items[at++] as T)
      if (performance.now() - began >= turnMs) return at < items.length
    }
    return false
  }
  return turn() ? goOn(turn) : undefined
}

async function goOn(turn: () => boolean): Promise<void> {
  do await nextTurn()
  while (turn())
}
