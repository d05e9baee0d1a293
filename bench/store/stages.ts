// What is measured inside a process of its own, through the seam: one stage a run, given as JSON, its figures on standard
// output as JSON.

import { monitorEventLoopDelay } from 'node:perf_hooks'
import { type ClimateSize, createClimate, endOf } from './climate.ts'
import { cpuUsOf, mainThreadUsOf, percentile, settledBytes } from './process.ts'
import { Feeder, openMeasured, rollAll, type StoreOptions, whenDurable } from './stored.ts'

export type Stage =
  | { stage: 'load'; store: StoreOptions; size: ClimateSize }
  | { stage: 'fill'; store: StoreOptions; size: ClimateSize; hotReadings: number }
  | { stage: 'open'; store: StoreOptions }
  | { stage: 'pace'; store: StoreOptions; size: ClimateSize; readingsPerSecond: number; seconds: number }

export interface LoadFigures {
  readings: number
  wallMs: number
  cpuUs: number
  mainThreadUs: number
}

export interface OpenFigures {
  openMs: number
  readings: number
}

export interface PaceFigures {
  p50Ms: number
  p99Ms: number
  loopDelayP99Ms: number
  queries: number
  readingsPerSecond: number
}

/** Appends at full speed, with so many readings under way, until everything is in blocks. */
const windowReadings = 20_000

async function load({ store: options, size }: Stage & { stage: 'load' }): Promise<LoadFigures> {
  const climate = createClimate(size)
  const store = await openMeasured(options)
  const feeder = new Feeder(store, climate)
  const before = [performance.now(), cpuUsOf(process.pid), mainThreadUsOf(process.pid)] as const
  let underWay = 0
  // One for all: what a publisher keeps of each reading is not the store's.
  const done = whenDurable(() => underWay--)
  for (let i = 0; i < climate.count; ) {
    while (underWay < windowReadings && i < climate.count) {
      underWay++
      feeder.append(i++, true, done)
    }
    await new Promise((resolve) => setImmediate(resolve))
  }
  while (underWay > 0) await new Promise((resolve) => setImmediate(resolve))
  await rollAll(store)
  const rolledMs = performance.now() - before[0]
  // A server goes on running, and its store gives back what it does not need. What that costs counts, the wait does not.
  await settledBytes(options.path)
  const closing = performance.now()
  await store.close()
  return {
    readings: climate.count,
    wallMs: rolledMs + performance.now() - closing,
    cpuUs: cpuUsOf(process.pid) - before[1],
    mainThreadUs: mainThreadUsOf(process.pid) - before[2],
  }
}

/** Leaves readings in memory and in the log, and ends as by kill -9. */
async function fill({ store: options, size, hotReadings }: Stage & { stage: 'fill' }): Promise<void> {
  const climate = createClimate({ ...size, readings: Math.max(hotReadings, size.topics) })
  const store = await openMeasured(options)
  const feeder = new Feeder(store, climate)
  await new Promise<void>((resolve) => {
    let left = climate.count
    const done = whenDurable(() => {
      left--
      if (left === 0) resolve()
    })
    for (let i = 0; i < climate.count; i++) feeder.append(i, true, done)
  })
  process.kill(process.pid, 'SIGKILL')
}

async function open({ store: options }: Stage & { stage: 'open' }): Promise<OpenFigures> {
  const started = performance.now()
  const store = await openMeasured(options)
  const openMs = performance.now() - started
  const { readings } = store.status
  await store.close()
  return { openMs, readings }
}

/** Appends at a pace while queries run one after the other: how long does a reading wait until it is durable? */
async function pace(options: Stage & { stage: 'pace' }): Promise<PaceFigures> {
  const { readingsPerSecond, seconds, size } = options
  const climate = createClimate({ ...size, readings: Math.max(size.topics, readingsPerSecond * seconds) })
  const store = await openMeasured(options.store)
  const feeder = new Feeder(store, climate)
  const latencies: number[] = []
  const loopDelay = monitorEventLoopDelay({ resolution: 1 })
  let isOver = false
  let queries = 0
  const [from, to] = [climate.times[0]!, endOf(climate)]
  const ask = async (): Promise<void> => {
    while (!isOver) {
      const edges = Float64Array.from({ length: 40 }, (_, k) => from + (k * (to - from)) / 39)
      const one = { filters: ['site/7/#'], order: 'desc', from, to, limit: 5000 } as const
      for await (const chunk of store.range(one)) void chunk
      for await (const chunk of store.aggregate({
        filters: [],
        fields: ['temperature'],
        edges,
        quantiles: [],
      }))
        void chunk
      await store.latest({ filters: [], limit: 1e6 })
      queries += 3
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }
  const started = performance.now()
  loopDelay.enable()
  const asking = ask()
  for (let sent = 0; sent < climate.count; ) {
    const due = Math.min(
      climate.count,
      Math.floor(((performance.now() - started) / 1000) * readingsPerSecond),
    )
    for (; sent < due; sent++) {
      const at = performance.now()
      feeder.append(
        sent,
        true,
        whenDurable(() => latencies.push(performance.now() - at)),
      )
    }
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  while (latencies.length < climate.count) await new Promise((resolve) => setTimeout(resolve, 1))
  const elapsed = (performance.now() - started) / 1000
  loopDelay.disable()
  isOver = true
  await asking
  await store.close()
  return {
    p50Ms: percentile(latencies, 0.5),
    p99Ms: percentile(latencies, 0.99),
    loopDelayP99Ms: loopDelay.percentile(99) / 1e6,
    queries,
    readingsPerSecond: climate.count / elapsed,
  }
}

async function run(stage: Stage): Promise<object | void> {
  switch (stage.stage) {
    case 'load':
      return load(stage)
    case 'fill':
      return fill(stage)
    case 'open':
      return open(stage)
    case 'pace':
      return pace(stage)
  }
}

if (process.argv[2] !== undefined) {
  const figures = await run(JSON.parse(process.argv[2]) as Stage)
  process.stdout.write(`${JSON.stringify(figures)}\n`)
}
