// Readings as they come, by server-sent events. The browser connects again by itself and goes on where it stopped; where it has
// given up (the server was away for long, the login is over) a new stream is opened.

import { useEffect } from 'preact/hooks'
import { isReachable } from './api.ts'
import { loadMe } from './session.ts'

export interface LiveReading {
  topic: string
  time: string
  seq: number
  client_id: string
  value?: unknown
  payload_base64?: string
  fields: Record<string, number | string | boolean>
}

const againMs = 2000

export function openStream(path: string, onReading: (reading: LiveReading) => void): () => void {
  let source: EventSource | null = null
  let timer: ReturnType<typeof setTimeout> | undefined
  const open = (): void => {
    source = new EventSource(path)
    source.onopen = () => {
      isReachable.value = true
    }
    source.onmessage = ({ data }: MessageEvent<string>) => {
      // A sign of life has no data.
      if (data !== '') onReading(JSON.parse(data) as LiveReading)
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
    source?.close()
  }
}

/** `null`: no stream just now. */
export function useStream(path: string | null, onReading: (reading: LiveReading) => void): void {
  useEffect(() => (path === null ? undefined : openStream(path, onReading)), [path])
}
