// The way from a bare connection to a stream of MQTT bytes: PROXY header, TLS, WebSocket, each only where it is configured.
// Whoever is not through in time is closed.

import type { Server as HttpServer } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import type { ListenerConfig } from '../../config/listener.ts'
import type { Log } from '../../ops/log.ts'
import { type AddressSet, parseAddresses, plainAddress } from './addresses.ts'
import type { Admission } from './admission.ts'
import { readProxyHeader } from './proxy.ts'
import { certificateName, rawSocketOf, type TlsServer } from './tls.ts'
import { createWebSocketServer } from './websocket.ts'

/** What a listener knows of a connection. */
export interface Caller {
  /** Of the client itself, also behind a load balancer; empty for a unix socket. */
  address: string
  /** The user name its certificate gives. */
  identity: string | null
}

export interface EntranceDependencies {
  admission: Admission
  /** How long a connection may take until its first MQTT byte may come. */
  timeoutMs: number
  frameBytesMax: number
  onStream: (stream: Duplex, caller: Caller, listener: ListenerConfig) => void
  log: Log
}

export class Entrance {
  readonly #config: ListenerConfig
  readonly #tls: TlsServer | null
  readonly #web: HttpServer | null
  readonly #dependencies: EntranceDependencies
  readonly #trusted: AddressSet
  readonly #callers = new WeakMap<Duplex, Caller>()
  readonly #timers = new WeakMap<Socket, NodeJS.Timeout>()

  constructor(config: ListenerConfig, tls: TlsServer | null, dependencies: EntranceDependencies) {
    this.#config = config
    this.#tls = tls
    this.#dependencies = dependencies
    this.#trusted = parseAddresses(config.proxy_trusted, 'proxy_trusted')
    this.#web = config.protocol === 'mqtt' ? null : this.#createWeb()
    tls?.server.on('secureConnection', (stream) => this.#onSecure(stream))
    tls?.server.on('tlsClientError', (error, stream) => {
      dependencies.log.debug({ address: this.#callerOf(stream).address }, `TLS: ${error.message}`)
      stream.destroy()
    })
  }

  /** Takes a connection that was just accepted. */
  receive(socket: Socket): void {
    const { proxy_protocol: isProxied, protocol } = this.#config
    if (isProxied || protocol !== 'mqtt' || this.#tls !== null) this.#closeLater(socket)
    const address = plainAddress(socket.remoteAddress)
    if (!isProxied) {
      this.#admit(socket, address)
      return
    }
    if (!this.#trusted.isEmpty && !this.#trusted.has(address)) {
      this.#refuseProxy(socket, 'it comes from an address that is not in proxy_trusted')
      return
    }
    readProxyHeader(socket, (error, told) => {
      if (error === null) this.#admit(socket, told ?? address)
      else this.#refuseProxy(socket, error.message)
    })
  }

  #admit(socket: Socket, address: string): void {
    const { admission } = this.#dependencies
    const refusal = admission.enterAddress(address)
    if (refusal !== null) {
      admission.refuse(refusal)
      socket.destroy()
      return
    }
    socket.once('close', () => admission.leaveAddress(address))
    this.#callers.set(socket, { address, identity: null })
    if (this.#tls === null) this.#unwrap(socket)
    else this.#tls.server.emit('connection', socket)
  }

  #onSecure(stream: TLSSocket): void {
    const { username_from: from } = this.#config
    stream.on('error', () => undefined)
    const identity = certificateName(stream, from)
    const caller = this.#callerOf(stream)
    if (from !== 'connect' && identity === null) {
      this.#dependencies.log.info(
        { address: caller.address },
        'login refused: the client certificate names no user',
      )
      stream.destroy()
      return
    }
    this.#callers.set(stream, { ...caller, identity })
    this.#unwrap(stream)
  }

  #unwrap(stream: Socket): void {
    if (this.#web === null) this.#handOn(stream, stream)
    else this.#web.emit('connection', stream)
  }

  #createWeb(): HttpServer {
    const { frameBytesMax, timeoutMs } = this.#dependencies
    return createWebSocketServer({
      frameBytesMax,
      timeoutMs,
      origins: this.#config.origins,
      onStream: (stream, from) => this.#handOn(stream, from as Socket),
    })
  }

  /** `from` is the connection that `stream` is carried by, or the same. */
  #handOn(stream: Duplex, from: Socket): void {
    clearTimeout(this.#timers.get(this.#rawOf(from)))
    const caller = this.#callers.get(from) ?? this.#callerOf(from)
    this.#dependencies.onStream(stream, caller, this.#config)
  }

  #callerOf(stream: Socket): Caller {
    return this.#callers.get(this.#rawOf(stream)) ?? { address: '', identity: null }
  }

  #rawOf(stream: Socket): Socket {
    return this.#tls === null ? stream : (rawSocketOf(stream as TLSSocket) ?? stream)
  }

  #closeLater(socket: Socket): void {
    const { admission, timeoutMs } = this.#dependencies
    const timer = setTimeout(() => {
      admission.refuse('timeout')
      socket.destroy()
    }, timeoutMs)
    this.#timers.set(socket, timer)
    socket.once('close', () => clearTimeout(timer))
  }

  #refuseProxy(socket: Socket, why: string): void {
    const { admission, log } = this.#dependencies
    admission.refuse('proxy_header')
    log.debug({ address: plainAddress(socket.remoteAddress) }, `PROXY header refused: ${why}`)
    socket.destroy()
  }
}
