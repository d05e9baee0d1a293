// One reader of server-sent events (HTML, 9.2). Promises bounded memory: a reader that does not keep up is told so
// and let go, and may come back with the number it has seen. An idle one hears a sign of life that moves its number on.

import type { ServerResponse } from 'node:http'

export interface EventStreamLimits {
  stream_buffer_bytes: number
  stream_heartbeat_ms: number
}

export interface EventStream {
  /** Aborted when the reader has gone or was let go. */
  readonly signal: AbortSignal
  /** Live: what comes on top of a full buffer ends the stream. */
  send(events: readonly Uint8Array[], seq: number): void
  /** Backlog: waits until the reader has taken what was sent; one that takes nothing is let go. */
  ready(): Promise<void>
  /** Says why in a last event, and ends. */
  end(event: string, reason: string): void
}

export interface EventStreamDeps {
  /** The number it begins behind. */
  since: number
  /** The number up to which the reader has been given all; `null` while that is not known. */
  position: () => number | null
  /** The reader was too slow. */
  onDropped: () => void
}

/** A reader of a backlog that takes nothing for so long is gone. */
const stallMs = 60_000
/** How long the last words of a stream may take. */
const partingMs = 5000

export function createEventStream(
  raw: ServerResponse,
  limits: EventStreamLimits,
  { since, position, onDropped }: EventStreamDeps,
): EventStream {
  const control = new AbortController()
  let seq = since
  const heartbeat = setInterval(() => {
    const at = position()
    if (at !== null && at > seq) raw.write(`: alive\nid: ${(seq = at)}\n\n`)
    else raw.write(': alive\n\n')
  }, limits.stream_heartbeat_ms)
  heartbeat.unref()
  const close = (): void => {
    clearInterval(heartbeat)
    control.abort()
  }
  raw.once('close', close)

  const end = (event: string, reason: string): void => {
    if (control.signal.aborted) return
    close()
    raw.end(`event: ${event}\ndata: ${JSON.stringify({ reason, last_seq: seq })}\n\n`)
    const timer = setTimeout(() => raw.destroy(), partingMs)
    raw.once('close', () => clearTimeout(timer))
  }
  return {
    signal: control.signal,
    send(events, upTo) {
      if (control.signal.aborted || events.length === 0) return
      if (raw.writableLength > limits.stream_buffer_bytes) {
        onDropped()
        end('dropped', 'this reader was too slow; come back with Last-Event-ID')
        return
      }
      raw.write(Buffer.concat(events))
      seq = upTo
    },
    async ready() {
      if (!raw.writableNeedDrain || control.signal.aborted) return
      await new Promise<void>((resolve) => {
        const timer = setTimeout(() => {
          onDropped()
          end('dropped', 'this reader took nothing for a minute; come back with Last-Event-ID')
        }, stallMs)
        const settle = (): void => {
          clearTimeout(timer)
          raw.off('drain', settle)
          control.signal.removeEventListener('abort', settle)
          resolve()
        }
        raw.on('drain', settle)
        control.signal.addEventListener('abort', settle, { once: true })
      })
    },
    end,
  }
}
