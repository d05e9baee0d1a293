// What was started, in order, so that it is stopped in mirror order: once, however often it is asked.

import type { Log } from './log.ts'

export interface Lifecycle {
  /** Remembers how to stop something that has just started. */
  add(name: string, stop: () => Promise<void>): void
  /** Stops everything, newest first. One part that fails to stop is logged and does not keep the others running. */
  stop(): Promise<void>
}

export function createLifecycle({ log }: { log: Log }): Lifecycle {
  const parts: { name: string; stop: () => Promise<void> }[] = []
  let stopping: Promise<void> | null = null
  const stopAll = async (): Promise<void> => {
    for (let part = parts.pop(); part; part = parts.pop()) {
      try {
        await part.stop()
        log.debug({ part: part.name }, 'stopped')
      } catch (error) {
        log.error({ part: part.name, err: error }, 'could not stop cleanly')
      }
    }
  }
  return {
    add: (name, stop) => void parts.push({ name, stop }),
    stop: () => (stopping ??= stopAll()),
  }
}
