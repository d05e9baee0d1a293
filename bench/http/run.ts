// The HTTP benchmark: latest, exports, a dashboard of PromQL and live streams, beside VictoriaMetrics and InfluxDB on the same data
// in the same run. Prints a table of markdown. `npm run build && npx tsx bench/http/run.ts [--topics N] [--readings N] [--seconds N]
// [--export-readings N] [--only latest,export,dashboard,stream]`

import { mkdtempSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { account, type Server, startAmber, startServer } from '../store/amber.ts'
import { createClimate, endOf, topicName } from '../store/climate.ts'
import { createClient } from '../store/http.ts'
import { startInflux } from '../store/peers/influx.ts'
import { installed } from '../store/peers/packages.ts'
import { startVictoria } from '../store/peers/victoria.ts'
import { inMs, type Row, tableOf } from '../store/report.ts'
import { compareDashboards } from './dashboard.ts'
import { measureExport } from './export.ts'
import { hammer } from './hammer.ts'
import { measureStreams } from './streams.ts'

const { values } = parseArgs({
  options: {
    topics: { type: 'string', default: '1000' },
    readings: { type: 'string', default: '2700000' },
    seconds: { type: 'string', default: '10' },
    'export-readings': { type: 'string', default: '10000000' },
    only: { type: 'string', default: 'latest,export,dashboard,stream' },
  },
})
const seconds = Number(values.seconds)
const wanted = new Set(values.only.split(','))
const size = { topics: Number(values.topics), readings: Number(values.readings), slower: 6 }
const authorization = `Basic ${btoa(`${account.username}:${account.password}`)}`
const home = mkdtempSync(join(tmpdir(), 'amber-bench-http-'))
const rows: Row[] = []
const victoriaName = 'VictoriaMetrics'

function add(
  what: string,
  goal: string,
  amber: string,
  isMet: boolean,
  peers: Record<string, string> = {},
  ratio = '–',
): void {
  rows.push({ what, goal, amber, peers, ratio, isMet })
  console.log(`${what}: ${amber} ${JSON.stringify(peers)} ${ratio}`)
}

/** What one core does here, so that figures of other machines and hours can be held against these. */
function yardstick(): number {
  const before = process.cpuUsage()
  let x = 0
  for (let i = 0; i < 2e8; i++) x = (x * 31 + i) | 0
  const { user } = process.cpuUsage(before)
  return x === 1 ? 0 : 200 / (user / 1e6)
}

async function asking(): Promise<void> {
  const amber = startAmber(home, size)
  await amber.load()
  const server = await startServer(amber.home, ['--limits.query_samples=50000000'])
  const climate = createClimate(size)
  const program = installed('victoria-metrics', '/usr/bin/victoria-metrics')
  const influxProgram = installed('influxdb', '/usr/bin/influxd')
  const victoria = program === null ? null : await startVictoria(program, home, climate)
  const influx = influxProgram === null ? null : await startInflux(influxProgram, home, climate)
  try {
    for (const peer of [victoria, influx]) await peer?.load()
    for (const peer of [victoria, influx]) await peer?.settle()
    if (wanted.has('latest')) await latest(server, victoria, influx)
    if (wanted.has('dashboard') && victoria) await dashboard(server, victoria.port)
  } finally {
    await Promise.all([server.stop(), victoria?.stop(), influx?.stop()])
  }
}

type Peer = { port: number; pid: number } | null

async function latest(server: Server, victoria: Peer, influx: Peer): Promise<void> {
  const topic = topicName(7)
  const pid = server.process.pid ?? 0
  const path = `/api/v1/latest?topic=${topic}`
  await hammer({ port: server.httpPort, path, authorization, pid }, 8, 2)
  const ours = await hammer({ port: server.httpPort, path, authorization, pid }, 8, seconds)
  const peers: Record<string, string> = {}
  if (victoria) {
    const query = `last_over_time(m_temperature{topic="${topic}"}[2d])`
    const search = new URLSearchParams({
      query,
      nocache: '1',
      time: String(endOf(createClimate(size)) / 1000),
    })
    const theirs = await hammer({ ...victoria, path: `/api/v1/query?${search.toString()}` }, 8, seconds)
    peers[victoriaName] = theirs.perSecond.toFixed(0)
  }
  if (influx) {
    const search = new URLSearchParams({
      db: 'd',
      q: `SELECT last(temperature) FROM m WHERE topic='${topic}'`,
    })
    const theirs = await hammer({ ...influx, path: `/query?${search.toString()}` }, 8, seconds)
    peers['InfluxDB 1.6'] = theirs.perSecond.toFixed(0)
  }
  const ratio = ours.perSecond / Number(peers[victoriaName] ?? Number.NaN)
  add(
    'latest of one topic, requests a second of one core',
    '≥ 8,000',
    `${ours.perCoreSecond.toFixed(0)} (${ours.perSecond.toFixed(0)} on the wall clock, p99 ${inMs(ours.p99Ms)})`,
    ours.perCoreSecond >= 8000,
    peers,
    Number.isNaN(ratio) ? '–' : `${ratio.toFixed(2)} ×`,
  )
}

async function dashboard({ client }: Server, port: number): Promise<void> {
  const victoria = createClient(port)
  const panels = await compareDashboards(client, victoria, 3)
  victoria.close()
  for (const { query, amberMs, victoriaMs } of panels)
    console.log(`  ${query}: ${inMs(amberMs)}, ${victoriaName} ${inMs(victoriaMs)}`)
  const [ours, theirs] = [
    panels.reduce((sum, { amberMs }) => sum + amberMs, 0),
    panels.reduce((sum, { victoriaMs }) => sum + victoriaMs, 0),
  ]
  add(
    `PromQL of ${panels.length} panels over 24 h and ${size.topics} series`,
    `≤ 1.5 × ${victoriaName}`,
    inMs(ours),
    ours <= 1.5 * theirs,
    { [victoriaName]: inMs(theirs) },
    `${(ours / theirs).toFixed(2)} ×`,
  )
}

async function exporting(): Promise<void> {
  const readings = Number(values['export-readings'])
  const found = await measureExport(home, { topics: size.topics, readings })
  const cpu = `${(found.perMainSecond / 1e6).toFixed(2)} M (${(found.perSecond / 1e6).toFixed(2)} M on the wall clock)`
  add('NDJSON export, readings a second of the main thread', '≥ 1 M', cpu, found.perMainSecond >= 1e6)
  add(
    'NDJSON export, MB a second',
    '≥ 100',
    found.megabytesPerSecond.toFixed(0),
    found.megabytesPerSecond >= 100,
  )
  add(
    `RSS while ${readings} readings are exported`,
    '≤ 300 MB',
    `${found.rssMb.toFixed(0)} MB`,
    found.rssMb <= 300,
  )
}

async function streaming(): Promise<void> {
  const found = await measureStreams(home, {
    readers: 1000,
    eventsPerSecond: 1000,
    ingestPerSecond: 10_000,
    seconds,
  })
  add(
    'acknowledgement p99 with 1,000 readers of streams, 1,000 events/s, 10,000 msg/s in',
    '≤ 25 ms',
    `${inMs(found.ackP99Ms)} (p50 ${inMs(found.ackP50Ms)}; without readers p99 ${inMs(found.aloneP99Ms)}; ${found.ingested.toFixed(0)} msg/s in, ${found.events.toFixed(0)} events/s out, ${found.missed} missed)`,
    found.ackP99Ms <= 25 && found.missed === 0,
  )
}

try {
  console.log(
    `${availableParallelism()} cores, Node ${process.version}, yardstick ${yardstick().toFixed(0)} M/s`,
  )
  if (wanted.has('latest') || wanted.has('dashboard')) await asking()
  if (wanted.has('export')) await exporting()
  if (wanted.has('stream')) await streaming()
  console.log(
    `yardstick at the end ${yardstick().toFixed(0)} M/s\n\n${tableOf(rows, [victoriaName, 'InfluxDB 1.6'])}`,
  )
} finally {
  rmSync(home, { recursive: true, force: true })
}
