// Gathers what is written to a socket in one turn of the event loop: small pieces are copied into one slab, large payloads
// go by reference, and all of it leaves in one system call. A packet is five or six small writes, a turn is hundreds of packets.

import type { Duplex } from 'node:stream'

export interface Outlet {
  /** Bytes on their way: those of this turn, and those the socket still holds. */
  readonly queued: number
  /** While set, what others write to the socket is thrown away; `add` is not affected. */
  muted: boolean
  /** Set before a close whose reason the other side is to read: the socket then drains this long before it is destroyed. */
  lingerMs: number
  add(bytes: Buffer): void
  /** Room for `size` bytes to be filled in at once; never more than `smallBytesMax`. */
  reserve(size: number): Buffer
  flush(): void
}

/** Up to here a copy is cheaper than a piece of its own. */
export const smallBytesMax = 4096
const slabBytesMin = 512
const slabBytesMax = 65_536

/** Takes over the writing side of a socket. */
export function gatherWrites(socket: Duplex): Outlet {
  const write = socket.write.bind(socket) as (bytes: Buffer, done?: (error?: Error | null) => void) => boolean
  const cork = socket.cork.bind(socket)
  const uncork = socket.uncork.bind(socket)
  let slab = Buffer.alloc(0)
  let from = 0
  let used = 0
  let turnBytes = 0
  let slabBytes = slabBytesMin
  let gathering = false

  const emit = (): void => {
    if (used > from) write(slab.subarray(from, used))
    from = used
  }
  const flush = (): void => {
    if (!gathering) return
    gathering = false
    emit()
    // The slab belongs to the socket now; the next one fits what a turn brings.
    slab = Buffer.alloc(0)
    from = 0
    used = 0
    slabBytes = Math.min(slabBytesMax, Math.max(slabBytesMin, turnBytes + (turnBytes >> 2)))
    turnBytes = 0
    uncork()
  }
  const gather = (size: number): void => {
    turnBytes += size
    if (gathering) return
    gathering = true
    cork()
    setImmediate(flush)
  }
  const reserve = (size: number): Buffer => {
    gather(size)
    if (used + size > slab.length) {
      emit()
      if (used > 0) slabBytes = Math.min(slabBytesMax, slabBytes * 2)
      slab = Buffer.allocUnsafe(Math.max(size, slabBytes))
      from = 0
      used = 0
    }
    used += size
    return slab.subarray(used - size, used)
  }
  const add = (bytes: Buffer): void => {
    if (bytes.length <= smallBytesMax) {
      reserve(bytes.length).set(bytes)
      return
    }
    gather(bytes.length)
    emit()
    write(bytes)
  }
  const outlet: Outlet = {
    get queued() {
      return socket.writableLength + used - from
    },
    muted: false,
    lingerMs: 0,
    add,
    reserve,
    flush,
  }
  replaceWriting(socket, outlet, write)
  return outlet
}

function replaceWriting(
  socket: Duplex,
  outlet: Outlet,
  write: (bytes: Buffer, done?: (error?: Error | null) => void) => boolean,
): void {
  socket.cork = () => undefined
  socket.uncork = () => undefined
  socket.write = ((chunk: Buffer | string, encoding?: unknown, done?: unknown): boolean => {
    const callback = (typeof encoding === 'function' ? encoding : done) as
      | ((error?: Error | null) => void)
      | undefined
    if (outlet.muted) {
      if (callback) setImmediate(callback)
      return true
    }
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk
    if (callback) {
      outlet.flush()
      return write(bytes, callback)
    }
    outlet.add(bytes)
    return !socket.writableNeedDrain
  }) as Duplex['write']
  const end = socket.end.bind(socket) as (...args: unknown[]) => Duplex
  socket.end = ((...args: unknown[]): Duplex => {
    outlet.flush()
    return end(...args)
  }) as Duplex['end']
  // What was written before a close is sent: an acknowledgement must not be lost to the packet behind it.
  const destroy = socket.destroy.bind(socket)
  let lingering: NodeJS.Timeout | null = null
  socket.destroy = (error?: Error): Duplex => {
    outlet.flush()
    if (outlet.lingerMs === 0 || lingering !== null || socket.destroyed) return destroy(error)
    // Closed at once with bytes unread, TCP resets and the reason is lost on its way.
    lingering = setTimeout(() => destroy(), outlet.lingerMs)
    lingering.unref()
    socket.once('close', () => clearTimeout(lingering ?? undefined))
    end()
    socket.resume()
    return socket
  }
}
