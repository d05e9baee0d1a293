// VictoriaMetrics, single node: line protocol in, MetricsQL out. Its windows are open at the start and closed at the end, so
// a bucket is asked for at its last millisecond.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { type Climate, topicName } from '../climate.ts'
import { createClient, freePort } from '../http.ts'
import { cpuUsOf, settledBytes } from '../process.ts'
import { type Answer, meanKey, type Question, type System } from '../question.ts'
import { encodeLines, sendAll } from './lines.ts'

interface Result {
  metric: { topic: string; __name__?: string }
  values?: [number, string][]
  value?: [number, string]
}

/** `port`: for questions of other benchmarks. */
export type Victoria = System & { port: number; pid: number }

export async function startVictoria(program: string, home: string, climate: Climate): Promise<Victoria> {
  const port = await freePort()
  const path = join(home, `victoria-${climate.topics}`)
  const flags = [
    `-httpListenAddr=127.0.0.1:${port}`,
    `-storageDataPath=${path}`,
    '-retentionPeriod=100y',
    '-search.latencyOffset=0s',
    '-search.maxPointsPerTimeseries=1000000',
    '-search.maxUniqueTimeseries=1000000',
    '-loggerLevel=ERROR',
  ]
  const child = spawn(program, flags, { stdio: 'ignore' })
  const pid = child.pid ?? 0
  const client = createClient(port)
  await client.ready('/health')
  return {
    name: 'VictoriaMetrics',
    port,
    pid,
    async load() {
      const bodies = encodeLines(climate, 'ns')
      const [started, cpu] = [performance.now(), cpuUsOf(pid)]
      await sendAll(bodies, (body) => client.post('/write', body))
      await client.get('/internal/force_flush')
      return { wallMs: performance.now() - started, cpuUs: cpuUsOf(pid) - cpu }
    },
    async settle() {
      await client.get('/internal/force_flush')
      await client.get('/internal/force_merge')
      return settledBytes(path)
    },
    async ask(question) {
      const { elapsedMs, body } = await client.get(pathOf(question))
      return { elapsedMs, answer: () => read(question, String(body)) }
    },
    async stop() {
      client.close()
      child.kill('SIGTERM')
      if (child.exitCode === null) await once(child, 'exit')
    },
  }
}

function pathOf(question: Question): string {
  const label = (device: number | null): string => (device === null ? '' : `{topic="${topicName(device)}"}`)
  const query = (path: string, parameters: Record<string, string>): string =>
    `${path}?${new URLSearchParams({ nocache: '1', ...parameters }).toString()}`
  const seconds = (ms: number): string => (ms / 1000).toFixed(3)
  switch (question.kind) {
    case 'range': {
      const match = `{__name__=~"m_temperature|m_humidity",topic="${topicName(question.device)}"}`
      const [start, end] = [seconds(question.from), seconds(question.to - 1)]
      return query('/api/v1/export', { 'match[]': match, start, end })
    }
    case 'mean': {
      const { device, from, to, everyMs } = question
      return query('/api/v1/query_range', {
        query: `avg_over_time(m_temperature${label(device)}[${everyMs / 1000}s])`,
        start: seconds(from + everyMs - 1),
        end: seconds(Math.ceil((to - from) / everyMs) * everyMs + from - 1),
        step: `${everyMs / 1000}s`,
      })
    }
    case 'latest':
      return query('/api/v1/query', {
        query: 'last_over_time({__name__=~"m_temperature|m_humidity"}[30d])',
        time: seconds(question.to - 1),
      })
  }
}

function read(question: Question, text: string): Answer {
  const answer: Answer = new Map()
  if (question.kind === 'range') {
    for (const line of text.split('\n').filter((each) => each !== '')) {
      const { metric, values, timestamps } = JSON.parse(line) as {
        metric: { __name__: string }
        values: number[]
        timestamps: number[]
      }
      if (metric.__name__ !== 'm_temperature') continue
      for (const [i, time] of timestamps.entries()) answer.set(String(time), values[i]!)
    }
    return answer
  }
  const { data } = JSON.parse(text) as { data: { result: Result[] } }
  for (const { metric, values = [], value } of data.result) {
    if (question.kind === 'latest') {
      if (metric.__name__ !== 'm_humidity') answer.set(metric.topic, Number(value?.[1]))
      continue
    }
    for (const [time, number] of values)
      answer.set(meanKey(metric.topic, Math.round(time * 1000) + 1 - question.everyMs), Number(number))
  }
  return answer
}
