// What the main thread and a store thread say to each other. A call has a number; its answers come in order, and the thread
// waits for `more` so that it never runs far ahead of who reads.

import { AppError, type ErrorCode } from '../../../domain/errors.ts'

export type Request =
  | { id: number; kind: 'call'; method: string; params: unknown }
  /** The reader has taken one answer. */
  | { id: number; kind: 'more' }
  | { id: number; kind: 'cancel' }

export type Answer =
  | { id: number; kind: 'chunk'; value: unknown }
  | { id: number; kind: 'done'; value: unknown }
  | { id: number; kind: 'fail'; code: ErrorCode | null; message: string }

/** Answers under way before the thread waits. */
export const windowChunks = 2

export function failOf(id: number, error: unknown): Answer {
  const code = error instanceof AppError ? error.code : null
  const message = error instanceof Error ? withCauses(error) : String(error)
  return { id, kind: 'fail', code, message }
}

/** LevelDB says what went wrong in the cause of its error. */
function withCauses(error: Error): string {
  const texts: string[] = []
  for (let each: unknown = error; each instanceof Error; each = each.cause) {
    const code = 'code' in each ? ` (${String(each.code)})` : ''
    texts.push(`${each.message}${code}`)
  }
  return texts.join(': ')
}

export function errorOf({ code, message }: Extract<Answer, { kind: 'fail' }>): Error {
  return code === null ? new Error(message) : new AppError(code, message)
}
