// Cuts the bytes of a connection into packets, so that each can be checked before the parser sees it.
// Keeps only the bytes of a packet that is not whole yet, and never more than the largest packet allowed.

import { type Fault, malformed } from './fault.ts'
import type { Frame } from './packets.ts'

export interface FrameReader {
  /** Gives every packet that is whole now to `onFrame`, whose answer `false` ends reading; returns why reading ended. */
  push(chunk: Buffer, onFrame: (frame: Frame) => boolean): Fault | null
}

export function createFrameReader({ packetBytesMax }: { packetBytesMax: number }): FrameReader {
  let parts: Buffer[] = []
  let held = 0
  /** Bytes the packet under way needs before looking again is worth it. */
  let wanted = 0

  return {
    push(chunk, onFrame) {
      let bytes = chunk
      if (held > 0) {
        parts.push(chunk)
        held += chunk.length
        if (held < wanted) return null
        bytes = Buffer.concat(parts, held)
        parts = []
        held = 0
      }
      let at = 0
      while (at < bytes.length) {
        const size = frameSize(bytes, at)
        if (size === null) return malformed('the remaining length is malformed [MQTT-1.5.5-1]')
        if (size.total > packetBytesMax) {
          return {
            reasonCode: 0x95,
            message: `a packet of ${size.total} bytes; ${packetBytesMax} are allowed`,
          }
        }
        if (size.head === 0 || at + size.total > bytes.length) {
          wanted = size.head === 0 ? bytes.length - at + 1 : size.total
          break
        }
        const frame = {
          bytes,
          begin: at,
          start: at + size.head,
          end: at + size.total,
          header: bytes[at] as number,
          pairs: null,
        }
        at += size.total
        if (!onFrame(frame)) return null
      }
      if (at < bytes.length) {
        const rest = at === 0 ? bytes : bytes.subarray(at)
        parts = [rest]
        held = rest.length
      }
      return null
    },
  }
}

/** Bytes of fixed header and of the whole packet; `head` 0 when the header is not whole; `null` when it is malformed. */
function frameSize(bytes: Buffer, at: number): { head: number; total: number } | null {
  let length = 0
  for (let i = 1; i <= 4; i++) {
    const byte = bytes[at + i]
    if (byte === undefined) return { head: 0, total: 0 }
    length += (byte & 0x7f) * 128 ** (i - 1)
    // Devices that pad this one length are let through; nothing depends on it.
    if (byte < 0x80) return { head: 1 + i, total: 1 + i + length }
  }
  return null
}
