// The gauges of the server move with what they measure, and are documented.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { Registry } from 'prom-client'
import { expect, test } from 'vitest'
import { measureServer, measureSessions } from '../../src/ops/serverMetrics.ts'

const valueOf = (text: string, name: string): number =>
  Number(new RegExp(`^${name.replaceAll(/[{}"]/g, '\\$&')} (.+)$`, 'm').exec(text)?.[1])

const none = {
  readings: 0,
  topics: 0,
  lastSeq: 0,
  diskBytes: 0,
  pending: 0,
  hotReadings: 0,
  hotBytes: 0,
  blocks: 0,
  damaged: 0,
}

test('sizes are those of the store at the time of the look', async () => {
  const registry = new Registry()
  const sizes = {
    readings: 1,
    topics: 2,
    lastSeq: 3,
    diskBytes: 4,
    pending: 5,
    hotReadings: 6,
    hotBytes: 7,
    blocks: 8,
    damaged: 9,
  }
  const stop = measureServer(registry, () => sizes)
  const before = await registry.metrics()
  for (const name of Object.keys(sizes) as (keyof typeof sizes)[]) sizes[name] += 10
  const after = await registry.metrics()
  const names =
    'readings topics last_seq disk_bytes pending_readings hot_readings hot_bytes blocks damaged_records'
      .split(' ')
      .map((one) => `amber_store_${one}`)
  expect(names.map((name) => valueOf(before, name))).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9])
  expect(names.map((name) => valueOf(after, name))).toEqual([11, 12, 13, 14, 15, 16, 17, 18, 19])
  stop()
})

test('a loop that is held up shows in its delay', async () => {
  const registry = new Registry()
  const stop = measureServer(registry, () => none)
  await delay(60)
  const until = performance.now() + 300
  while (performance.now() < until);
  await delay(60)
  expect(valueOf(await registry.metrics(), 'amber_event_loop_delay_seconds{quantile="1"}')).toBeGreaterThan(
    0.2,
  )
  stop()
})

test('docs/metrics.md names each', async () => {
  const registry = new Registry()
  measureServer(registry, () => none)()
  measureSessions(registry, () => ({ queued: { count: 0, bytes: 0 }, retained: { count: 0, bytes: 0 } }))
  const page = readFileSync(join(import.meta.dirname, '../../docs/metrics.md'), 'utf8')
  const names = (await registry.getMetricsAsJSON()).map(({ name }) => name)
  expect(names).toHaveLength(14)
  expect(names.filter((name) => !page.includes(`\`${name}\``))).toEqual([])
})
