// Amber: the store filled through its seam in a process of its own, and asked over HTTP through the built server.

import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type ClimateSize, topicName } from './climate.ts'
import { type Client, createClient } from './http.ts'
import { settledBytes } from './process.ts'
import { type Answer, meanKey, type Question, type System } from './question.ts'
import type { LoadFigures, Stage } from './stages.ts'

const main = join(import.meta.dirname, '../../dist/main.js')
const stages = join(import.meta.dirname, 'stages.ts')
export const account = { username: 'bench', password: 'bench-password' }

/** Runs one stage in a process of its own; `null` when it ended by SIGKILL. */
export async function runStage<T>(stage: Stage): Promise<T | null> {
  const run = promisify(execFile)
  try {
    const flags = ['--max-old-space-size=8192', '--import', 'tsx', stages, JSON.stringify(stage)]
    return JSON.parse((await run(process.execPath, flags)).stdout) as T
  } catch (error) {
    if ((error as { signal?: unknown }).signal === 'SIGKILL') return null
    throw error
  }
}

export interface Server {
  process: ChildProcess
  mqttPort: number
  httpPort: number
  client: Client
  stop(): Promise<void>
}

/** Starts the built server on the data in `home`. */
export async function startServer(
  home: string,
  flags: readonly string[] = [],
  environment: Record<string, string> = {},
): Promise<Server> {
  writeFileSync(join(home, 'passwd'), `${account.username}:${account.password}\n`)
  const loopback = ['--mqtt.port=0', '--http.port=0', '--mqtt.host=127.0.0.1', '--http.host=127.0.0.1']
  const child = spawn(process.execPath, [main, 'serve', ...loopback, '--log.level=error', ...flags], {
    cwd: home,
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  await new Promise<void>((resolve, reject) => {
    child.stdout.on('data', (chunk: Buffer) => {
      output += String(chunk)
      if (/Next {3}/.test(output)) resolve()
    })
    child.on('exit', (code) => reject(new Error(`the server ended with ${code}:\n${output}`)))
  })
  const portOf = (scheme: string): number =>
    Number(new RegExp(`${scheme}://127\\.0\\.0\\.1:(\\d+)`).exec(output)?.[1])
  const authorization = `Basic ${Buffer.from(`${account.username}:${account.password}`).toString('base64')}`
  const client = createClient(portOf('http'), { authorization })
  return {
    process: child,
    mqttPort: portOf('mqtt'),
    httpPort: portOf('http'),
    client,
    async stop() {
      client.close()
      child.kill('SIGTERM')
      if (child.exitCode === null) await once(child, 'exit')
    },
  }
}

/** Amber as one of the systems compared. */
export interface AmberSystem extends System {
  home: string
  storePath: string
  /** Of the load. */
  figures(): LoadFigures
}

export function startAmber(parent: string, size: ClimateSize): AmberSystem {
  const home = join(parent, `amber-${size.topics}`)
  const storePath = join(home, 'data', 'readings')
  mkdirSync(join(home, 'data'), { recursive: true })
  let loaded: LoadFigures | null = null
  let server: Server | null = null
  return {
    name: 'Amber',
    home,
    storePath,
    figures() {
      if (!loaded) throw new Error('nothing is loaded')
      return loaded
    },
    async load() {
      const store = { path: storePath, memory: 'normal', durability: 'fsync' } as const
      loaded = await runStage<LoadFigures>({ stage: 'load', store, size })
      if (!loaded) throw new Error('the load was killed')
      return loaded
    },
    settle: () => settledBytes(storePath),
    async ask(question) {
      server ??= await startServer(home, ['--limits.query_rows=100000000', '--limits.page_rows=1000000'])
      const { elapsedMs, body } = await server.client.get(pathOf(question))
      return { elapsedMs, answer: () => read(question, String(body)) }
    },
    async stop() {
      await server?.stop()
      server = null
    },
  }
}

function pathOf(question: Question): string {
  const query = (path: string, parameters: Record<string, string | number>): string =>
    `${path}?${new URLSearchParams({ time: 'ms', ...mapped(parameters) }).toString()}`
  switch (question.kind) {
    case 'range': {
      const { device, from, to } = question
      return query('/api/v1/readings', { topic: topicName(device), from, to, order: 'asc', limit: 1_000_000 })
    }
    case 'mean': {
      const { device, from, to, everyMs } = question
      const topic = device === null ? '#' : topicName(device)
      const every = `${everyMs / 1000}s`
      const shape = { fn: 'mean', shape: 'columns' }
      return query('/api/v1/aggregate', { topic, field: 'temperature', from, to, every, ...shape })
    }
    case 'latest':
      return query('/api/v1/latest', { limit: 1_000_000 })
  }
}

const mapped = (parameters: Record<string, string | number>): Record<string, string> =>
  Object.fromEntries(Object.entries(parameters).map(([name, value]) => [name, String(value)]))

interface Row {
  topic: string
  time: number
  fields: { temperature: number }
}

function read(question: Question, text: string): Answer {
  const { data, page } = JSON.parse(text) as { data: unknown[]; page: { has_more: boolean } }
  if (page.has_more) throw new Error('an answer was cut')
  const answer: Answer = new Map()
  if (question.kind === 'mean') {
    for (const { topic, time, mean } of data as { topic: string; time: number[]; mean: number[] }[])
      for (const [i, start] of time.entries()) answer.set(meanKey(topic, start), mean[i]!)
    return answer
  }
  for (const { topic, time, fields } of data as Row[])
    answer.set(question.kind === 'latest' ? topic : String(time), fields.temperature)
  return answer
}
