// MQTT inside WebSocket [MQTT-6.0]: binary frames as one stream of bytes, the subprotocol `mqtt`, and backpressure both ways.

import { createServer, type IncomingMessage, type Server } from 'node:http'
import { Duplex } from 'node:stream'
import { type WebSocket, WebSocketServer } from 'ws'

/** How long the other side may take to answer our close. */
const closeTimeoutMs = 2000

/** A connection's frames as a stream: what is written in one turn leaves in one frame. */
export class WebSocketStream extends Duplex {
  readonly #socket: WebSocket

  constructor(socket: WebSocket) {
    super({ allowHalfOpen: false })
    this.#socket = socket
    socket.on('message', (data, isBinary) => {
      // [MQTT-6.0.0-1]
      if (!isBinary) {
        socket.close(1003, 'MQTT is binary')
        this.destroy()
      } else if (!this.push(data)) socket.pause()
    })
    // What came in front of it is read first; the end of the stream then closes this side.
    socket.on('close', () => this.push(null))
    socket.on('error', (error) => this.destroy(error))
  }

  override _read(): void {
    if (this.#socket.isPaused) this.#socket.resume()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#send(chunk, done)
  }

  override _writev(chunks: { chunk: Buffer }[], done: (error?: Error | null) => void): void {
    this.#send(Buffer.concat(chunks.map(({ chunk }) => chunk)), done)
  }

  /** Once the other side has closed nobody reads an answer; what it sent before is still to be served. */
  #send(bytes: Buffer, done: (error?: Error | null) => void): void {
    if (this.#socket.readyState === this.#socket.OPEN) this.#socket.send(bytes, { binary: true }, done)
    else done()
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#socket.close(1000)
    done()
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    const socket = this.#socket
    if (error === null) socket.close(1000)
    const timer = setTimeout(() => socket.terminate(), error === null ? closeTimeoutMs : 0)
    socket.once('close', () => clearTimeout(timer))
    if (socket.readyState === socket.CLOSED) clearTimeout(timer)
    done(error)
  }
}

export interface WebSocketOptions {
  /** Largest frame; a frame may hold several packets. */
  frameBytesMax: number
  /** Pages that may connect; empty: any. */
  origins: readonly string[]
  timeoutMs: number
  /** A connection that is through, and the stream it came in by. */
  onStream: (stream: WebSocketStream, from: Duplex) => void
}

/** Answers upgrades; hand it connections with `emit('connection', stream)`. It listens nowhere itself. */
export function createWebSocketServer(options: WebSocketOptions): Server {
  const { frameBytesMax, origins, timeoutMs, onStream } = options
  const server = createServer({ requestTimeout: timeoutMs, headersTimeout: timeoutMs, keepAlive: true })
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: frameBytesMax,
    perMessageDeflate: false,
    clientTracking: false,
    // [MQTT-6.0.0-3, 6.0.0-4]; `mqttv3.1` is what clients of 3.1 ask for.
    handleProtocols: (offered) => ['mqtt', 'mqttv3.1'].find((name) => offered.has(name)) ?? false,
  })
  server.on('request', (_request, response) => {
    response.writeHead(426, { 'content-type': 'text/plain', upgrade: 'websocket', connection: 'close' })
    response.end('This port speaks MQTT over WebSocket.\n')
  })
  server.on('upgrade', (request: IncomingMessage, stream: Duplex, head: Buffer) => {
    const refusal = upgradeRefusal(request, origins)
    if (refusal !== null) {
      stream.end(`HTTP/1.1 ${refusal}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
      return
    }
    sockets.handleUpgrade(request, stream, head, (socket) => onStream(new WebSocketStream(socket), stream))
  })
  server.on('clientError', (_error, stream) => stream.destroy())
  return server
}

function upgradeRefusal(request: IncomingMessage, origins: readonly string[]): string | null {
  const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim())
  if (!offered.some((name) => name === 'mqtt' || name === 'mqttv3.1')) {
    return '400 The subprotocol mqtt is missing'
  }
  const { origin } = request.headers
  return origins.length > 0 && !origins.includes(origin ?? '') ? '403 Forbidden origin' : null
}
