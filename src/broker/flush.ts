// Gathers what is written to a socket in one turn of the event loop into one system call:
// a packet is five or six small writes, and a chunk of publishes answers with hundreds.

import type { Socket } from 'node:net'

export function gatherWrites(socket: Socket): void {
  const cork = socket.cork.bind(socket)
  const uncork = socket.uncork.bind(socket)
  let gathering = false
  const flush = (): void => {
    gathering = false
    uncork()
  }
  const gather = (): void => {
    if (gathering) return
    gathering = true
    cork()
    setImmediate(flush)
  }
  socket.cork = gather
  socket.uncork = () => undefined
  const write = socket.write.bind(socket) as (...args: unknown[]) => boolean
  socket.write = ((...args: unknown[]): boolean => {
    gather()
    return write(...args)
  }) as Socket['write']
  const end = socket.end.bind(socket) as (...args: unknown[]) => Socket
  socket.end = ((...args: unknown[]): Socket => {
    const ended = end(...args)
    if (gathering) flush()
    return ended
  }) as Socket['end']
  // What was written before a close is sent: an acknowledgement must not be lost to the packet behind it.
  const destroy = socket.destroy.bind(socket)
  socket.destroy = (error?: Error): Socket => {
    if (gathering) flush()
    return destroy(error)
  }
}
