// The opaque cursors of paging: where a page ended, the range it was cut from, and a mark of the query it belongs to.
// A cursor holds no secret and grants nothing: what the caller may read is asked anew on every page.

import { hash } from 'node:crypto'
import { AppError } from '../domain/errors.ts'
import type { Position } from '../store/store.ts'

/** Where a time-ordered page ended; `from` and `to` stay as the first page saw them, however late the next is asked. */
export interface RangeCursor {
  from: number
  to: number
  after: Position
}

/** A short mark of what a query asks for; a cursor works only with the query that gave it. */
export function markOf(parts: readonly unknown[]): string {
  return hash('sha256', JSON.stringify(parts), 'base64url').slice(0, 10)
}

/** The topic after which the next page begins, and the moment all pages show. */
export interface TopicCursor {
  topic: string
  asOf?: number | undefined
}

export function encodeTopicCursor(mark: string, { topic, asOf }: TopicCursor): string {
  return encode(asOf === undefined ? [mark, topic] : [mark, topic, asOf])
}

/** Throws `bad_cursor`. */
export function decodeTopicCursor(mark: string, text: string): TopicCursor {
  const [topic, asOf] = decode(mark, text)
  if (typeof topic !== 'string' || (asOf !== undefined && !isInteger(asOf))) throw fault()
  return { topic, asOf }
}

export function encodeRangeCursor(mark: string, { from, to, after }: RangeCursor): string {
  return encode([mark, from, to, after.time, after.seq])
}

/** Throws `bad_cursor`. */
export function decodeRangeCursor(mark: string, text: string): RangeCursor {
  const numbers = decode(mark, text)
  const [from, to, time, seq] = numbers
  if (numbers.length !== 4 || !isInteger(from) || !isInteger(to) || !isInteger(time) || !isInteger(seq)) {
    throw fault()
  }
  return { from, to, after: { time, seq } }
}

function encode(parts: readonly unknown[]): string {
  return Buffer.from(JSON.stringify(parts)).toString('base64url')
}

function decode(mark: string, text: string): unknown[] {
  let parts: unknown
  try {
    parts = JSON.parse(Buffer.from(text, 'base64url').toString())
  } catch (error) {
    throw fault(error)
  }
  if (!Array.isArray(parts)) throw fault()
  const [given, ...rest] = parts as unknown[]
  if (typeof given !== 'string') throw fault()
  if (given !== mark) {
    throw refusal(
      'the cursor belongs to another query; send it with the very parameters that gave it (only limit, format and what is shown may differ)',
    )
  }
  return rest
}

function isInteger(value: unknown): value is number {
  return Number.isSafeInteger(value)
}

function fault(cause?: unknown): AppError {
  return refusal('the cursor is not one that this server gave; start again without cursor', cause)
}

function refusal(message: string, cause?: unknown): AppError {
  return new AppError('bad_cursor', message, { cause, problems: [{ path: 'cursor', message }] })
}
