// The TCP door: listens, counts and limits connections, and hands each socket on.

import { createServer, type Server, type Socket } from 'node:net'
import { AppError, asAppError } from '../domain/errors.ts'
import type { Metrics } from '../ops/metrics.ts'

export interface Listener {
  address: string
  port: number
  /** No new connection from now on; those there stay. */
  stopAccepting(): void
  /** Ends what is left, and resolves when the port is free. */
  close(): Promise<void>
}

export interface ListenerOptions {
  host: string
  port: number
  connectionsMax: number
  onSocket: (socket: Socket) => void
  metrics: Metrics
}

export async function startListener(options: ListenerOptions): Promise<Listener> {
  const { host, port, connectionsMax, onSocket, metrics } = options
  const sockets = new Set<Socket>()
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket)
    metrics.connections.set(sockets.size)
    socket.once('close', () => {
      sockets.delete(socket)
      metrics.connections.set(sockets.size)
    })
    onSocket(socket)
  })
  server.maxConnections = connectionsMax
  await listen(server, host, port)
  const bound = server.address()
  if (bound === null || typeof bound === 'string')
    throw new AppError('internal', 'the MQTT listener has no address')
  let closed: Promise<void> | null = null
  const stop = (): Promise<void> => {
    closed ??= new Promise((resolve) => {
      server.close(() => resolve())
    })
    return closed
  }
  return {
    address: bound.address,
    port: bound.port,
    stopAccepting: () => void stop(),
    close: () => {
      const done = stop()
      for (const socket of sockets) socket.destroy()
      return done
    },
  }
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(listenError(error, host, port)))
    server.listen(host === '' ? { port } : { port, host }, () => {
      server.removeAllListeners('error')
      resolve()
    })
  })
}

function listenError(error: NodeJS.ErrnoException, host: string, port: number): AppError {
  const place = `${host === '' ? '*' : host}:${port}`
  if (error.code === 'EADDRINUSE') {
    return new AppError(
      'port_in_use',
      `MQTT cannot listen on ${place}: another program has that port; stop it or set mqtt.port`,
    )
  }
  if (error.code === 'EACCES') {
    return new AppError(
      'bad_config',
      `MQTT may not listen on ${place}: choose a port above 1023 with mqtt.port`,
    )
  }
  if (error.code === 'EADDRNOTAVAIL' || error.code === 'ENOTFOUND') {
    return new AppError(
      'bad_config',
      `MQTT cannot listen on ${place}: this machine has no such address; set mqtt.host`,
    )
  }
  return asAppError(error)
}
