// Binds a server to a port or a unix socket, and says in one line why it cannot.

import { rmSync, statSync } from 'node:fs'
import { connect, type Server } from 'node:net'
import { AppError, asAppError } from '../../domain/errors.ts'

/** Where a listener can be reached. */
export interface Place {
  address: string
  port: number
  /** Of a unix socket; then `address` is empty and `port` 0. */
  path: string
}

/** Connections that wait to be accepted: a site comes back all at once after a power cut. The system's own limit holds, too. */
const backlog = 4096

export async function listen(
  server: Server,
  { host, port, path }: { host: string; port: number; path: string },
): Promise<Place> {
  if (path !== '') await removeStaleSocket(path)
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(listenError(error, host, port, path)))
    const options = path !== '' ? { path } : host === '' ? { port } : { port, host }
    server.listen({ ...options, backlog }, () => {
      server.removeAllListeners('error')
      resolve()
    })
  })
  const bound = server.address()
  if (bound === null || typeof bound === 'string') return { address: '', port: 0, path }
  return { address: bound.address, port: bound.port, path: '' }
}

/** A process that was killed leaves its socket behind; one that nobody answers is taken away. */
async function removeStaleSocket(path: string): Promise<void> {
  let isSocket = false
  try {
    isSocket = statSync(path).isSocket()
  } catch {
    return
  }
  if (!isSocket) {
    throw new AppError(
      'bad_config',
      `MQTT cannot listen on ${path}: it is there and no socket; name another path`,
    )
  }
  const isAnswered = await new Promise<boolean>((resolve) => {
    const probe = connect({ path })
    probe.once('connect', () => resolve(true))
    probe.once('error', () => resolve(false))
    probe.once('close', () => resolve(false))
    probe.once('connect', () => probe.destroy())
  })
  if (!isAnswered) rmSync(path, { force: true })
}

function listenError(error: NodeJS.ErrnoException, host: string, port: number, path: string): AppError {
  const place = path === '' ? `${host === '' ? '*' : host}:${port}` : path
  if (error.code === 'EADDRINUSE') {
    const what =
      path === '' ? 'that port; stop it or set mqtt.port' : 'that socket; stop it or name another path'
    return new AppError('port_in_use', `MQTT cannot listen on ${place}: another program has ${what}`)
  }
  if (error.code === 'EACCES') {
    const what = path === '' ? 'choose a port above 1023 with mqtt.port' : 'this user may not write there'
    return new AppError('bad_config', `MQTT may not listen on ${place}: ${what}`)
  }
  if (error.code === 'EADDRNOTAVAIL' || error.code === 'ENOTFOUND') {
    return new AppError(
      'bad_config',
      `MQTT cannot listen on ${place}: this machine has no such address; set mqtt.host`,
    )
  }
  if (path !== '' && (error.code === 'ENOENT' || error.code === 'EINVAL')) {
    return new AppError(
      'bad_config',
      `MQTT cannot listen on ${place}: make its directory, or name a shorter path`,
    )
  }
  return asAppError(error)
}
