// The store benchmark: Amber beside VictoriaMetrics, InfluxDB and SQLite on the same data in the same run. Prints a table of
// markdown, and ends with 1 when two systems answer differently. `npm run build && npx tsx bench/store/run.ts [--readings N]
// [--topics N] [--many-topics N] [--seconds N] [--peers victoria,influx,sqlite]`

import { mkdtempSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type AmberSystem, startAmber } from './amber.ts'
import { climateStart, createClimate, endOf } from './climate.ts'
import { compare } from './compare.ts'
import { measureSmall } from './memory.ts'
import { installed, unpack } from './peers/packages.ts'
import { startInflux } from './peers/influx.ts'
import { startSqlite } from './peers/sqlite.ts'
import { startVictoria } from './peers/victoria.ts'
import type { Question, System } from './question.ts'
import { inMs, type Row, tableOf } from './report.ts'
import { runStage } from './amber.ts'
import type { OpenFigures, PaceFigures } from './stages.ts'
import type { Climate, ClimateSize } from './climate.ts'

const { values } = parseArgs({
  options: {
    readings: { type: 'string', default: '10000000' },
    topics: { type: 'string', default: '1000' },
    'many-topics': { type: 'string', default: '100000' },
    seconds: { type: 'string', default: '20' },
    peers: { type: 'string', default: 'victoria,influx,sqlite' },
  },
})
const [readings, topics, seconds] = [Number(values.readings), Number(values.topics), Number(values.seconds)]
/** Fewer when the whole run is small. */
const manyTopics = Math.min(Number(values['many-topics']), Math.max(100, Math.floor(readings / 50)))
const hour = 3_600_000
const victoria = 'VictoriaMetrics'

type Starter = (home: string, climate: Climate) => Promise<System>

const home = mkdtempSync(join(tmpdir(), 'amber-bench-store-'))
const rows: Row[] = []
const differences: string[] = []
const peers = findPeers()
try {
  console.log(
    `${availableParallelism()} cores, Node ${process.version}, ${readings} readings, data in ${home}`,
  )
  await few()
  await many()
  await pacing()
  console.log(`\n${tableOf(rows, [victoria, 'InfluxDB 1.6', 'SQLite'])}`)
  for (const difference of differences) console.error(`DIFFERENT ANSWERS: ${difference}`)
  if (differences.length > 0) process.exitCode = 1
} finally {
  rmSync(home, { recursive: true, force: true })
}

function findPeers(): Starter[] {
  const wanted = new Set(values.peers.split(','))
  const starters: Starter[] = []
  const add = (name: string, program: () => string | null, start: (program: string) => Starter): void => {
    const found = wanted.has(name) ? program() : null
    if (found !== null) starters.push(start(found))
  }
  const deb = (name: string, program: string) => () => unpack(home, name, program)
  add(
    'victoria',
    deb('victoria-metrics', 'usr/bin/victoria-metrics'),
    (program) =>
      (...given) =>
        startVictoria(program, ...given),
  )
  add(
    'influx',
    deb('influxdb', 'usr/bin/influxd'),
    (program) =>
      (...given) =>
        startInflux(program, ...given),
  )
  add(
    'sqlite',
    () => installed('sqlite3', '/usr/bin/sqlite3'),
    (program) =>
      (...given) =>
        startSqlite(program, ...given),
  )
  return starters
}

/** Loads a data set into every system; what asks follow, and all are stopped. */
async function withSystems(
  size: ClimateSize,
  use: (systems: System[], climate: Climate, amber: AmberSystem) => Promise<void>,
): Promise<void> {
  const climate = createClimate(size)
  const amber = startAmber(home, size)
  const systems: System[] = [amber]
  try {
    for (const start of peers) systems.push(await start(home, climate))
    await use(systems, climate, amber)
  } finally {
    for (const system of systems) await system.stop()
  }
}

