// Asks a real Prometheus for the answers that the comparison expects: `npx tsx test/query/promql/peer.ts DIRECTORY`, where
// `prometheus` and `promtool` of version 2 are. Writes answers.ndjson.

import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { expressions } from './expressions.ts'
import { makeSamples, steps } from './samples.ts'

const [directory = '/usr/bin'] = process.argv.slice(2)
const home = mkdtempSync(join(tmpdir(), 'peer-'))
const port = 19_390

const metricOf = (field: string): string => field.replaceAll('.', '_')
const lines: string[] = []
const samples = makeSamples()
for (const name of new Set(samples.map(({ field }) => field))) {
  lines.push(`# TYPE ${metricOf(name)} gauge`)
  for (const { topic, field, timeMs, value } of samples.filter((one) => one.field === name)) {
    lines.push(`${metricOf(field)}{topic="${topic}",field="${field}"} ${value} ${(timeMs / 1000).toFixed(3)}`)
  }
}
writeFileSync(join(home, 'samples.txt'), `${lines.join('\n')}\n# EOF\n`)
writeFileSync(join(home, 'prometheus.yml'), 'global: {}\n')
execFileSync(join(directory, 'promtool'), [
  'tsdb',
  'create-blocks-from',
  'openmetrics',
  join(home, 'samples.txt'),
  join(home, 'data'),
])
const server = spawn(
  join(directory, 'prometheus'),
  [
    `--config.file=${home}/prometheus.yml`,
    `--storage.tsdb.path=${home}/data`,
    '--storage.tsdb.retention.time=100y',
    `--web.listen-address=127.0.0.1:${port}`,
    '--enable-feature=promql-at-modifier,promql-negative-offset',
  ],
  { stdio: 'ignore' },
)
const base = `http://127.0.0.1:${port}/api/v1`
for (let ready = false; !ready; ) {
  await delay(200)
  ready = await fetch(`http://127.0.0.1:${port}/-/ready`).then(
    ({ ok }) => ok,
    () => false,
  )
}
const ask = async (path: string, parameters: Record<string, string>): Promise<unknown> => {
  const answer = (await (
    await fetch(`${base}${path}?${new URLSearchParams(parameters).toString()}`)
  ).json()) as Record<string, unknown>
  return answer['status'] === 'success' ? answer['data'] : { error: answer['errorType'] }
}
const answers: Record<string, unknown> = {}
for (const query of expressions) {
  const { start, end, step } = steps
  answers[query] = {
    range: await ask('/query_range', { query, start: String(start), end: String(end), step: String(step) }),
    instant: await ask('/query', { query, time: String(end - 1234) }),
  }
}
writeFileSync(
  join(import.meta.dirname, 'answers.ndjson'),
  Object.entries(answers)
    .map((entry) => `${JSON.stringify(entry)}\n`)
    .join(''),
)
server.kill()
rmSync(home, { recursive: true, force: true })
console.log(
  `${expressions.length} expressions, ${Object.values(answers).filter((one) => JSON.stringify(one).includes('"error"')).length} of them refused`,
)
