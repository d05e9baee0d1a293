// Streams of a command line under test: what was typed goes in, what was written comes out as text.

import { PassThrough } from 'node:stream'
import { type CliActions, run } from '../../src/cli.ts'
import type { Io } from '../../src/cli/io.ts'

export interface Outcome {
  code: number
  out: string
  err: string
}

export interface Setting {
  input?: string | Buffer
  env?: NodeJS.ProcessEnv
  cwd?: string
  /** Standard output and input are a terminal. */
  terminal?: boolean
  serve?: CliActions['serve']
}

/** Runs `amber …` in this process. */
export async function amber(args: readonly string[], setting: Setting = {}): Promise<Outcome> {
  const { io, outcome } = createIo(setting)
  const serve = setting.serve ?? (() => Promise.reject(new Error('this test starts no server')))
  const code = await run(args, { serve }, io)
  return { code, ...outcome() }
}

export function createIo({ input = '', env = {}, cwd = process.cwd(), terminal = false }: Setting = {}) {
  const stdin = new PassThrough()
  const chunks: { out: Buffer[]; err: Buffer[] } = { out: [], err: [] }
  const collector = (into: Buffer[]): PassThrough =>
    new PassThrough().on('data', (chunk: Buffer) => into.push(chunk))
  const rawModes: boolean[] = []
  let interrupt: () => void = () => undefined
  const io: Io = {
    stdin: Object.assign(stdin, { isTTY: terminal, setRawMode: (raw: boolean) => rawModes.push(raw) }),
    stdout: Object.assign(collector(chunks.out), { isTTY: terminal, columns: 120 }),
    stderr: Object.assign(collector(chunks.err), { isTTY: terminal }),
    env,
    cwd,
    onInterrupt(listener) {
      interrupt = listener
      return () => undefined
    },
  }
  stdin.end(input)
  const outcome = () => ({
    out: Buffer.concat(chunks.out).toString(),
    err: Buffer.concat(chunks.err).toString(),
  })
  return { io, outcome, rawModes, interrupt: () => interrupt() }
}
