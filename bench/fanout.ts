// Fan-out: deliveries a second of Amber, which also stores every message, and of bare Mosquitto, in turn on the same machine.
// Prints the ratio of each round and CPU a delivery; `npm run build` comes first.

import { execFile } from 'node:child_process'
import { availableParallelism, loadavg } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { account, type Broker, cpuOf, median, withBrokers } from './brokers.ts'
import type { FanoutOptions, FanoutResult } from './fanoutLoad.ts'

const rounds = 3
const shapes = [
  { name: '1 publisher → 50 subscribers, QoS 0', publishers: 1, subscribers: 50, qos: 0, window: 1000 },
  { name: '1 publisher → 50 subscribers, QoS 1', publishers: 1, subscribers: 50, qos: 1, window: 1000 },
  { name: '50 publishers → 1 subscriber each, QoS 0', publishers: 50, subscribers: 1, qos: 0, window: 20 },
  { name: '50 publishers → 1 subscriber each, QoS 1', publishers: 50, subscribers: 1, qos: 1, window: 20 },
] as const

await withBrokers(async (brokers) => {
  console.log(
    `${availableParallelism()} cores, Node ${process.version}, load ${loadavg()[0]?.toFixed(1)} at the start`,
  )
  for (const { name, ...shape } of shapes) {
    const ours: Sample[] = []
    const theirs: Sample[] = []
    for (let round = 0; round < rounds; round++) {
      for (const [i, broker] of brokers.entries())
        (i === 0 ? ours : theirs).push(await measure(broker, shape))
    }
    const ratios = ours.map(({ perSecond }, i) => perSecond / (theirs[i]?.perSecond ?? Number.NaN))
    console.log(
      `${name}: ${median(ratios).toFixed(2)} × Mosquitto (rounds ${ratios.map((r) => r.toFixed(2)).join(', ')})`,
    )
    for (const [label, samples] of [
      ['Amber    ', ours],
      ['Mosquitto', theirs],
    ] as const) {
      const rate = median(samples.map(({ perSecond }) => perSecond))
      console.log(
        `  ${label} ${(rate / 1000).toFixed(0)}k deliveries/s, CPU ${median(samples.map(({ cpuUs }) => cpuUs)).toFixed(2)} µs each`,
      )
    }
  }
  console.log(`load ${loadavg()[0]?.toFixed(1)} at the end`)
})

interface Sample {
  perSecond: number
  /** Microseconds of CPU of the broker for each delivery. */
  cpuUs: number
}

async function measure(
  broker: Broker,
  shape: Omit<FanoutOptions, 'port' | 'username' | 'password' | 'warmUpMs' | 'measureMs'>,
): Promise<Sample> {
  const before = cpuOf(broker)
  const options: FanoutOptions = { ...shape, ...account, port: broker.port, warmUpMs: 700, measureMs: 2500 }
  const load = join(import.meta.dirname, 'fanoutLoad.ts')
  const { stdout } = await promisify(execFile)(process.execPath, [
    '--import',
    'tsx',
    load,
    JSON.stringify(options),
  ])
  const { deliveries, deliveriesPerSecond } = JSON.parse(stdout) as FanoutResult
  return { perSecond: deliveriesPerSecond, cpuUs: (cpuOf(broker).allUs - before.allUs) / deliveries }
}
