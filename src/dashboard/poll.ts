// Asks again and again while a page is looked at: what it gave last, and what went wrong last. A server that was away is asked on.

import { signal, type ReadonlySignal, useSignal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { ApiError, isReachable, messageOf } from './api.ts'

const awayMs = 2000

export interface Polled<T> {
  data: ReadonlySignal<T | null>
  /** Not when the server is merely away: the page says that once for all. */
  fault: ReadonlySignal<string | null>
  /** Asks now. */
  refresh: () => void
}

/** Ticks once a second, for ages that grow. */
export const now = signal(Date.now())
setInterval(() => {
  if (!document.hidden) now.value = Date.now()
}, 1000)

/** `everyMs` null: once for each `key`; `key` null: not at all. */
export function usePoll<T>(
  load: () => Promise<T>,
  everyMs: number | null,
  key: string | null = '',
): Polled<T> {
  const data = useSignal<T | null>(null)
  const fault = useSignal<string | null>(null)
  const again = useRef<() => void>(() => undefined)
  useEffect(() => {
    if (key === null) return
    let isOver = false
    let timer: ReturnType<typeof setTimeout> | undefined
    const run = async (): Promise<void> => {
      clearTimeout(timer)
      try {
        const loaded = await load()
        if (isOver) return
        data.value = loaded
        fault.value = null
      } catch (error) {
        if (isOver) return
        if (!(error instanceof ApiError && (error.status === 0 || error.status === 401)))
          fault.value = messageOf(error)
      }
      clearTimeout(timer)
      wait()
    }
    const wait = (): void => {
      // What could not be asked is asked again all the same.
      const waitMs = everyMs ?? (isReachable.value ? null : awayMs)
      if (waitMs !== null) timer = setTimeout(() => void (document.hidden ? wait() : run()), waitMs)
    }
    const onVisible = (): void => {
      if (!document.hidden && everyMs !== null) void run()
    }
    again.current = () => void run()
    document.addEventListener('visibilitychange', onVisible)
    void run()
    return () => {
      isOver = true
      clearTimeout(timer)
      document.removeEventListener('visibilitychange', onVisible)
    }
  }, [key, everyMs])
  return { data, fault, refresh: () => again.current() }
}
