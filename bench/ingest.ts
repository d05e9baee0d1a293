// QoS 1 end to end: Amber, durable capture of every message, against bare Mosquitto without persistence, alternating on
// the same machine. Prints ratios, CPU a message and the acknowledgement latency; `npm run build` comes first.

import { execFile } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { account, type Broker, cpuOf, median, withBrokers } from './brokers.ts'
import type { LoadOptions, LoadResult } from './load.ts'

const rounds = 3
const shapes = [
  { name: '1 client × window 1,000', clients: 1, window: 1000 },
  { name: '50 clients × window 20', clients: 50, window: 20 },
  { name: '500 clients × window 2', clients: 500, window: 2 },
]
const pace = 5000

interface Sample extends LoadResult {
  /** Microseconds of CPU a message: all threads, and the main thread alone. */
  cpuUs: number
  mainCpuUs: number
}

await withBrokers(async (brokers, home) => {
  console.log(`${availableParallelism()} cores, Node ${process.version}, data in ${home}`)
  for (const { name, clients, window } of shapes) {
    const options = { clients, window, pace: 0, warmUpMs: 700, measureMs: 2500 }
    report(name, await alternate(brokers, options))
  }
  const paced = { clients: 50, window: 1000, pace, warmUpMs: 500, measureMs: 4000 }
  for (const broker of brokers) {
    const { p50Ms, p99Ms, cpuUs, messagesPerSecond } = await measure(broker, paced)
    console.log(
      `${broker.name} at ${messagesPerSecond.toFixed(0)} msg/s: acknowledged after p50 ${p50Ms.toFixed(2)} ms, p99 ${p99Ms.toFixed(2)} ms; CPU ${cpuUs.toFixed(1)} µs a message`,
    )
  }
})

type Options = Omit<LoadOptions, 'port' | 'username' | 'password'>

/** Samples of each broker in turn, so that a busy neighbour meets both. */
async function alternate(brokers: readonly Broker[], options: Options): Promise<Sample[][]> {
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
  const before = cpuOf(broker)
  const load = join(import.meta.dirname, 'load.ts')
  const argument = JSON.stringify({ ...options, ...account, port: broker.port })
  const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', load, argument])
  const result = JSON.parse(stdout) as LoadResult
  const after = cpuOf(broker)
  return {
    ...result,
    cpuUs: (after.allUs - before.allUs) / result.acknowledged,
    mainCpuUs: (after.mainUs - before.mainUs) / result.acknowledged,
  }
}
