// The gate every query passes: so many at a time, so long each, and none after its caller has gone.
// Those that wait are counted against their own time, and when too many wait the next is told to come back.

import { AppError } from '../domain/errors.ts'

export interface Gate {
  /** Runs `work` when there is room. Its signal is aborted by the time limit or by `caller`. */
  run<T>(caller: AbortSignal | undefined, work: (signal: AbortSignal) => Promise<T>): Promise<T>
}

export interface GateLimits {
  query_time_ms: number
  query_concurrency: number
}

/** Waiting queries for each running one. */
const waitersPerSlot = 64

export function createGate(limits: GateLimits): Gate {
  let running = 0
  const waiting = new Set<() => void>()
  const leave = (): void => {
    running--
    for (const wake of waiting) {
      waiting.delete(wake)
      wake()
      return
    }
  }
  const enter = async (signal: AbortSignal): Promise<void> => {
    if (running >= limits.query_concurrency) {
      if (waiting.size >= limits.query_concurrency * waitersPerSlot) {
        throw new AppError('rate_limited', 'too many queries wait already; ask again in a moment')
      }
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          running++
          signal.removeEventListener('abort', giveUp)
          resolve()
        }
        const giveUp = (): void => {
          waiting.delete(wake)
          running++
          resolve()
        }
        waiting.add(wake)
        signal.addEventListener('abort', giveUp, { once: true })
      })
      return
    }
    running++
  }
  return {
    async run(caller, work) {
      const timer = AbortSignal.timeout(limits.query_time_ms)
      const signal = caller ? AbortSignal.any([timer, caller]) : timer
      await enter(signal)
      try {
        return await orAborted(signal, timer, limits, () => work(signal))
      } finally {
        leave()
      }
    },
  }
}

async function orAborted<T>(
  signal: AbortSignal,
  timer: AbortSignal,
  limits: GateLimits,
  work: () => Promise<T>,
): Promise<T> {
  const reason = (): AppError =>
    timer.aborted
      ? new AppError(
          'query_limit',
          `the query took longer than ${limits.query_time_ms} ms (limits.query_time_ms); ask for fewer topics or a shorter time`,
        )
      : new AppError('bad_request', 'the caller has gone')
  if (signal.aborted) throw reason()
  let onAbort: (() => void) | undefined
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(reason())
    signal.addEventListener('abort', onAbort, { once: true })
  })
  try {
    return await Promise.race([work(), aborted])
  } catch (error) {
    throw signal.aborted ? reason() : error
  } finally {
    if (onAbort) signal.removeEventListener('abort', onAbort)
  }
}
