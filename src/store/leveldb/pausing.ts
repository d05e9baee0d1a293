// Long work in short turns.

import { setImmediate as nextTurn } from 'node:timers/promises'

/** The main thread works this long before it lets others in. */
const mainTurnMs = 4

/** To be called now and then: lets the loop turn when it has been worked for `turnMs` since the last time. */
export function pausing(turnMs = mainTurnMs): () => Promise<void> {
  let turn = performance.now()
  return async () => {
    if (performance.now() - turn < turnMs) return
    await nextTurn()
    turn = performance.now()
  }
}
