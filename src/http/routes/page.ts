// The web page at /: what Vite built into dist/dashboard, held in memory, each file compressed once when it is first asked for,
// so that the start does not wait for it. It may load nothing but itself.

import { readdirSync, readFileSync, existsSync } from 'node:fs'
import { extname, join, relative } from 'node:path'
import { promisify } from 'node:util'
import { brotliCompress, constants, gzip } from 'node:zlib'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { codingOf } from '../compress.ts'

interface PageFile {
  type: string
  plain: Buffer
  /** Compressed off the main thread; the same promise for everybody. */
  packed: Partial<Record<'br' | 'gzip', Promise<Buffer>>>
  /** Its name changes with its content. */
  isImmutable: boolean
}

const types: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
}

/** Scripts and styles of this server alone, requests to it alone, in no frame of another page. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
].join('; ')

const plainPage = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Amber</title>
<h1>Amber</h1><p>An MQTT broker that never forgets. The page is not built (npm run build).</p>
<p><a href="/docs">/docs</a>: every route, to try out</p></html>
`

/** Where the build lies, seen from the built server and from its source. */
const places = ['../../dashboard', '../../../dist/dashboard'].map((path) => join(import.meta.dirname, path))

export function addPage(app: FastifyInstance): void {
  const root = places.find((path) => existsSync(join(path, 'assets')))
  const files = root === undefined ? new Map<string, PageFile>() : readFiles(root)
  const send = (path: string) => async (request: FastifyRequest, reply: FastifyReply) => {
    const file = files.get(path) ?? asFile(path, Buffer.from(plainPage))
    const coding = codingOf(String(request.headers['accept-encoding'] ?? ''))
    void reply
      .header('content-type', file.type)
      .header('cache-control', file.isImmutable ? 'public, max-age=31536000, immutable' : 'no-cache')
      .header('vary', 'Accept-Encoding')
    if (path === '/index.html') {
      void reply.header('content-security-policy', policy).header('referrer-policy', 'no-referrer')
    }
    if (coding !== null) void reply.header('content-encoding', coding)
    return reply.send(coding === null ? file.plain : await packed(file, coding))
  }
  app.get('/', { schema: { hide: true } }, send('/index.html'))
  for (const path of files.keys()) {
    if (path !== '/index.html') app.get(path, { schema: { hide: true } }, send(path))
  }
}

function readFiles(root: string): Map<string, PageFile> {
  const names = readdirSync(root, { recursive: true, withFileTypes: true }).filter((one) => one.isFile())
  return new Map(
    names.map((one) => {
      const path = join(one.parentPath, one.name)
      const url = `/${relative(root, path).split('\\').join('/')}`
      return [url, asFile(url, readFileSync(path))]
    }),
  )
}

function asFile(url: string, plain: Buffer): PageFile {
  return {
    type: types[extname(url)] ?? 'application/octet-stream',
    plain,
    packed: {},
    isImmutable: url.startsWith('/assets/'),
  }
}

const brotli = promisify(brotliCompress)
const deflate = promisify(gzip)

function packed({ plain, packed: done }: PageFile, coding: 'br' | 'gzip'): Promise<Buffer> {
  const pack = (): Promise<Buffer> =>
    coding === 'br'
      ? brotli(plain, { params: { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY } })
      : deflate(plain, { level: 9 })
  return (done[coding] ??= pack())
}
