// A hook that throws is an uncaught exception in Aedes, and one that answers twice runs the rest twice.
// Wrapped, a throw is a refusal and only the first answer counts.

import type { Log } from '../../ops/log.ts'

/** Makes a hook safe whose last argument is the callback `(error, …)`. */
export function guardHook<A extends unknown[]>(
  hook: (...args: A) => void,
  { log, name }: { log: Log; name: string },
): (...args: A) => void {
  return (...args) => {
    const done = args.at(-1) as (error: Error | null, ...rest: unknown[]) => void
    let answered = false
    const once = (error: Error | null, ...rest: unknown[]): void => {
      if (answered) return
      answered = true
      done(error, ...rest)
    }
    args[args.length - 1] = once
    try {
      hook(...args)
    } catch (error) {
      log.error({ err: error, hook: name }, 'a hook of the broker failed')
      once(error instanceof Error ? error : new Error(String(error)))
    }
  }
}

/** The same for a hook that answers by its return value: a throw withholds. */
export function guardFilter<A extends unknown[], R>(
  filter: (...args: A) => R | null,
  { log, name }: { log: Log; name: string },
): (...args: A) => R | null {
  return (...args) => {
    try {
      return filter(...args)
    } catch (error) {
      log.error({ err: error, hook: name }, 'a hook of the broker failed')
      return null
    }
  }
}
