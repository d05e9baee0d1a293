// A real server for the tests: the built program as a child process on free ports, with a data directory of its own.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const main = join(import.meta.dirname, '../../dist/main.js')
const control = join(import.meta.dirname, 'control.mjs')

/** The test account; plain on purpose, so that no hash is worked out while a test waits. */
export const account = { username: 'tester', password: 'let-me-in' }

export interface TestServer {
  mqttPort: number
  httpPort: number
  /** What the process wrote so far, both streams. */
  output(): string
  /** GET (or more) with the test account; the body as text. */
  request(path: string, init?: RequestInit): Promise<Response>
  /** SIGKILL, and wait for the end. */
  kill(): Promise<void>
  /** SIGTERM, and the exit code. */
  stop(): Promise<number | null>
  process: ChildProcess
}

export interface Home {
  path: string
  /** `filesMax`: files and sockets the process may have open. */
  start: (flags?: readonly string[], filesMax?: number) => Promise<TestServer>
  /** A bare Aedes that captures in `published`, for comparison. */
  startControl: () => Promise<TestServer>
  /** Kills what still runs and removes everything. */
  remove(): Promise<void>
}

/** A directory with a password file, in which servers are started one after the other. */
export function makeHome(): Home {
  const path = mkdtempSync(join(tmpdir(), 'amber-app-'))
  writeFileSync(join(path, 'passwd'), `${account.username}:${account.password}\n`)
  const running = new Set<TestServer>()
  return {
    path,
    async start(flags = [], filesMax) {
      const server = await startServer(path, [main, 'serve', ...loopback, ...flags], filesMax)
      running.add(server)
      return server
    },
    async startControl() {
      const server = await startServer(path, [control])
      running.add(server)
      return server
    },
    async remove() {
      await Promise.all([...running].map((server) => server.kill()))
      rmSync(path, { recursive: true, force: true })
    },
  }
}

const loopback = ['--mqtt.port=0', '--http.port=0', '--mqtt.host=127.0.0.1', '--http.host=127.0.0.1']

async function startServer(cwd: string, command: readonly string[], filesMax?: number): Promise<TestServer> {
  const limited = filesMax === undefined ? [] : ['sh', '-c', `ulimit -n ${filesMax} && exec "$@"`, 'sh']
  const [program = '', ...rest] = [...limited, process.execPath, ...command]
  const child = spawn(program, rest, { cwd, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  const gone = once(child, 'exit')
  const ready = new Promise<void>((resolve, reject) => {
    const onData = (chunk: Buffer): void => {
      output += String(chunk)
      if (/Next {3}/.test(output)) resolve()
    }
    child.stdout.on('data', onData)
    child.stderr.on('data', onData)
    child.on('exit', (code) =>
      reject(new Error(`the server ended with ${code} before it was ready:\n${output}`)),
    )
  })
  await ready
  const mqttPort = Number(/mqtt:\/\/127\.0\.0\.1:(\d+)/.exec(output)?.[1])
  const httpPort = Number(/https?:\/\/127\.0\.0\.1:(\d+)/.exec(output)?.[1])
  const authorization = `Basic ${Buffer.from(`${account.username}:${account.password}`).toString('base64')}`
  return {
    mqttPort,
    httpPort,
    process: child,
    output: () => output,
    request(url, init = {}) {
      const headers = new Headers(init.headers)
      if (!headers.has('authorization')) headers.set('authorization', authorization)
      return fetch(`http://127.0.0.1:${httpPort}${url}`, { ...init, headers })
    },
    async kill() {
      child.kill('SIGKILL')
      if (child.exitCode === null && child.signalCode === null) await gone
    },
    async stop() {
      child.kill('SIGTERM')
      if (child.exitCode === null && child.signalCode === null) await gone
      return child.exitCode
    },
  }
}
