// A real Prometheus with the samples of the comparison, asked every expression. Run by itself it records the answers for machines
// that have none: `npx tsx test/query/promql/peer.ts [DIRECTORY]`, where `prometheus` and `promtool` of version 2 are.

import { execFile, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { expressions } from './expressions.ts'
import { makeSamples, steps } from './samples.ts'

export interface PeerSeries {
  metric: Record<string, string>
  values?: [number, string][]
  value?: [number, string]
}
export type PeerAnswer = { error: string } | { resultType: string; result: PeerSeries[] | [number, string] }
export type PeerAnswers = Record<string, { range: PeerAnswer; instant: PeerAnswer }>

export const hasPrometheus = (directory = '/usr/bin'): boolean =>
  ['prometheus', 'promtool'].every((program) => existsSync(join(directory, program)))

function openMetrics(): string {
  const metricOf = (field: string): string => field.replaceAll('.', '_')
  const lines: string[] = []
  const samples = makeSamples()
  for (const name of new Set(samples.map(({ field }) => field))) {
    lines.push(`# TYPE ${metricOf(name)} gauge`)
    for (const { topic, field, timeMs, value } of samples.filter((one) => one.field === name)) {
      lines.push(
        `${metricOf(field)}{topic="${topic}",field="${field}"} ${value} ${(timeMs / 1000).toFixed(3)}`,
      )
    }
  }
  return `${lines.join('\n')}\n# EOF\n`
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}

/** Starts it, asks everything, stops it. */
export async function askPrometheus(directory = '/usr/bin'): Promise<PeerAnswers> {
  const home = mkdtempSync(join(tmpdir(), 'amber-peer-'))
  const port = await freePort()
  writeFileSync(join(home, 'samples.txt'), openMetrics())
  writeFileSync(join(home, 'prometheus.yml'), 'global: {}\n')
  const [samples, data] = [join(home, 'samples.txt'), join(home, 'data')]
  await promisify(execFile)(join(directory, 'promtool'), [
    'tsdb',
    'create-blocks-from',
    'openmetrics',
    samples,
    data,
  ])
  const server = spawn(
    join(directory, 'prometheus'),
    [
      `--config.file=${home}/prometheus.yml`,
      `--storage.tsdb.path=${data}`,
      '--storage.tsdb.retention.time=100y',
      `--web.listen-address=127.0.0.1:${port}`,
      '--enable-feature=promql-at-modifier,promql-negative-offset',
    ],
    { stdio: 'ignore' },
  )
  try {
    return await askAll(`http://127.0.0.1:${port}`)
  } finally {
    const ended = once(server, 'exit')
    server.kill()
    await ended
    rmSync(home, { recursive: true, force: true })
  }
}

async function askAll(base: string): Promise<PeerAnswers> {
  for (let ready = false; !ready; ) {
    await delay(100)
    ready = await fetch(`${base}/-/ready`).then(
      ({ ok }) => ok,
      () => false,
    )
  }
  const ask = async (path: string, parameters: Record<string, string>): Promise<PeerAnswer> => {
    const response = await fetch(`${base}/api/v1${path}?${new URLSearchParams(parameters).toString()}`)
    const answer = (await response.json()) as { status: string; errorType: string; data: PeerAnswer }
    return answer.status === 'success' ? answer.data : { error: answer.errorType }
  }
  const answers: PeerAnswers = {}
  for (const query of new Set(expressions)) {
    const { start, end, step } = steps
    answers[query] = {
      range: await ask('/query_range', { query, start: String(start), end: String(end), step: String(step) }),
      instant: await ask('/query', { query, time: String(end - 1234) }),
    }
  }
  return answers
}

if (process.argv[1] === import.meta.filename) {
  const answers = Object.entries(await askPrometheus(process.argv[2]))
  const lines = answers.map((entry) => `${JSON.stringify(entry)}\n`)
  writeFileSync(join(import.meta.dirname, 'answers.ndjson'), lines.join(''))
  const refused = lines.filter((line) => line.includes('"error"')).length
  console.log(`${answers.length} expressions, ${refused} of them refused`)
}
