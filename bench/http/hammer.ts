// Requests as fast as a server answers them: kept connections, one request under way on each. Made of bytes and not of a client
// library, which would cost more than what it measures.

import { connect } from 'node:net'
import { once } from 'node:events'
import { mainThreadUsOf } from '../store/process.ts'

export interface Hammered {
  perSecond: number
  /** What the server could do if its main thread had a core of its own. */
  perCoreSecond: number
  p99Ms: number
}

interface Target {
  port: number
  path: string
  authorization?: string
  pid: number
}

const headEnd = Buffer.from('\r\n\r\n')

export async function hammer(target: Target, connections: number, seconds: number): Promise<Hammered> {
  const login = target.authorization === undefined ? '' : `Authorization: ${target.authorization}\r\n`
  const request = Buffer.from(`GET ${target.path} HTTP/1.1\r\nHost: localhost\r\n${login}\r\n`)
  const until = performance.now() + seconds * 1000
  const latencies: number[] = []
  const cpuUs = mainThreadUsOf(target.pid)
  const started = performance.now()
  await Promise.all(
    Array.from({ length: connections }, async () => {
      const socket = connect(target.port, '127.0.0.1').setNoDelay(true)
      let rest: Buffer = Buffer.alloc(0)
      let sentAt = 0
      const send = (): void => {
        sentAt = performance.now()
        socket.write(request)
      }
      socket.on('data', (chunk) => {
        rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
        const size = sizeOf(rest)
        if (size === null || rest.length < size) return
        rest = rest.subarray(size)
        const now = performance.now()
        latencies.push(now - sentAt)
        if (now < until) send()
        else socket.destroy()
      })
      await once(socket, 'connect')
      send()
      await once(socket, 'close')
    }),
  )
  const elapsedMs = performance.now() - started
  const usedUs = mainThreadUsOf(target.pid) - cpuUs
  latencies.sort((a, b) => a - b)
  return {
    perSecond: latencies.length / (elapsedMs / 1000),
    perCoreSecond: latencies.length / (usedUs / 1e6),
    p99Ms: latencies[Math.floor(latencies.length * 0.99)] ?? Number.NaN,
  }
}

/** Bytes of the answer at the start of `bytes`, or `null` while its head is not whole. Throws when it is no success. */
function sizeOf(bytes: Buffer): number | null {
  const end = bytes.indexOf(headEnd)
  if (end === -1) return null
  const head = bytes.toString('latin1', 0, end)
  if (!/^HTTP\/1\.1 20[04]/.test(head)) throw new Error(bytes.toString('utf8', 0, 400))
  if (head.startsWith('HTTP/1.1 204')) return end + 4
  const length = /\r\ncontent-length: (\d+)/i.exec(head)?.[1]
  if (length !== undefined) return end + 4 + Number(length)
  // Chunked: the last chunk is empty.
  const last = bytes.indexOf('\r\n0\r\n\r\n', end)
  return last === -1 ? null : last + 7
}
