// What the server measures of its parts when somebody looks: sizes of the store and the delay of the event loop.

import { monitorEventLoopDelay } from 'node:perf_hooks'
import { Gauge, type Registry } from 'prom-client'

/** Sizes, as the store tells them. */
export interface Sizes {
  readings: number
  topics: number
  lastSeq: number
  diskBytes: number
  pending: number
}

const resolutionMs = 20

/** Adds the gauges to the registry; returns how to stop measuring. */
export function measureServer(registry: Registry, sizes: () => Sizes): () => void {
  const registers = [registry]
  const gauge = (name: string, help: string, valueOf: (now: Sizes) => number): Gauge =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(valueOf(sizes()))
      },
    })
  gauge('amber_store_readings', 'Readings stored.', ({ readings }) => readings)
  gauge('amber_store_topics', 'Topics with readings.', ({ topics }) => topics)
  gauge('amber_store_last_seq', 'The newest number given to a reading.', ({ lastSeq }) => lastSeq)
  gauge('amber_store_disk_bytes', 'Bytes of the store on the disk.', ({ diskBytes }) => diskBytes)
  gauge('amber_store_pending_readings', 'Readings on their way to the disk.', ({ pending }) => pending)
  const delay = monitorEventLoopDelay({ resolution: resolutionMs })
  delay.enable()
  new Gauge({
    name: 'amber_event_loop_delay_seconds',
    help: 'How late the event loop ran timers since the last look, by quantile.',
    labelNames: ['quantile'] as const,
    registers,
    collect() {
      for (const quantile of [0.5, 0.99, 1]) {
        const late = delay.percentile(Math.max(quantile * 100, 1)) / 1e9 - resolutionMs / 1000
        this.set({ quantile: String(quantile) }, Number.isFinite(late) ? Math.max(0, late) : 0)
      }
      delay.reset()
    },
  })
  return () => delay.disable()
}
