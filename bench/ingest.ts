// QoS 1 end to end: Amber, durable capture of every message, against bare Mosquitto without persistence, alternating on
// the same machine. Prints ratios, CPU a message and the acknowledgement latency; `npm run build` comes first.

import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { LoadOptions, LoadResult } from './load.ts'

const account = { username: 'bench', password: 'bench-password' }
const mosquitto = '/usr/sbin/mosquitto'
const main = join(import.meta.dirname, '../dist/main.js')
const rounds = 3
const shapes = [
  { name: '1 client × window 1,000', clients: 1, window: 1000 },
  { name: '50 clients × window 20', clients: 50, window: 20 },
]
const pace = 5000
const cpuTicksPerSecond = 100

interface Broker {
  name: string
  port: number
  process: ChildProcess
}

interface Sample extends LoadResult {
  /** Microseconds of CPU a message: all threads, and the main thread alone. */
  cpuUs: number
  mainCpuUs: number
}

const home = mkdtempSync(join(tmpdir(), 'amber-bench-'))
const brokers: Broker[] = []
try {
  if (!existsSync(mosquitto)) throw new Error(`${mosquitto} is missing: apt-get install mosquitto`)
  if (!existsSync(main)) throw new Error(`${main} is missing: npm run build`)
  brokers.push(await startAmber())
  brokers.push(await startMosquitto())
  console.log(`${availableParallelism()} cores, Node ${process.version}, data in ${home}`)
  for (const { name, clients, window } of shapes) {
    const options = { clients, window, pace: 0, warmUpMs: 700, measureMs: 2500 }
    report(name, await alternate(options))
  }
  const paced = { clients: 50, window: 1000, pace, warmUpMs: 500, measureMs: 4000 }
  for (const broker of brokers) {
    const { p50Ms, p99Ms, cpuUs, messagesPerSecond } = await measure(broker, paced)
    console.log(
      `${broker.name} at ${messagesPerSecond.toFixed(0)} msg/s: acknowledged after p50 ${p50Ms.toFixed(2)} ms, p99 ${p99Ms.toFixed(2)} ms; CPU ${cpuUs.toFixed(1)} µs a message`,
    )
  }
} finally {
  for (const broker of brokers) broker.process.kill('SIGTERM')
  await Promise.all(
    brokers.map(async ({ process: child }) => {
      if (child.exitCode === null) await once(child, 'exit')
    }),
  )
  rmSync(home, { recursive: true, force: true })
}

type Options = Omit<LoadOptions, 'port' | 'username' | 'password'>

/** Samples of each broker in turn, so that a busy neighbour meets both. */
async function alternate(options: Options): Promise<Sample[][]> {
  const samples: Sample[][] = brokers.map(() => [])
  for (let round = 0; round < rounds; round++)
    for (const [i, broker] of brokers.entries()) samples[i]?.push(await measure(broker, options))
  return samples
}

function report(name: string, [ours = [], theirs = []]: Sample[][]): void {
  const ratios = ours.map((sample, i) => sample.messagesPerSecond / (theirs[i]?.messagesPerSecond ?? 0))
  const side = (samples: Sample[]): string =>
    `${median(samples.map((s) => s.messagesPerSecond)).toFixed(0)} msg/s, CPU ${median(samples.map((s) => s.cpuUs)).toFixed(1)} µs a message (main thread ${median(samples.map((s) => s.mainCpuUs)).toFixed(1)})`
  console.log(
    `${name}: ${median(ratios).toFixed(2)} × Mosquitto (rounds ${ratios.map((r) => r.toFixed(2)).join(', ')})`,
  )
  console.log(`  Amber      ${side(ours)}`)
  console.log(`  Mosquitto  ${side(theirs)}`)
}

async function measure(broker: Broker, options: Options): Promise<Sample> {
  const { pid } = broker.process
  const before = [cpuUsOf(`/proc/${pid}/stat`), cpuUsOf(`/proc/${pid}/task/${pid}/stat`)] as const
  const load = join(import.meta.dirname, 'load.ts')
  const argument = JSON.stringify({ ...options, ...account, port: broker.port })
  const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', load, argument])
  const result = JSON.parse(stdout) as LoadResult
  const perMessage = (file: string, from: number): number => (cpuUsOf(file) - from) / result.acknowledged
  return {
    ...result,
    cpuUs: perMessage(`/proc/${pid}/stat`, before[0]),
    mainCpuUs: perMessage(`/proc/${pid}/task/${pid}/stat`, before[1]),
  }
}

/** User and system time of a process or a thread, see proc(5). */
function cpuUsOf(file: string): number {
  const fields = readFileSync(file, 'utf8').split(') ')[1]?.split(' ') ?? []
  return ((Number(fields[11]) + Number(fields[12])) / cpuTicksPerSecond) * 1e6
}

async function startAmber(): Promise<Broker> {
  writeFileSync(join(home, 'passwd'), `${account.username}:${account.password}\n`)
  const flags = ['--mqtt.port=0', '--http.port=0', '--mqtt.host=127.0.0.1', '--http.host=127.0.0.1']
  const child = spawn(process.execPath, [...nodeFlags(), main, 'serve', ...flags], {
    cwd: home,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  const port = await new Promise<number>((resolve, reject) => {
    child.stdout.on('data', (chunk: Buffer) => {
      output += String(chunk)
      const found = /mqtt:\/\/127\.0\.0\.1:(\d+)/.exec(output)?.[1]
      if (found !== undefined) resolve(Number(found))
    })
    child.on('exit', (code) => reject(new Error(`Amber ended with ${code}:\n${output}`)))
  })
  return { name: 'Amber', port, process: child }
}

/** For a profile: `BENCH_NODE_FLAGS='--cpu-prof --cpu-prof-dir=/tmp/profile'`. */
function nodeFlags(): string[] {
  return (process.env.BENCH_NODE_FLAGS ?? '').split(' ').filter((flag) => flag !== '')
}

async function startMosquitto(): Promise<Broker> {
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

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}
