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
  hotReadings: number
  hotBytes: number
  blocks: number
  damaged: number
}

/** What sessions hold, as the broker tells it. */
export interface Held {
  queued: { count: number; bytes: number }
  retained: { count: number; bytes: number }
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
  gauge('amber_store_hot_readings', 'Durable readings still in memory.', ({ hotReadings }) => hotReadings)
  gauge('amber_store_hot_bytes', 'Bytes of them there.', ({ hotBytes }) => hotBytes)
  gauge('amber_store_blocks', 'Blocks of readings on the disk.', ({ blocks }) => blocks)
  gauge('amber_store_damaged_records', 'Damaged records found since the start.', ({ damaged }) => damaged)
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

/** Adds the gauges of what is kept for MQTT clients. */
export function measureSessions(registry: Registry, held: () => Held): void {
  const gauge = (name: string, help: string, valueOf: (now: Held) => number): Gauge =>
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        this.set(valueOf(held()))
      },
    })
  gauge('amber_mqtt_queued_messages', 'Messages kept for sessions.', ({ queued }) => queued.count)
  gauge('amber_mqtt_queued_bytes', 'Bytes of them.', ({ queued }) => queued.bytes)
  gauge('amber_mqtt_retained_messages', 'Retained messages.', ({ retained }) => retained.count)
  gauge('amber_mqtt_retained_bytes', 'Bytes of them.', ({ retained }) => retained.bytes)
}
