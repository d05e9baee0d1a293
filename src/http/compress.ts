// Answers as gzip or brotli when the client takes it (RFC 9110, 12.5.3) and it is worth it: texts above a kilobyte, and
// everything that is streamed.

import { Readable } from 'node:stream'
import { promisify } from 'node:util'
import { brotliCompress, constants, createBrotliCompress, createGzip, gzip } from 'node:zlib'
import type { FastifyInstance } from 'fastify'

const bytesMin = 1024
/** Fast levels: what a server can do while it serves. */
const brotliOptions = { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } }
const gzipOptions = { level: 5 }

const encoders = {
  br: {
    whole: (body: Buffer) => promisify(brotliCompress)(body, brotliOptions),
    stream: () => createBrotliCompress({ ...brotliOptions, flush: constants.BROTLI_OPERATION_PROCESS }),
  },
  gzip: {
    whole: (body: Buffer) => promisify(gzip)(body, gzipOptions),
    stream: () => createGzip(gzipOptions),
  },
}

type Coding = keyof typeof encoders

export function addCompression(app: FastifyInstance): void {
  app.addHook('onSend', async (request, reply, payload: unknown) => {
    const type = String(reply.getHeader('content-type') ?? '')
    const isText =
      /json|ndjson|csv|text|openmetrics|xml|javascript/.test(type) && !type.includes('event-stream')
    if (!isText || reply.hasHeader('content-encoding') || request.method === 'HEAD') return payload
    const isStream = payload instanceof Readable
    const isLong =
      (typeof payload === 'string' && payload.length > bytesMin) ||
      (Buffer.isBuffer(payload) && payload.length > bytesMin)
    if (!isStream && !isLong) return payload
    const vary = String(reply.getHeader('vary') ?? '')
    void reply.header('vary', vary === '' ? 'Accept-Encoding' : `${vary}, Accept-Encoding`)
    const coding = codingOf(String(request.headers['accept-encoding'] ?? ''))
    if (coding === null) return payload
    void reply.header('content-encoding', coding).removeHeader('content-length')
    if (!isStream) return encoders[coding].whole(Buffer.from(payload as string | Buffer))
    const encoder = encoders[coding].stream()
    payload.on('error', (error) => encoder.destroy(error))
    encoder.on('close', () => payload.destroy())
    return payload.pipe(encoder)
  })
}

/** The one the client likes best; brotli among equals. */
export function codingOf(accept: string): Coding | null {
  let best: { coding: Coding; quality: number } | null = null
  for (const part of accept.toLowerCase().split(',')) {
    const [name = '', ...parameters] = part.split(';').map((one) => one.trim())
    const quality = Number(parameters.find((one) => one.startsWith('q='))?.slice(2) ?? 1)
    const coding = name === 'br' ? 'br' : name === 'gzip' || name === 'x-gzip' ? 'gzip' : null
    if (coding === null || !(quality > 0)) continue
    if (best === null || quality > best.quality || (quality === best.quality && coding === 'br')) {
      best = { coding, quality }
    }
  }
  return best?.coding ?? null
}
