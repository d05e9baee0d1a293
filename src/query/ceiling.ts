// The ceiling over queries: how many run at one time, and how long each may take, waiting included.
// Promises that a query which passes it ends with `query_limit`, and that its place is always given back.

import { AppError } from '../domain/errors.ts'
import type { Metrics } from '../ops/metrics.ts'

export interface CeilingLimits {
  query_time_ms: number
  query_concurrency: number
}

/** What is counted. */
export type CeilingMetrics = Pick<
  Metrics,
  'querySeconds' | 'queriesFailed' | 'queriesRunning' | 'queriesWaiting'
>

/** For the metrics. */
export type QueryKind = 'topics' | 'latest' | 'readings' | 'aggregate' | 'promql' | 'series' | 'fields'

/** Tells that nobody waits for an answer any more: what is used of an AbortSignal, which every one is. */
export interface Gone {
  readonly aborted: boolean
  readonly reason: unknown
  addEventListener(type: 'abort', listener: () => void, options: { once: true }): void
  removeEventListener(type: 'abort', listener: () => void): void
}

/**
 * Runs one query under the ceiling; the signal is aborted when its time is over, or when the caller's is. `ready`: what is waited for
 * before the query takes a place.
 */
export type Ceiling = <T>(
  kind: QueryKind,
  work: (signal: AbortSignal) => Promise<T>,
  gone?: Gone,
  ready?: (signal: AbortSignal) => Promise<void>,
) => Promise<T>

export function createCeiling(limits: CeilingLimits, metrics: CeilingMetrics): Ceiling {
  let running = 0
  const waiting = new Set<() => void>()

  const leave = (): void => {
    // The place goes straight to the one who waits longest, so that nobody slips in between.
    const [next] = waiting
    if (next) next()
    else metrics.queriesRunning.set((running -= 1))
  }
  const enter = async (signal: AbortSignal, gone?: Gone): Promise<void> => {
    if (running < limits.query_concurrency) {
      metrics.queriesRunning.set((running += 1))
      return
    }
    await new Promise<void>((resolve, reject) => {
      const admit = (): void => {
        waiting.delete(admit)
        metrics.queriesWaiting.set(waiting.size)
        signal.removeEventListener('abort', giveUp)
        resolve()
      }
      const giveUp = (): void => {
        waiting.delete(admit)
        metrics.queriesWaiting.set(waiting.size)
        reject(gone?.aborted === true ? goneReason(gone) : busy(limits))
      }
      waiting.add(admit)
      metrics.queriesWaiting.set(waiting.size)
      signal.addEventListener('abort', giveUp, { once: true })
    })
  }

  return async (kind, work, gone, ready) => {
    const started = performance.now()
    const control = new AbortController()
    const leaveToo = (): void => control.abort(gone?.reason)
    gone?.addEventListener('abort', leaveToo, { once: true })
    if (gone?.aborted === true) leaveToo()
    const timer = setTimeout(() => control.abort(tooLong(limits)), limits.query_time_ms)
    timer.unref()
    try {
      control.signal.throwIfAborted()
      await ready?.(control.signal)
      await enter(control.signal, gone)
      try {
        return await work(control.signal)
      } finally {
        leave()
      }
    } catch (error) {
      metrics.queriesFailed.inc({ kind })
      if (control.signal.aborted && !(error instanceof AppError)) throw tooLong(limits)
      throw error
    } finally {
      metrics.querySeconds.observe({ kind }, (performance.now() - started) / 1000)
      clearTimeout(timer)
      gone?.removeEventListener('abort', leaveToo)
    }
  }
}

function goneReason({ reason }: Gone): Error {
  return reason instanceof Error ? reason : new Error(String(reason))
}

function busy({ query_concurrency, query_time_ms }: CeilingLimits): AppError {
  return new AppError(
    'query_limit',
    `${query_concurrency} queries are running and none ended within ${query_time_ms} ms; try again later (limits.query_concurrency)`,
  )
}

function tooLong({ query_time_ms }: CeilingLimits): AppError {
  return new AppError(
    'query_limit',
    `the query took longer than ${query_time_ms} ms; ask for fewer topics, a shorter range or a smaller limit (limits.query_time_ms)`,
  )
}
