// A page of rows as JSON, NDJSON or CSV, with the Link header that leads to the next one.
// Large pages leave in pieces, so that a slow reader or a page of megabytes holds up nobody.

import { createHash, hash } from 'node:crypto'
import { Readable } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { AppError } from '../domain/errors.ts'
import { Turns } from '../query/turns.ts'
import { signalOf } from './gone.ts'
import { encodeCsvRow } from './readingText.ts'
import { type Search, withParameter } from './search.ts'

export type Format = 'json' | 'ndjson' | 'csv'

export interface PageText<T> {
  rows: Iterable<T>
  limit: number
  next: string | null
  json: (row: T, oneLine: boolean) => string
  columns: readonly string[]
  cells: (row: T) => string[]
  /** Whether the answer may be asked for again with If-None-Match. */
  isTagged?: boolean
}

/** A page whose rows come one after another. It is written as they come, and sent when it is known to be whole. */
export class PageWriter<T> {
  readonly #page: PageText<T>
  readonly #format: Format
  readonly #row: (row: T, isFirst: boolean) => string
  readonly #pieces: Buffer[] = []
  #piece: string
  #isFirst = true

  constructor(request: FastifyRequest, page: Omit<PageText<T>, 'rows'>) {
    this.#page = { ...page, rows: [] }
    this.#format = formatOf(request)
    const form = forms[this.#format]
    this.#row = (row, isFirst) => form.row(this.#page as PageText<unknown>, row, isFirst)
    this.#piece = form.head(this.#page as PageText<unknown>)
  }

  add(row: T): void {
    this.#piece += this.#row(row, this.#isFirst)
    this.#isFirst = false
    if (this.#piece.length < pieceLength) return
    // As bytes: strings that were put together keep their parts.
    this.#pieces.push(Buffer.from(this.#piece))
    this.#piece = ''
  }

  send(request: FastifyRequest, reply: FastifyReply): FastifyReply {
    head(request, reply, this.#page)
    const last = this.#piece + forms[this.#format].tail(this.#page as PageText<unknown>)
    void reply.header('content-type', mediaTypes[this.#format])
    if (this.#pieces.length === 0) return reply.send(last)
    return reply.send(Readable.from([...this.#pieces, Buffer.from(last)]))
  }
}

/** Sends one page in the form asked for. */
export async function sendPage<T>(
  request: FastifyRequest,
  reply: FastifyReply,
  page: PageText<T>,
): Promise<FastifyReply> {
  head(request, reply, page)
  const format = formatOf(request)
  if (page.isTagged === true) return sendTagged(request, reply, page as PageText<unknown>, format)
  const pieces = gather(linesOf(format, page as PageText<unknown>))
  const first = pieces.next().value ?? ''
  const second = pieces.next().value
  void reply.header('content-type', mediaTypes[format])
  if (second === undefined) return reply.send(first)
  return reply.send(Readable.from(inTurns([first, second], pieces, signalOf(reply))))
}

function head(request: FastifyRequest, reply: FastifyReply, { next }: { next: string | null }): void {
  if (next !== null) {
    const [path = '/'] = request.url.split('?')
    void reply.header(
      'link',
      `<${path}?${withParameter(request.query as Search, 'cursor', next)}>; rel="next"`,
    )
  }
  void reply.header('cache-control', 'no-store').header('vary', 'Accept, Authorization')
}

/** Weak, since compression does not change it (RFC 9110, 8.8.3). The hash is of what leaves: nothing else is sure to change with it. */
async function sendTagged(
  request: FastifyRequest,
  reply: FastifyReply,
  page: PageText<unknown>,
  format: Format,
): Promise<FastifyReply> {
  const rest = gather(linesOf(format, page))
  const first = rest.next().value ?? ''
  const second = rest.next().value
  const pieces: string[] = []
  if (second === undefined) pieces.push(first)
  else for await (const piece of inTurns([first, second], rest, signalOf(reply))) pieces.push(piece)
  const tag = `W/"${digestOf(pieces)}"`
  void reply.header('etag', tag).header('cache-control', 'private, no-cache')
  const known = request.headers['if-none-match']
  if (known !== undefined && known.split(',').some((one) => one.trim() === tag || one.trim() === '*')) {
    return reply.code(304).send()
  }
  void reply.header('content-type', mediaTypes[format])
  return reply.send(pieces.length > 1 ? Readable.from(pieces) : (pieces[0] ?? ''))
}

function digestOf(pieces: readonly string[]): string {
  const [first = ''] = pieces
  // In one call it costs a third.
  if (pieces.length < 2) return hash('sha1', first, 'base64url')
  const digest = createHash('sha1')
  for (const piece of pieces) digest.update(piece)
  return digest.digest('base64url')
}

const mediaTypes: Record<Format, string> = {
  json: 'application/json; charset=utf-8',
  ndjson: 'application/x-ndjson',
  csv: 'text/csv; charset=utf-8',
}

interface Form {
  head(page: PageText<unknown>): string
  row(page: PageText<unknown>, row: unknown, isFirst: boolean): string
  tail(page: PageText<unknown>): string
}

const forms: Record<Format, Form> = {
  json: {
    head: () => '{"data":[',
    row: ({ json }, row, isFirst) => (isFirst ? json(row, false) : `,\n${json(row, false)}`),
    tail: ({ limit, next }) => `],"page":${JSON.stringify({ limit, has_more: next !== null, next })}}\n`,
  },
  ndjson: {
    head: () => '',
    row: ({ json }, row) => `${json(row, true)}\n`,
    tail: () => '',
  },
  csv: {
    head: ({ columns }) => encodeCsvRow(columns),
    row: ({ cells }, row) => encodeCsvRow(cells(row)),
    tail: () => '',
  },
}

function* linesOf(format: Format, page: PageText<unknown>): Generator<string> {
  const form = forms[format]
  yield form.head(page)
  let isFirst = true
  for (const row of page.rows) {
    yield form.row(page, row, isFirst)
    isFirst = false
  }
  yield form.tail(page)
}

/**
 * Characters gathered before a piece is sent: a string has a largest size, a page of payloads may pass it. A page of one piece
 * leaves in one write, which a stream of two does not; a piece takes a few milliseconds.
 */
const pieceLength = 262_144

function* gather(texts: Iterable<string>): Generator<string, undefined> {
  let piece = ''
  for (const text of texts) {
    piece += text
    if (piece.length < pieceLength) continue
    yield piece
    piece = ''
  }
  if (piece !== '') yield piece
}

/** Others are let in between pieces when these have taken long. */
async function* inTurns(
  first: readonly string[],
  rest: Iterable<string>,
  signal: AbortSignal,
): AsyncGenerator<string> {
  const turns = new Turns(signal)
  yield* first
  for (const piece of rest) {
    yield piece
    if (turns.isOver) await turns.next()
  }
}

const formatOfRange: Record<string, Format> = {
  '*/*': 'json',
  'application/*': 'json',
  'application/json': 'json',
  'application/x-ndjson': 'ndjson',
  'text/*': 'csv',
  'text/csv': 'csv',
}

/** `format=` goes before Accept, of which the best counts [RFC 9110 12.5.1]; an absent Accept means JSON. */
export function formatOf(request: FastifyRequest): Format {
  const { format } = request.query as { format?: Format }
  if (format !== undefined) return format
  const best = acceptedOf(request, formatOfRange)
  if (best) return best
  throw new AppError('not_acceptable', 'Accept: ask for application/json, application/x-ndjson or text/csv')
}

/** What the Accept header likes best of what `ranges` names; `null`: nothing of it. */
export function acceptedOf<T extends string>(
  { headers: { accept = '*/*' } }: FastifyRequest,
  ranges: Record<string, T>,
): T | null {
  let best: { one: T; quality: number } | null = null
  for (const range of accept.split(',')) {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase())
    const quality = Number(parameters.find((one) => one.startsWith('q='))?.slice(2) ?? 1)
    const one = Object.hasOwn(ranges, type) ? ranges[type] : undefined
    if (one && quality > (best?.quality ?? 0)) best = { one, quality }
  }
  return best?.one ?? null
}
