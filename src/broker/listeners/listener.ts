// One place to listen on: binds it, keeps count of its connections, and ends them.

import { createServer, type Server, type Socket } from 'node:net'
import type { ListenerConfig } from '../../config/listener.ts'
import { AppError } from '../../domain/errors.ts'
import { checkMountPoint } from '../mountPoint.ts'
import { Entrance, type EntranceDependencies } from './entrance.ts'
import { listen, type Place } from './listen.ts'
import { createTlsServer } from './tls.ts'

export interface Listener extends Place {
  config: ListenerConfig
  /** Files whose change is worth a `reload`. */
  files: readonly string[]
  /** Reads certificates again. Throws `bad_config` and keeps what is in force. */
  reload(): void
  /** No new connection from now on; those there stay. */
  stopAccepting(): void
  /** Ends what is left, and resolves when the port is free. */
  close(): Promise<void>
}

/** TCP keep-alive finds the other side gone where no MQTT keep alive does. */
const keepAliveMs = 60_000

export async function startListener(
  config: ListenerConfig,
  dependencies: EntranceDependencies,
): Promise<Listener> {
  const { admission } = dependencies
  if (config.cert_file === '' && (config.require_certificate || config.username_from !== 'connect')) {
    // Also behind a load balancer that has checked them: nothing here would know.
    throw new AppError(
      'bad_config',
      `listener on port ${config.port}: require_certificate and username_from need a cert_file; without TLS nobody shows a certificate`,
    )
  }
  checkMountPoint(config.mount_point, `listener on port ${config.port}`)
  const tls = config.cert_file === '' ? null : createTlsServer(config, dependencies.timeoutMs)
  const entrance = new Entrance(config, tls, dependencies)
  const sockets = new Set<Socket>()
  const places = { count: 0, max: config.max_connections }
  const server = createServer(
    { noDelay: true, keepAlive: true, keepAliveInitialDelay: keepAliveMs },
    (socket) => {
      socket.on('error', () => undefined)
      if (!admission.enter(places)) {
        admission.refuse('max_connections')
        socket.destroy()
        return
      }
      sockets.add(socket)
      socket.once('close', () => {
        sockets.delete(socket)
        admission.leave(places)
      })
      entrance.receive(socket)
    },
  )
  const place = await listen(server, config)
  const stop = createStop(server)
  return {
    ...place,
    config,
    files: tls?.files ?? [],
    reload: () => tls?.reload(),
    stopAccepting: () => void stop(),
    close: () => {
      const done = stop()
      for (const socket of sockets) socket.destroy()
      return done
    },
  }
}

function createStop(server: Server): () => Promise<void> {
  let closed: Promise<void> | null = null
  return () => {
    closed ??= new Promise((resolve) => {
      server.close(() => resolve())
    })
    return closed
  }
}
