// The brokers that are compared, each in a process of its own: Amber as it is by default, every message durable before it is
// acknowledged, and Debian's Mosquitto without persistence and without passwords, which stores nothing.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createPasswordHash } from '../src/auth/hash.ts'

export const account = { username: 'bench', password: 'bench-password' }

const mosquitto = '/usr/sbin/mosquitto'
const main = join(import.meta.dirname, '../dist/main.js')
const cpuTicksPerSecond = 100

export interface Broker {
  name: string
  port: number
  process: ChildProcess
}

export interface Amber extends Broker {
  httpUrl: string
}

/** Starts both, has them measured, and removes what they leave. */
export async function withBrokers(
  measure: (brokers: Broker[], home: string) => Promise<void>,
): Promise<void> {
  if (!existsSync(mosquitto)) throw new Error(`${mosquitto} is missing: apt-get install mosquitto`)
  if (!existsSync(main)) throw new Error(`${main} is missing: npm run build`)
  const home = mkdtempSync(join(tmpdir(), 'amber-bench-'))
  const brokers: Broker[] = []
  try {
    brokers.push(await startAmber(home))
    brokers.push(await startMosquitto(home))
    await measure(brokers, home)
  } finally {
    await Promise.all(brokers.map(stop))
    rmSync(home, { recursive: true, force: true })
  }
}

/** Starts Amber alone, has it measured, and removes what it leaves. */
export async function withAmber(measure: (amber: Amber) => Promise<void>): Promise<void> {
  if (!existsSync(main)) throw new Error(`${main} is missing: npm run build`)
  const home = mkdtempSync(join(tmpdir(), 'amber-bench-'))
  try {
    const amber = await startAmber(home)
    try {
      await measure(amber)
    } finally {
      await stop(amber)
    }
  } finally {
    rmSync(home, { recursive: true, force: true })
  }
}

async function stop({ process: child }: Broker): Promise<void> {
  child.kill()
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
}

/** Microseconds of processor time of a broker so far: all threads, and the main thread alone. */
export function cpuOf({ process: { pid } }: Broker): { allUs: number; mainUs: number } {
  return { allUs: cpuUsOf(`/proc/${pid}/stat`), mainUs: cpuUsOf(`/proc/${pid}/task/${pid}/stat`) }
}

/** User and system time of a process or a thread, see proc(5). */
function cpuUsOf(file: string): number {
  const fields = readFileSync(file, 'utf8').split(') ')[1]?.split(' ') ?? []
  return ((Number(fields[11]) + Number(fields[12])) / cpuTicksPerSecond) * 1e6
}

async function startAmber(home: string): Promise<Amber> {
  writeFileSync(
    join(home, 'passwd'),
    `${account.username}:${await createPasswordHash(Buffer.from(account.password), 'sha512-pbkdf2')}\n`,
  )
  const flags = ['--mqtt.port=0', '--http.port=0', '--mqtt.host=127.0.0.1', '--http.host=127.0.0.1']
  const child = spawn(process.execPath, [...nodeFlags(), main, 'serve', ...flags], {
    cwd: home,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  const found = await new Promise<{ port: number; httpUrl: string }>((resolve, reject) => {
    child.stdout.on('data', (chunk: Buffer) => {
      output += String(chunk)
      const port = /mqtt:\/\/127\.0\.0\.1:(\d+)/.exec(output)?.[1]
      const httpUrl = /http:\/\/127\.0\.0\.1:\d+/.exec(output)?.[0]
      if (port !== undefined && httpUrl !== undefined) resolve({ port: Number(port), httpUrl })
    })
    child.on('exit', (code) => reject(new Error(`Amber ended with ${code}:\n${output}`)))
  })
  return { name: 'Amber', process: child, ...found }
}

/** For a profile: `BENCH_NODE_FLAGS='--cpu-prof --cpu-prof-dir=/tmp/profile'`. */
function nodeFlags(): string[] {
  return (process.env.BENCH_NODE_FLAGS ?? '').split(' ').filter((flag) => flag !== '')
}

async function startMosquitto(home: string): Promise<Broker> {
  const port = await freePort()
  const file = join(home, 'mosquitto.conf')
  const lines = [
    `listener ${port} 127.0.0.1`,
    'allow_anonymous true',
    'persistence false',
    'set_tcp_nodelay true',
    'log_type none',
  ]
  writeFileSync(file, `${lines.join('\n')}\n`)
  const child = spawn(mosquitto, ['-c', file], { stdio: 'ignore' })
  while (!(await answers(port))) {
    if (child.exitCode !== null) throw new Error(`Mosquitto ended with ${child.exitCode}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  return { name: 'Mosquitto', port, process: child }
}

async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as net.AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1')
    socket.on('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.on('error', () => resolve(false))
  })
}

export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}
