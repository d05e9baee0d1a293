// Asks for a password: without echo and twice on a terminal, one line from a pipe.

import { createInterface } from 'node:readline'
import { StringDecoder } from 'node:string_decoder'
import { AppError } from '../domain/errors.ts'
import { type Io, write } from './io.ts'

/** The new password. Throws `bad_request` when the two differ, when it is empty, or after Ctrl+C. */
export async function askNewPassword(io: Io): Promise<string> {
  const isTerminal = io.stdin.isTTY === true
  const password = isTerminal ? await askHidden(io, 'Password: ') : await firstLine(io)
  if (password === '') throw new AppError('bad_request', 'the password is empty; nothing was changed')
  if (isTerminal && (await askHidden(io, 'Reenter password: ')) !== password) {
    throw new AppError('bad_request', 'the two passwords differ; nothing was changed')
  }
  return password
}

async function firstLine(io: Io): Promise<string> {
  const lines = createInterface({ input: io.stdin, crlfDelay: Infinity })
  for await (const line of lines) return line
  return ''
}

async function askHidden(io: Io, question: string): Promise<string> {
  await write(io.stderr, question)
  io.stdin.setRawMode?.(true)
  try {
    return await readHidden(io)
  } finally {
    io.stdin.setRawMode?.(false)
    io.stdin.pause()
    await write(io.stderr, '\n')
  }
}

const enter = ['\r', '\n']
const backspace = ['\u007f', '\b']
const interrupt = ['\u0003', '\u0004']

function readHidden(io: Io): Promise<string> {
  return new Promise((resolve, reject) => {
    const typed: string[] = []
    const decoder = new StringDecoder('utf8')
    const finish = (end: () => void, rest: readonly string[] = []): void => {
      io.stdin.off('data', onData)
      io.stdin.off('end', onEnd)
      // What was pasted behind the line end is the answer to the next question.
      if (rest.length > 0) io.stdin.unshift(Buffer.from(rest.join('')))
      end()
    }
    const onEnd = (): void => finish(() => resolve(typed.join('')))
    const onData = (chunk: Buffer | string): void => {
      const characters = Array.from(typeof chunk === 'string' ? chunk : decoder.write(chunk))
      for (const [index, character] of characters.entries()) {
        if (enter.includes(character)) {
          io.stdin.pause()
          return finish(() => resolve(typed.join('')), characters.slice(index + 1))
        }
        if (interrupt.includes(character)) {
          return finish(() => reject(new AppError('bad_request', 'stopped; nothing was changed')))
        }
        if (backspace.includes(character)) typed.pop()
        else typed.push(character)
      }
    }
    io.stdin.on('data', onData)
    io.stdin.on('end', onEnd)
    io.stdin.resume()
  })
}
