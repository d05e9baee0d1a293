// What a command talks to: the three streams, the environment and the working directory.
// On a terminal output is made for people; in a pipe for programs.

import { AppError } from '../domain/errors.ts'

export interface Io {
  stdin: NodeJS.ReadableStream & { isTTY?: boolean; setRawMode?: (raw: boolean) => unknown }
  stdout: NodeJS.WritableStream & { isTTY?: boolean; columns?: number }
  stderr: NodeJS.WritableStream & { isTTY?: boolean }
  env: NodeJS.ProcessEnv
  cwd: string
  /** Calls `listener` when the person presses Ctrl+C, instead of ending the process; returns how to undo it. */
  onInterrupt(listener: () => void): () => void
}

/** What `run` ends with, and documents in `amber --help`. */
export const exitCodes = { ok: 0, failed: 1, usage: 2 } as const

/** The command line itself is wrong: exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

export function processIo(): Io {
  // Each write reports its own fault; without a listener the stream would end the process on the first.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined)
  return {
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    cwd: process.cwd(),
    onInterrupt(listener) {
      process.once('SIGINT', listener)
      process.once('SIGTERM', listener)
      return () => {
        process.off('SIGINT', listener)
        process.off('SIGTERM', listener)
      }
    },
  }
}

/** Colours only for people, and not for those who said NO_COLOR (no-color.org). */
export function hasColour(io: Io): boolean {
  return io.stdout.isTTY === true && !io.env['NO_COLOR'] && io.env['TERM'] !== 'dumb'
}

/** Nobody reads the output any more (`| head`): the command stops, and that is no fault. */
export class ReaderGone extends Error {
  override readonly name = 'ReaderGone'
}

/** Writes and waits until the stream takes more. Throws `ReaderGone` when it takes no more at all. */
export function write(stream: NodeJS.WritableStream, text: string | Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.write(text, (error) => {
      if (!error) resolve()
      else reject('code' in error && error.code === 'EPIPE' ? new ReaderGone() : error)
    })
  })
}

/** An error as one line, and each further problem on its own. */
export function describeError(error: unknown): string {
  if (error instanceof AppError && error.problems.length > 1) {
    return error.problems.map(({ path, message }) => `${path}: ${message}`).join('\n')
  }
  return error instanceof Error ? error.message : String(error)
}
