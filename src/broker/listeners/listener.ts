// One place to listen on: binds it, keeps count of its connections, and ends them.

import { createServer, type Server, type Socket } from 'node:net'
import type { ListenerConfig } from '../../config/listener.ts'
import { AppError } from '../../domain/errors.ts'
import { checkMountPoint } from '../mountPoint.ts'
import type { Places } from './admission.ts'
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
  const server = createServer(
    { noDelay: true, keepAlive: true, keepAliveInitialDelay: keepAliveMs },
    createReception(sockets, { count: 0, max: config.max_connections }, dependencies, (socket) =>
      entrance.receive(socket),
    ),
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

/** Gives each connection its place, or closes it. */
function createReception(
  sockets: Set<Socket>,
  places: Places,
  { admission }: EntranceDependencies,
  receive: (socket: Socket) => void,
): (socket: Socket) => void {
  const take = (socket: Socket): void => {
    socket.once('close', () => {
      sockets.delete(socket)
      admission.leave(places)
    })
    receive(socket)
  }
  return (socket) => {
    socket.on('error', () => undefined)
    sockets.add(socket)
    if (admission.enter(places)) {
      take(socket)
      return
    }
    const gone = (): void => {
      sockets.delete(socket)
      leaveList()
    }
    socket.once('close', gone)
    let leaveList = (): void => undefined
    leaveList = admission.wait(places, (isIn) => {
      if (isIn) {
        socket.off('close', gone)
        take(socket)
        return
      }
      admission.refuse('max_connections')
      socket.destroy()
    })
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
