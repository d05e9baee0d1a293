// Is it alive, and what are the devices saying? Without any reading yet: how to send the first one.

import { useSignal } from '@preact/signals'
import { ask } from '../api.ts'
import { usePoll } from '../poll.ts'
import { type LiveReading, useStream } from '../stream.ts'
import { formatBytes, formatCount, formatTime, formatWhen, harmless, zoneName } from '../words.ts'
import { FirstRun } from './firstRun.tsx'

interface Stats {
  version: string
  store: { state: string; readings: number; topics: number; disk_bytes: number; last_seq: number }
  ledger: Record<
    string,
    { received: number; stored: number; rejected: number; deduplicated: number; discarded: number }
  >
}

const shownMax = 50
const statsEveryMs = 2000

export function OverviewPage() {
  const { data, fault } = usePoll(() => ask<Stats>('/api/v1/stats'), statsEveryMs)
  const latest = useSignal<readonly LiveReading[]>([])
  useStream('/api/v1/stream', (reading) => {
    latest.value = [reading, ...latest.value].slice(0, shownMax)
  })
  const stats = data.value
  if (fault.value !== null) return <p class="notice bad">{fault.value}</p>
  if (stats === null) return <p class="quiet">Loading…</p>
  if (stats.store.readings === 0 && latest.value.length === 0) return <FirstRun />
  return (
    <section class="page">
      <h1>Overview</h1>
      <Figures stats={stats} />
      <section class="card" aria-labelledby="live-title">
        <h2 id="live-title">
          Live <span class="quiet small">times in {zoneName}</span>
        </h2>
        {latest.value.length === 0 ? (
          <p class="quiet">The next message appears here.</p>
        ) : (
          <ul class="feed">
            {latest.value.map((reading) => (
              <li key={reading.seq}>
                <time dateTime={reading.time} title={formatTime(reading.time)}>
                  {formatWhen(reading.time)}
                </time>
                <bdi class="topic">{harmless(reading.topic)}</bdi>
                <bdi class="payload">{payloadText(reading)}</bdi>
              </li>
            ))}
          </ul>
        )}
      </section>
    </section>
  )
}

function Figures({ stats: { store, ledger } }: { stats: Stats }) {
  const sum = (name: 'received' | 'stored' | 'rejected' | 'deduplicated' | 'discarded'): number =>
    Object.values(ledger).reduce((total, entry) => total + entry[name], 0)
  const figures: [string, string][] = [
    ['Readings', formatCount(store.readings)],
    ['Topics', formatCount(store.topics)],
    ['On disk', formatBytes(store.disk_bytes)],
    ['Received since the start', formatCount(sum('received'))],
    ['Rejected', formatCount(sum('rejected'))],
    ['Store', store.state],
  ]
  return (
    <dl class="figures">
      {figures.map(([name, value]) => (
        <div key={name} class="card">
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  )
}

export function payloadText({
  value,
  payload_base64: bytes,
}: Pick<LiveReading, 'value' | 'payload_base64'>): string {
  if (bytes !== undefined) return `${Math.floor((bytes.length * 3) / 4)} bytes`
  return harmless(typeof value === 'string' ? value : (JSON.stringify(value) ?? ''), 240)
}