/** 1,000 topics. */
async function few(): Promise<void> {
  await withSystems({ topics, readings }, async (systems, climate, amber) => {
    await loadAll(systems, climate, amber)
    const to = endOf(climate)
    const device = (n: number): number => (n * 37 + 5) % topics
    const mean =
      (everyMs: number, of: (n: number) => number | null, from: number) =>
      (n: number): Question => ({
        kind: 'mean',
        device: of(n),
        from: Math.floor(from / everyMs) * everyMs,
        to: Math.ceil(to / everyMs) * everyMs,
        everyMs,
      })
    const none = (): null => null
    await ask(systems, 'last hour of one topic, HTTP', 100, 1, (n) => ({
      kind: 'range',
      device: device(n),
      from: to - hour,
      to,
    }))
    await ask(
      systems,
      '24 h in 5-min means of one topic, HTTP',
      100,
      1,
      mean(300_000, device, Math.max(climateStart, to - 24 * hour)),
    )
    await ask(systems, `hourly means of ${topics} topics`, 5, 0.5, mean(hour, none, climateStart))
    await ask(systems, `7-min means of ${topics} topics`, 5, 1.5, mean(420_000, none, climateStart))
    await ask(systems, `latest of ${topics} topics`, 9, 0.1, () => ({ kind: 'latest', to, count: topics }))
    await amber.stop()
    await opening(amber)
  })
}

async function many(): Promise<void> {
  await withSystems({ topics: manyTopics, readings: manyTopics * 50 }, async (systems, climate) => {
    for (const system of systems) await system.load()
    for (const system of systems) await system.settle()
    const to = Math.ceil(endOf(climate) / hour) * hour
    await ask(systems, `hourly means of ${manyTopics} topics × 50`, 3, 1.5, () => ({
      kind: 'mean',
      device: null,
      from: climateStart,
      to,
      everyMs: hour,
    }))
  })
}

async function loadAll(systems: readonly System[], { count }: Climate, amber: AmberSystem): Promise<void> {
  const each: Record<string, { rate: number; cpuUs: number; bytes: number }> = {}
  for (const system of systems) {
    const { wallMs, cpuUs } = await system.load()
    const bytes = (await system.settle()) / count
    each[system.name] = { rate: count / (wallMs / 1000), cpuUs: cpuUs / count, bytes }
    console.log(
      `${system.name}: ${(count / wallMs).toFixed(0)}k readings/s, CPU ${(cpuUs / count).toFixed(2)} µs and ${bytes.toFixed(2)} bytes a reading`,
    )
  }
  const all = (
    say: (figures: { rate: number; cpuUs: number; bytes: number }) => string,
  ): Record<string, string> =>
    Object.fromEntries(Object.entries(each).map(([name, figures]) => [name, say(figures)]))
  const [ours, theirs] = [each.Amber!, each[victoria]]
  const mainUs = amber.figures().mainThreadUs / count
  const add = (
    what: string,
    goal: string,
    others: Record<string, string>,
    ratio: number,
    isMet: boolean,
  ): void => {
    const { Amber: own = '', ...peersOnly } = others
    rows.push({
      what,
      goal,
      amber: own,
      peers: peersOnly,
      ratio: Number.isNaN(ratio) ? '–' : `${ratio.toFixed(2)} ×`,
      isMet,
    })
  }
  const over = (a: number, b: number | undefined): number => a / (b ?? Number.NaN)
  add(
    'bytes a reading on disk',
    '≤ 3.2',
    all(({ bytes }) => bytes.toFixed(2)),
    over(ours.bytes, theirs?.bytes),
    ours.bytes <= 3.2,
  )
  const faster = over(ours.rate, theirs?.rate)
  add(
    'ingest, readings a second',
    '≥ 1 × VictoriaMetrics',
    all(({ rate }) => `${(rate / 1000).toFixed(0)}k`),
    faster,
    faster >= 1,
  )
  add(
    'CPU a reading, whole process',
    '≤ 2.5 µs',
    all(({ cpuUs }) => `${cpuUs.toFixed(2)} µs`),
    over(ours.cpuUs, theirs?.cpuUs),
    ours.cpuUs <= 2.5,
  )
  add(
    'main-thread CPU a reading in append',
    '≤ 0.8 µs',
    { Amber: `${mainUs.toFixed(2)} µs` },
    Number.NaN,
    mainUs <= 0.8,
  )
}

