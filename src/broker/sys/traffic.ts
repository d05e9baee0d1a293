// What goes over the wires of all connections: bytes, packets and publishes, both ways. Counting costs nanoseconds a packet:
// a frame counter reads fixed headers and jumps over the rest.

import type { Duplex } from 'node:stream'

/** Totals since the start. */
export interface Traffic {
  bytesReceived: number
  bytesSent: number
  /** MQTT packets of every kind. */
  messagesReceived: number
  messagesSent: number
  publishReceived: number
  publishSent: number
  /** Payload bytes of publishes. */
  publishBytesReceived: number
  publishBytesSent: number
  /** Network connections opened. */
  sockets: number
  /** MQTT sessions begun or resumed: CONNECTs that were let in. */
  connections: number
  /** Most clients connected at one time. */
  clientsMax: number
  /** Sessions ended by their expiry. */
  expired: number
}

export function createTraffic(): Traffic {
  return {
    bytesReceived: 0,
    bytesSent: 0,
    messagesReceived: 0,
    messagesSent: 0,
    publishReceived: 0,
    publishSent: 0,
    publishBytesReceived: 0,
    publishBytesSent: 0,
    sockets: 0,
    connections: 0,
    clientsMax: 0,
    expired: 0,
  }
}

/** Counts what passes through a connection from now on. */
export function countTraffic(stream: Duplex, traffic: Traffic): void {
  const received = new FrameCounter()
  const push = stream.push.bind(stream)
  stream.push = (chunk: unknown, encoding?: BufferEncoding): boolean => {
    if (Buffer.isBuffer(chunk)) {
      traffic.bytesReceived += chunk.length
      traffic.messagesReceived += received.push(chunk)
      traffic.publishReceived += received.publishes
    }
    return push(chunk, encoding)
  }
  const sent = new FrameCounter()
  const write = stream.write.bind(stream) as (...args: unknown[]) => boolean
  stream.write = ((chunk: unknown, ...rest: unknown[]): boolean => {
    if (chunk instanceof Uint8Array) {
      traffic.bytesSent += chunk.length
      traffic.messagesSent += sent.push(chunk)
      traffic.publishSent += sent.publishes
    } else if (typeof chunk === 'string') {
      // The encoder writes topics as text; that is always the inside of a packet.
      const length = Buffer.byteLength(chunk, encodingOf(rest))
      traffic.bytesSent += length
      if (!sent.skip(length)) traffic.messagesSent += sent.push(Buffer.from(chunk, encodingOf(rest)))
    }
    return write(chunk, ...rest)
  }) as Duplex['write']
}

function encodingOf(rest: readonly unknown[]): BufferEncoding {
  return typeof rest[0] === 'string' ? (rest[0] as BufferEncoding) : 'utf8'
}

/**
 * Finds where MQTT packets begin in a stream of chunks, however it is cut. A packet is one byte of kind, its length in one to
 * four bytes of seven bits, least first [MQTT-2.1.4], and that many bytes.
 */
export class FrameCounter {
  /** PUBLISH packets in the chunk last pushed. */
  publishes = 0
  /** Bytes of the packet under way that are still to come. */
  #left = 0
  /** Which byte of the length comes next; -1 outside a header. */
  #lengthByte = -1

  /** Passes over bytes that belong to the packet under way; `false` when they reach beyond it. */
  skip(length: number): boolean {
    if (this.#lengthByte >= 0 || this.#left < length) return false
    this.#left -= length
    return true
  }

  /** How many packets begin in `chunk`. */
  push(chunk: Uint8Array): number {
    let begun = 0
    let at = 0
    this.publishes = 0
    while (at < chunk.length) {
      if (this.#lengthByte >= 0) {
        const byte = chunk[at] as number
        at++
        this.#left += (byte & 0x7f) * 128 ** this.#lengthByte
        this.#lengthByte = byte & 0x80 && this.#lengthByte < 3 ? this.#lengthByte + 1 : -1
      } else if (this.#left > 0) {
        const skipped = Math.min(this.#left, chunk.length - at)
        this.#left -= skipped
        at += skipped
      } else {
        begun++
        if ((chunk[at] as number) >> 4 === 3) this.publishes++
        at++
        this.#lengthByte = 0
      }
    }
    return begun
  }
}
