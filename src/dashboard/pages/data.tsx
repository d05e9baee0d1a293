// What is stored and how much room it takes, and taking it along.

import { useSignal } from '@preact/signals'
import { ask } from '../api.ts'
import { FilterInput } from '../parts/filterInput.tsx'
import { usePoll } from '../poll.ts'
import { me } from '../session.ts'
import { formatBytes, formatCount, formatTime, formatWhen, harmless, zoneName } from '../words.ts'
import { RemovalCard } from './removal.tsx'
import { RetentionCard } from './retention.tsx'
import { encodeSearch } from './rules.tsx'

interface Topic {
  topic: string
  readings: number
  bytes: number
  first_time: string
  last_time: string
}

interface Loaded {
  disk: number
  topics: Topic[]
  hasMore: boolean
}

const everyMs = 10_000
const shownMax = 50

async function load(): Promise<Loaded> {
  const [stats, topics] = await Promise.all([
    ask<{ store: { disk_bytes: number } }>('/api/v1/stats'),
    ask<{ data: Topic[]; page: { has_more: boolean } }>('/api/v1/topics'),
  ])
  return { disk: stats.store.disk_bytes, topics: topics.data, hasMore: topics.page.has_more }
}

export function DataPage() {
  const { data, fault, refresh } = usePoll(load, everyMs)
  const isKeeper = me.value?.admin === true
  const loaded = data.value
  return (
    <section class="page">
      <div class="head">
        <h1>Data</h1>
        {loaded === null ? null : <p class="quiet">{formatBytes(loaded.disk)} on disk</p>}
      </div>
      {fault.value === null ? null : <p class="notice bad">{fault.value}</p>}
      {loaded === null ? null : <SizesCard {...loaded} />}
      {isKeeper ? <RetentionCard /> : null}
      <ExportCard />
      {isKeeper ? <BackupCard /> : null}
      {isKeeper ? <RemovalCard onRemoved={refresh} /> : null}
    </section>
  )
}

/** By the first level of the topic, largest first: what fills the disk. */
function groupsOf(
  topics: readonly Topic[],
): { name: string; topics: number; readings: number; bytes: number; last: string }[] {
  const groups = new Map<string, { topics: number; readings: number; bytes: number; last: string }>()
  for (const { topic, readings, bytes, last_time: last } of topics) {
    const name = topic.split('/')[0] ?? ''
    const sum = groups.get(name) ?? { topics: 0, readings: 0, bytes: 0, last }
    groups.set(name, {
      topics: sum.topics + 1,
      readings: sum.readings + readings,
      bytes: sum.bytes + bytes,
      last: last > sum.last ? last : sum.last,
    })
  }
  return [...groups].map(([name, sum]) => ({ name, ...sum })).sort((a, b) => b.bytes - a.bytes)
}

function SizesCard({ topics, hasMore }: Loaded) {
  const groups = groupsOf(topics)
  const most = Math.max(1, ...groups.map(({ bytes }) => bytes))
  return (
    <section class="card" aria-labelledby="sizes-title">
      <h2 id="sizes-title">
        Sizes{' '}
        <span class="quiet small">
          payload as received, by the first level of the topic; times in {zoneName}
        </span>
      </h2>
      {groups.length === 0 ? <p class="quiet">Nothing is stored yet.</p> : null}
      {groups.length === 0 ? null : (
        <div class="table-wrap" tabIndex={0} role="region" aria-label="Table of sizes">
          <table class="stacked">
            <thead>
              <tr>
                <th>Topics below</th>
                <th class="number">Topics</th>
                <th class="number">Readings</th>
                <th class="number">Payload</th>
                <th>
                  <span class="visually-hidden">Share</span>
                </th>
                <th>Last</th>
              </tr>
            </thead>
            <tbody>
              {groups.slice(0, shownMax).map(({ name, topics: count, readings, bytes, last }) => (
                <tr key={name}>
                  <th scope="row">
                    <bdi>{name === '' ? '(empty)' : harmless(name, 80)}</bdi>
                  </th>
                  <td class="number" data-name="Topics">
                    {formatCount(count)}
                  </td>
                  <td class="number" data-name="Readings">
                    {formatCount(readings)}
                  </td>
                  <td class="number" data-name="Payload">
                    {formatBytes(bytes)}
                  </td>
                  <td class="share">
                    <svg viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">
                      <rect width={(bytes / most) * 100} height="8" />
                    </svg>
                  </td>
                  <td data-name="Last">
                    <time dateTime={last} title={formatTime(last)}>
                      {formatWhen(last)}
                    </time>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {hasMore ? (
        <p class="quiet">Of the first {formatCount(topics.length)} topics; the API lists all of them.</p>
      ) : null}
    </section>
  )
}

function BackupCard() {
  return (
    <section class="card" aria-labelledby="backup-title">
      <h2 id="backup-title">
        Backup <span class="quiet small">everything the server holds, as one file, while it runs</span>
      </h2>
      <div class="actions">
        <a class="button" href="/api/v1/backup" download>
          Download a backup
        </a>
        <span class="quiet">
          It comes back with <code>amber restore</code>.
        </span>
      </div>
    </section>
  )
}

function ExportCard() {
  const filter = useSignal('')
  const from = useSignal('-1d')
  const format = useSignal('csv')
  const fields = useSignal('')
  const path = exportPath(filter.value, from.value, format.value, fields.value)
  return (
    <section class="card" aria-labelledby="export-title">
      <h2 id="export-title">
        Export <span class="quiet small">every reading with its exact payload; it can be imported again</span>
      </h2>
      <div class="form">
        <FilterInput value={filter} />
        <label>
          Since
          <select value={from.value} onChange={(event) => (from.value = event.currentTarget.value)}>
            <option value="-1h">an hour ago</option>
            <option value="-1d">a day ago</option>
            <option value="-7d">a week ago</option>
            <option value="-30d">30 days ago</option>
            <option value="">the beginning</option>
          </select>
        </label>
        <label>
          Form
          <select value={format.value} onChange={(event) => (format.value = event.currentTarget.value)}>
            <option value="csv">CSV</option>
            <option value="ndjson">NDJSON</option>
            <option value="parquet">Parquet</option>
          </select>
        </label>
        <label>
          Fields as columns
          <input
            placeholder="temperature, humidity"
            spellcheck={false}
            autocapitalize="none"
            value={fields.value}
            onInput={(event) => (fields.value = event.currentTarget.value)}
          />
        </label>
        <a class="button primary" href={path} download={`amber.${format.value}`}>
          Download
        </a>
      </div>
    </section>
  )
}

function exportPath(filter: string, from: string, format: string, fields: string): string {
  const search = new URLSearchParams({ format })
  if (filter.trim() !== '') search.set('topic', filter.trim())
  if (from !== '') search.set('from', from)
  if (fields.trim() !== '')
    search.set(
      'fields',
      fields
        .trim()
        .split(/[\s,]+/)
        .join(','),
    )
  return `/api/v1/export?${encodeSearch(search)}`
}
