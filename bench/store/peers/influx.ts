// InfluxDB 1.6: line protocol in, InfluxQL out.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Climate, topicName } from '../climate.ts'
import { createClient, freePort } from '../http.ts'
import { cpuUsOf, settledBytes } from '../process.ts'
import { type Answer, meanKey, type Question, type System } from '../question.ts'
import { encodeLines, sendAll } from './lines.ts'

/** `port`: for questions of other benchmarks. */
export type Influx = System & { port: number; pid: number }

export async function startInflux(program: string, home: string, climate: Climate): Promise<Influx> {
  const [port, rpcPort] = [await freePort(), await freePort()]
  const path = join(home, `influx-${climate.topics}`)
  mkdirSync(path)
  writeFileSync(join(path, 'influx.conf'), configuration(path, port, rpcPort))
  const child = spawn(program, ['-config', join(path, 'influx.conf')], { stdio: 'ignore' })
  const pid = child.pid ?? 0
  const client = createClient(port)
  await client.ready('/ping')
  await client.post('/query', 'q=CREATE+DATABASE+d', 'application/x-www-form-urlencoded')
  return {
    name: 'InfluxDB 1.6',
    port,
    pid,
    async load() {
      const bodies = encodeLines(climate, 'ms')
      const [started, cpu] = [performance.now(), cpuUsOf(pid)]
      await sendAll(bodies, (body) => client.post('/write?db=d&precision=ms', body))
      return { wallMs: performance.now() - started, cpuUs: cpuUsOf(pid) - cpu }
    },
    settle: () => settledBytes(path),
    async ask(question) {
      const parameters = new URLSearchParams({ db: 'd', epoch: 'ms', q: statementOf(question) })
      const { elapsedMs, body } = await client.get(`/query?${parameters.toString()}`)
      return { elapsedMs, answer: () => read(question, String(body)) }
    },
    async stop() {
      client.close()
      child.kill('SIGTERM')
      if (child.exitCode === null) await once(child, 'exit')
    },
  }
}

const configuration = (path: string, port: number, rpcPort: number): string => `
reporting-disabled = true
bind-address = "127.0.0.1:${rpcPort}"
[meta]
  dir = "${path}/meta"
[data]
  dir = "${path}/data"
  wal-dir = "${path}/wal"
  query-log-enabled = false
  max-series-per-database = 0
  max-values-per-tag = 0
  cache-snapshot-write-cold-duration = "2s"
  compact-full-write-cold-duration = "3s"
[http]
  bind-address = "127.0.0.1:${port}"
  log-enabled = false
[monitor]
  store-enabled = false
`

function statementOf(question: Question): string {
  const within = (device: number | null, from: number, to: number): string =>
    `${device === null ? '' : `topic='${topicName(device)}' AND `}time >= ${from}ms AND time < ${to}ms`
  switch (question.kind) {
    case 'range':
      return `SELECT temperature, humidity FROM m WHERE ${within(question.device, question.from, question.to)}`
    case 'mean': {
      const { device, from, to, everyMs } = question
      const bucket = `time(${everyMs}ms, ${from % everyMs}ms)`
      return `SELECT mean(temperature) FROM m WHERE ${within(device, from, to)} GROUP BY topic, ${bucket} fill(none)`
    }
    case 'latest':
      return 'SELECT last(temperature), humidity FROM m GROUP BY topic'
  }
}

function read(question: Question, text: string): Answer {
  const { results } = JSON.parse(text) as {
    results: {
      series?: { tags?: { topic: string }; values: [number, number, number?][] }[]
      error?: string
    }[]
  }
  const answer: Answer = new Map()
  for (const { tags, values } of results[0]?.series ?? []) {
    for (const [time, number] of values) {
      if (question.kind === 'range') answer.set(String(time), number)
      else if (question.kind === 'latest') answer.set(tags?.topic ?? '', number)
      else answer.set(meanKey(tags?.topic ?? '', time), number)
    }
  }
  return answer
}
