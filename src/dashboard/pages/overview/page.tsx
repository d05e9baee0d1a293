// The overview: is it alive, how much comes in and goes out, what do the devices say, does the ledger balance. Without any
// reading yet: how to send the first one.

import { useRef, useState } from 'preact/hooks'
import { rows } from '../../listing.ts'
import { usePoll } from '../../poll.ts'
import { linkTo } from '../../route.ts'
import { type LiveReading, useStream } from '../../stream.ts'
import {
  formatAge,
  formatBytes,
  formatShort,
  formatTime,
  formatWhen,
  harmless,
  zoneName,
} from '../../words.ts'
import { FirstRun } from '../firstRun.tsx'
import { briefOf } from '../topics/payload.ts'
import { type Look, look, quantileOf, rateOf, sumOf } from './measures.ts'
import { Tile } from './tile.tsx'

const everyMs = 2000
const looksMax = 90
const newestMax = 25
/** All rows of the feed change at once when much comes in: no faster than they can be looked at. */
const feedMs = 250

export function OverviewPage() {
  const looks = useRef<Look[]>([])
  const { data, fault } = usePoll(look, everyMs)
  const now = data.value
  if (now && looks.current.at(-1) !== now) looks.current = [...looks.current, now].slice(-looksMax)
  const newest = useNewest()
  if (fault.value !== null) return <p class="notice bad">{fault.value}</p>
  if (now === null) return <p class="quiet">Loading…</p>
  if (now.stats.store.readings === 0 && (newest?.length ?? 0) === 0) return <FirstRun />
  return (
    <section class="page">
      <div class="head">
        <h1>Overview</h1>
        <State now={now} />
      </div>
      <Tiles looks={looks.current} />
      <div class="overview-columns">
        <section class="card flush" aria-labelledby="newest-title">
          <header>
            <h2 id="newest-title">
              Live <span class="quiet small">times in {zoneName}</span>
            </h2>
            <a href={linkTo('topics')}>All topics</a>
          </header>
          <Newest readings={newest} />
        </section>
        <Ledger now={now} />
      </div>
    </section>
  )
}

/** What came last: at first out of the past, then as it comes. */
function useNewest(): LiveReading[] | undefined {
  const [live, setLive] = useState<LiveReading[]>([])
  const past = usePoll(
    () => rows<LiveReading>('/api/v1/readings', { from: '-1h', order: 'desc', raw: 1, limit: newestMax }),
    null,
  )
  useStream(
    '/api/v1/stream?raw=1',
    (fresh) => setLive((before) => [...fresh.toReversed(), ...before].slice(0, newestMax)),
    feedMs,
  )
  if (past.data.value === null && live.length === 0) return undefined
  const known = new Set(live.map(({ seq }) => seq))
  return [...live, ...(past.data.value ?? []).filter(({ seq }) => !known.has(seq))].slice(0, newestMax)
}

function State({ now }: { now: Look }) {
  const { state } = now.stats.store
  return (
    <p class={state === 'ok' ? 'quiet' : 'bad-text'}>
      <span class={state === 'ok' ? 'dot good' : 'dot'} />{' '}
      {state === 'ok' ? 'Alive, storing everything' : `Publishes are refused: the store is ${state}`}
    </p>
  )
}

const received = 'amber_publishes_received_total'
const sent = 'amber_messages_sent_total'
const acknowledgement = 'amber_acknowledgement_seconds'

