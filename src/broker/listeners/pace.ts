// How fast one connection is read: bytes and packets a second. Above that its bytes wait in its own socket, and TCP tells the
// sender to slow down; nothing is lost and nobody is disconnected.

import type { Duplex } from 'node:stream'
import { FrameCounter } from '../sys/traffic.ts'

export interface PaceLimits {
  /** 0: any number. */
  bytesPerS: number
  messagesPerS: number
}

/** Slows `stream` down to the limits from now on; without any it is left alone. */
export function limitPace(stream: Duplex, { bytesPerS, messagesPerS }: PaceLimits): void {
  if (bytesPerS === 0 && messagesPerS === 0) return
  const frames = new FrameCounter()
  /** When what was read so far is paid for, in milliseconds. */
  let bytesDue = 0
  let messagesDue = 0
  let timer: NodeJS.Timeout | null = null
  const read = stream._read.bind(stream)
  const push = stream.push.bind(stream)

  const waitMs = (now: number): number => Math.max(bytesDue, messagesDue) - now
  stream.push = (chunk: unknown, encoding?: BufferEncoding): boolean => {
    const more = push(chunk, encoding)
    if (!Buffer.isBuffer(chunk)) return more
    const now = performance.now()
    // A second that was not used is saved up, and no more than one.
    if (bytesPerS > 0) bytesDue = Math.max(bytesDue, now - 1000) + (chunk.length * 1000) / bytesPerS
    if (messagesPerS > 0) {
      messagesDue = Math.max(messagesDue, now - 1000) + (frames.push(chunk) * 1000) / messagesPerS
    }
    return more && waitMs(now) <= 0
  }
  stream._read = (size: number): void => {
    if (timer !== null) return
    const wait = waitMs(performance.now())
    if (wait <= 0) return read(size)
    timer = setTimeout(() => {
      timer = null
      if (!stream.destroyed) stream._read(size)
    }, wait)
  }
  stream.once('close', () => {
    if (timer !== null) clearTimeout(timer)
  })
}
