// Reprocessing: how fast stored readings are made again under new rules, and what that costs those who publish meanwhile. In
// one process, on the store itself, fsync. `npx tsx bench/reprocess.ts [readings] [topics] [appends a second]`

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openJobs } from '../src/ingest/rules/jobs.ts'
import { openRules } from '../src/ingest/rules/open.ts'
import { createLog } from '../src/ops/log.ts'
import type { ReadingStore } from '../src/store/store.ts'
import { createClimate } from './store/climate.ts'
import { percentile } from './store/process.ts'
import { Feeder, openMeasured, rollAll, whenDurable } from './store/stored.ts'

const [readings = 1_000_000, topics = 100, perSecond = 1000] = process.argv.slice(2).map(Number)
const home = mkdtempSync(join(tmpdir(), 'amber-bench-reprocess-'))
const file = join(home, 'rules.yaml')
const log = createLog({ level: 'error', format: 'text' })
const rulesOf = (run: number): string => `rules:
  - name: climate
    topic: site/+/+/climate
    tags: { site: 1, device: 2, run: r${run} }
    fields:
      temperature: { unit: "°C", min: -40, max: 85 }
      humidity: { unit: "%" }
`

async function fill(store: ReadingStore): Promise<void> {
  const climate = createClimate({ topics, readings })
  const feeder = new Feeder(store, climate)
  let underWay = 0
  const done = whenDurable(() => underWay--)
  for (let i = 0; i < climate.count; ) {
    while (underWay < 20_000 && i < climate.count) {
      underWay++
      feeder.append(i++, true, done)
    }
    await new Promise((resolve) => setImmediate(resolve))
  }
  while (underWay > 0) await new Promise((resolve) => setImmediate(resolve))
  await rollAll(store)
}

/** Appends at a steady pace; returns how to stop, and then the latencies in milliseconds. */
function publish(store: ReadingStore): () => number[] {
  const latencies: number[] = []
  const started = performance.now()
  let sent = 0
  const rest = { source: 'mqtt', clientId: 'live', user: 'bench', qos: 1, retain: false, dup: false } as const
  const timer = setInterval(() => {
    for (; sent < ((performance.now() - started) / 1000) * perSecond; sent++) {
      // When it was due, and not when the loop came to it: a loop that is held up is a device that waits.
      const dueAt = started + (sent / perSecond) * 1000
      const now = Date.now()
      const payload = Buffer.from(`{"temperature":${sent % 300}}`)
      const reading = {
        topic: `live/${sent % 50}`,
        time: now,
        receivedAt: now,
        properties: null,
        fields: null,
      }
      store.append({ ...reading, ...rest, payload }, { awaited: true }, (error) => {
        if (error) throw error
        latencies.push(performance.now() - dueAt)
      })
    }
  }, 1)
  return () => {
    clearInterval(timer)
    return latencies
  }
}

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

try {
  const store = await openMeasured({ path: join(home, 'readings'), memory: 'normal', durability: 'fsync' })
  await fill(store)
  writeFileSync(file, rulesOf(0))
  const rules = await openRules({ file, profiles: [] }, { log })
  const jobs = await openJobs({ store, rules, log }, { file: '' })
  const quiet = publish(store)
  await wait(5000)
  const alone = quiet().slice(perSecond)
  console.log(`acknowledgement without a job: p99 ${percentile(alone, 0.99).toFixed(1)} ms`)
  for (const [at, isPaced] of [false, true].entries()) {
    await rules.replace(rulesOf(at + 1))
    const delay = monitorEventLoopDelay({ resolution: 1 })
    delay.enable()
    const stop = isPaced ? publish(store) : () => []
    const started = performance.now()
    const cpu = process.cpuUsage()
    const turning = performance.eventLoopUtilization()
    const { id } = await jobs.start({ kind: 'reprocess', filters: ['site/#'], from: 0, to: 8e15 })
    while (jobs.get(id).endedAt === null) await wait(5)
    const seconds = (performance.now() - started) / 1000
    const { remade, error } = jobs.get(id)
    if (error !== null) throw new Error(error)
    const { user, system } = process.cpuUsage(cpu)
    const { utilization } = performance.eventLoopUtilization(turning)
    const latencies = stop()
    const p99 =
      latencies.length > 0 ? `, acknowledgement p99 ${percentile(latencies, 0.99).toFixed(1)} ms` : ''
    console.log(
      `${isPaced ? `beside ${perSecond} appends a second` : 'alone'}: ${Math.round(remade / seconds)} readings/s written again, ` +
        `${((user + system) / remade).toFixed(2)} µs of all cores each, main thread busy ${(100 * utilization).toFixed(0)} %` +
        `${p99}, loop delay p99 ${(delay.percentile(99) / 1e6).toFixed(1)} ms`,
    )
  }
  await jobs.close()
  rules.close()
  await store.close()
} finally {
  rmSync(home, { recursive: true, force: true })
}
