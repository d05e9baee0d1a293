// Readings as they come, by server-sent events. The browser connects again by itself and goes on where it stopped; where it has
// given up (the server was away for long, the login is over) a new stream is opened.

import { useEffect, useRef } from 'preact/hooks'
import { isReachable } from './api.ts'
import { loadMe } from './session.ts'

export interface LiveReading {
  topic: string
  time: string
  seq: number
  client_id: string
  qos: number
  retain: boolean
  value?: unknown
  /** With raw=1. */
  payload?: string
  payload_base64?: string
  fields: Record<string, number | string | boolean>
}

const againMs = 2000
const lateMs = 250
/** A hidden page draws no frames: older readings than so many are let go. */
const waitingMax = 1000

/**
 * `onReadings` is called with all that came, in order: with the next frame, and then not for `everyMs`. A flood of messages draws no
 * faster than anybody reads: what the page draws is taken from the server where both share a machine.
 */
export function openStream(
  path: string,
  onReadings: (readings: LiveReading[]) => void,
  everyMs: number,
): () => void {
  let source: EventSource | null = null
  let timer: ReturnType<typeof setTimeout> | undefined
  let waiting: LiveReading[] = []
  let frame = 0
  let late: ReturnType<typeof setTimeout> | undefined
  let lastId = ''
  let flushedAt = Number.NEGATIVE_INFINITY
  const flush = (): void => {
    cancelAnimationFrame(frame)
    clearTimeout(late)
    frame = 0
    late = undefined
    flushedAt = performance.now()
    const readings = waiting
    waiting = []
    onReadings(readings)
  }
  const open = (): void => {
    // A new stream goes on where the last one ended, as the browser's own reconnection does.
    const since = lastId === '' ? '' : `${path.includes('?') ? '&' : '?'}since=${lastId}`
    source = new EventSource(`${path}${since}`)
    source.onopen = () => {
      isReachable.value = true
    }
    source.onmessage = ({ data, lastEventId }: MessageEvent<string>) => {
      lastId = lastEventId
      // A sign of life has no data.
      if (data === '') return
      waiting.push(JSON.parse(data) as LiveReading)
      if (waiting.length > waitingMax) waiting.shift()
      if (late !== undefined) return
      const waitMs = flushedAt + everyMs - performance.now()
      if (waitMs <= 0) frame = requestAnimationFrame(flush)
      // A page that is not drawn just now has no frames.
      late = setTimeout(flush, waitMs > 0 ? waitMs : lateMs)
    }
    source.addEventListener('unauthorized', () => void loadMe())
    source.onerror = () => {
      if (source?.readyState !== EventSource.CLOSED) return
      void loadMe()
      timer = setTimeout(open, againMs)
    }
  }
  open()
  return () => {
    clearTimeout(timer)
    cancelAnimationFrame(frame)
    clearTimeout(late)
    source?.close()
  }
}

/** `path` null: no stream just now. */
export function useStream(
  path: string | null,
  onReadings: (readings: LiveReading[]) => void,
  everyMs = 0,
): void {
  const latest = useRef(onReadings)
  latest.current = onReadings
  useEffect(() => {
    if (path === null) return
    return openStream(path, (readings) => latest.current(readings), everyMs)
  }, [path, everyMs])
}