function Tiles({ looks }: { looks: readonly Look[] }) {
  const now = looks.at(-1)
  if (!now) return null
  const before = looks.at(-2) ?? now
  const over = (of: (before: Look, now: Look) => number | null): (number | null)[] =>
    looks.slice(1).map((one, i) => of(looks[i] as Look, one))
  const first = looks[Math.max(0, looks.length - 31)] as Look
  const p99 =
    quantileOf(0.99, first, now, acknowledgement) ??
    quantileOf(0.99, { ...now, samples: [] }, now, acknowledgement)
  const { store, ledger } = now.stats
  const rejected = Object.values(ledger).reduce((sum, one) => sum + one.rejected, 0)
  const days = store.days_until_full
  return (
    <div class="tiles">
      <Tile
        label="Messages in"
        value={`${formatShort(rateOf(before, now, received))} / s`}
        note={`${formatShort(sumOf(now, received))} since the start`}
        history={over((a, b) => rateOf(a, b, received))}
      />
      <Tile
        label="Messages out"
        value={`${formatShort(rateOf(before, now, sent))} / s`}
        note={`${formatShort(sumOf(now, sent))} since the start`}
        history={over((a, b) => rateOf(a, b, sent))}
      />
      <Tile
        label="Clients"
        value={formatShort(sumOf(now, 'amber_mqtt_connections'))}
        note="by MQTT"
        history={looks.map((one) => sumOf(one, 'amber_mqtt_connections'))}
      />
      <Tile
        label="Acknowledged in"
        value={p99 === null ? '–' : `${(p99 * 1000).toFixed(p99 < 0.01 ? 1 : 0)} ms`}
        note="99 of 100"
        history={over((a, b) => quantileOf(0.99, a, b, acknowledgement))}
      />
      <Tile label="Topics" value={formatShort(store.topics)} note="with readings" />
      <Tile
        label="Readings"
        value={formatShort(store.readings)}
        note={
          store.readings > 0 ? `${(store.disk_bytes / store.readings).toFixed(1)} bytes each` : 'none yet'
        }
      />
      <Tile
        label="Disk"
        value={formatBytes(store.disk_bytes)}
        note={
          days === undefined || days === null
            ? store.disk_free_bytes === undefined || store.disk_free_bytes === null
              ? 'used by the store'
              : `${formatBytes(store.disk_free_bytes)} free`
            : days > 3650
              ? 'full in more than ten years'
              : `full in ${formatAge(days * 86_400_000)}`
        }
        {...(days !== undefined && days !== null && days < 14 ? { tone: 'bad' as const } : {})}
      />
      <Tile
        label="Refused"
        value={formatShort(rejected)}
        note="publishers were told"
        {...(rejected > 0 ? { tone: 'warn' as const } : {})}
      />
    </div>
  )
}

function Newest({ readings }: { readings: LiveReading[] | undefined }) {
  if (!readings) return <p class="empty">Loading…</p>
  if (readings.length === 0)
    return <p class="empty">Nothing in the last hour. The next message appears here.</p>
  return (
    <ul class="feed">
      {readings.map((reading) => (
        <li key={reading.seq}>
          <time class="small" dateTime={reading.time} title={formatTime(reading.time)}>
            {formatWhen(reading.time)}
          </time>
          <a class="clip" href={linkTo('topics', { topic: reading.topic })}>
            <bdi>{harmless(reading.topic)}</bdi>
          </a>
          <bdi class="mono clip">{briefOf(reading)}</bdi>
        </li>
      ))}
    </ul>
  )
}

const entries = ['received', 'stored', 'rejected', 'deduplicated', 'discarded'] as const

function Ledger({ now }: { now: Look }) {
  const sources = Object.entries(now.stats.ledger)
  const total = (name: (typeof entries)[number]): number =>
    sources.reduce((sum, [, one]) => sum + one[name], 0)
  const open =
    total('received') - total('stored') - total('rejected') - total('deduplicated') - total('discarded')
  return (
    <section class="card flush" aria-labelledby="ledger-title">
      <header>
        <h2 id="ledger-title">Ledger since the start</h2>
        <span class={open === 0 ? 'good-text' : 'muted'}>
          {open === 0 ? 'balances' : `${formatShort(open)} under way`}
        </span>
      </header>
      {sources.length === 0 && <p class="empty">Nothing was published since.</p>}
      <div
        class="table-wrap"
        tabIndex={0}
        role="region"
        aria-label="Ledger by source"
        hidden={sources.length === 0}
      >
        <table>
          <thead>
            <tr>
              <th>Publishes</th>
              {sources.map(([source]) => (
                <th key={source} class="number">
                  {source}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {entries.map((name) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                {sources.map(([source, one]) => (
                  <td key={source} class="number">
                    {formatShort(one[name])}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  )
}