/** Asks everybody and adds the row; `most` times VictoriaMetrics is the goal. */
async function ask(
  systems: readonly System[],
  what: string,
  repetitions: number,
  most: number,
  questionOf: (n: number) => Question,
): Promise<void> {
  const found = await compare(systems, repetitions, questionOf)
  differences.push(...found.differences.map((difference) => `${what}: ${difference}`))
  const { Amber: ours = Number.NaN, ...others } = Object.fromEntries(found.medians)
  const ratio = ours / (others[victoria] ?? Number.NaN)
  rows.push({
    what,
    goal: `≤ ${most} × ${victoria}`,
    amber: inMs(ours),
    peers: Object.fromEntries(Object.entries(others).map(([name, ms]) => [name, inMs(ms)])),
    ratio: Number.isNaN(ratio) ? '–' : `${ratio.toFixed(2)} ×`,
    isMet: ratio <= most,
  })
  console.log(`${what}: ${[...found.medians].map(([name, ms]) => `${name} ${inMs(ms)}`).join(', ')}`)
}

function alone(what: string, goal: string, amber: string, isMet: boolean): void {
  console.log(`${what}: ${amber}`)
  rows.push({ what, goal, amber, peers: {}, ratio: '–', isMet })
}

async function opening({ storePath }: AmberSystem): Promise<void> {
  const store = { path: storePath, memory: 'normal', durability: 'fsync' } as const
  const hotReadings = Math.min(250_000, readings)
  await runStage({ stage: 'fill', store, size: { topics, readings }, hotReadings })
  const figures = await runStage<OpenFigures>({ stage: 'open', store })
  const openMs = figures?.openMs ?? Number.NaN
  alone(
    `open with ${figures?.readings} readings, ${hotReadings} of them in the log after kill -9`,
    '≤ 2 s',
    inMs(openMs),
    openMs <= 2000,
  )
}

async function pacing(): Promise<void> {
  const store = { path: join(home, 'paced'), memory: 'normal', durability: 'fsync' } as const
  const size = { topics, readings }
  const found = await runStage<PaceFigures>({
    stage: 'pace',
    store,
    size,
    readingsPerSecond: 20_000,
    seconds,
  })
  const {
    p50Ms = Number.NaN,
    p99Ms = Number.NaN,
    loopDelayP99Ms = Number.NaN,
    queries = 0,
    readingsPerSecond = 0,
  } = found ?? {}
  console.log(`paced: ${readingsPerSecond.toFixed(0)} readings/s with ${queries} queries, p50 ${inMs(p50Ms)}`)
  alone('commit latency p99 at 20,000 readings/s with queries', '≤ 20 ms', inMs(p99Ms), p99Ms <= 20)
  alone('loop delay p99 meanwhile', '≤ 10 ms', inMs(loopDelayP99Ms), loopDelayP99Ms <= 10)
  try {
    const { mostBytes, messagesPerSecond } = await measureSmall(
      home,
      Math.max(seconds, readings < 1e6 ? 0 : 60),
    )
    const megabytes = mostBytes / 1e6
    const what = `RSS of memory: small at ${messagesPerSecond.toFixed(0)} msg/s`
    alone(what, '≤ 150 MB', `${megabytes.toFixed(0)} MB`, megabytes <= 150)
  } catch (error) {
    // The figures of the hours before are shown all the same.
    console.error(error)
    alone('RSS of memory: small at 5,000 msg/s', '≤ 150 MB', 'the load failed', false)
    process.exitCode = 1
  }
}
