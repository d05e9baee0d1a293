// One topic: what it says now and what changed, its fields, its last day, and a box to publish to it.

import { useEffect, useState } from 'preact/hooks'
import { ask } from '../../api.ts'
import { rows, urlOf } from '../../listing.ts'
import { CopyButton } from '../../parts/copy.tsx'
import { Icon } from '../../parts/icon.tsx'
import { usePoll } from '../../poll.ts'
import { linkTo } from '../../route.ts'
import { type LiveReading, useStream } from '../../stream.ts'
import { formatBytes, formatFigure, formatTime, formatWhen, harmless, plural } from '../../words.ts'
import { Plot } from '../chart/plot.tsx'
import { aggregate, everyFor } from '../chart/series.ts'
import { diffLines, pretty, textOf } from './payload.ts'
import { PublishBox } from './publish.tsx'

interface TopicInfo {
  topic: string
  readings: number
  bytes: number
  first_time: string
  last_time: string
  fields: { name: string; type: string; unit?: string; title?: string }[]
}

interface Rights {
  topics: { topic: string; read: boolean; publish: boolean }[]
}

const infoEveryMs = 5000

export function TopicDetail({ topic, onClose }: { topic: string; onClose: () => void }) {
  const [readings, setReadings] = useState<LiveReading[]>()
  const info = usePoll(() => rows<TopicInfo>('/api/v1/topics', { topic }), infoEveryMs, topic)
  const rights = usePoll(() => ask<Rights>(urlOf('/api/v1/me', { topic })), null, topic)
  useEffect(() => {
    rows<LiveReading>('/api/v1/readings', { topic, from: 0, limit: 2, raw: 1 }).then(
      (found) => setReadings((before) => before ?? found),
      () => setReadings((before) => before ?? []),
    )
  }, [topic])
  useStream(urlOf('/api/v1/stream', { topic, raw: 1 }), (fresh) => {
    setReadings((before = []) => [...fresh.toReversed(), ...before].slice(0, 2))
  })
  const [now, last] = readings ?? []
  const about = info.data.value?.[0]
  return (
    <section class="card flush split-detail" aria-label={`Topic ${harmless(topic)}`}>
      <header>
        <h2>
          <bdi>{harmless(topic)}</bdi>
        </h2>
        <CopyButton text={topic} label="Copy the topic" />
        <button type="button" class="icon" aria-label="Back to all topics" onClick={onClose}>
          <Icon name="close" />
        </button>
      </header>
      <div class="detail-body">
        {readings && !now && <p class="quiet">No readings of its own; there are topics below it.</p>}
        {now && <Payload now={now} last={last} />}
        {now && <Fields reading={now} info={about} />}
        {about && <History topic={topic} info={about} />}
        {about && (
          <p class="small quiet">
            {plural(about.readings, 'reading')}, {formatBytes(about.bytes)} of payload, since{' '}
            {formatTime(about.first_time)}
          </p>
        )}
        {rights.data.value?.topics[0]?.publish === true && <PublishBox topic={topic} />}
      </div>
    </section>
  )
}

function Payload({ now, last }: { now: LiveReading; last: LiveReading | undefined }) {
  const lines = diffLines(last ? pretty(last) : pretty(now), pretty(now))
  const about = [
    now.client_id === '' ? 'no client' : harmless(now.client_id, 60),
    `QoS ${now.qos}`,
    ...(now.retain ? ['retained'] : []),
    ...(now.payload_base64 === undefined ? [] : ['binary, shown as base64']),
  ]
  // Spaces that do not break: a long word is to begin beside its sign.
  const signs = { same: '\u00a0\u00a0', new: '+\u00a0', gone: '−\u00a0' }
  return (
    <figure class="payload">
      <figcaption class="small quiet">
        <span>
          <time dateTime={now.time} title={formatTime(now.time)}>
            {formatWhen(now.time)}
          </time>
          {` · ${about.join(' · ')}`}
        </span>
        <CopyButton text={textOf(now)} label="Copy the payload" />
      </figcaption>
      <pre tabIndex={0} aria-label="The last payload; lines that changed are marked">
        {lines.map(({ text, kind }, i) => (
          <span key={i} class={`line ${kind}`}>
            {signs[kind]}
            <bdi>{harmless(text, 5000)}</bdi>
            {'\n'}
          </span>
        ))}
      </pre>
    </figure>
  )
}

const fieldsShown = 200

function Fields({ reading, info }: { reading: LiveReading; info: TopicInfo | undefined }) {
  const fields = Object.entries(reading.fields)
  if (fields.length === 0) return null
  const known = new Map(info?.fields.map((one) => [one.name, one]))
  return (
    <div class="table-wrap" tabIndex={0} role="region" aria-label="Fields">
      <table class="fields">
        <thead>
          <tr>
            <th>Field</th>
            <th class="number">Value</th>
            <th>
              <span class="visually-hidden">Chart</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {fields.slice(0, fieldsShown).map(([name, value]) => (
            <tr key={name}>
              <td>
                <bdi>{harmless(name)}</bdi>
                {known.get(name)?.title === undefined ? null : (
                  <div class="quiet small">
                    <bdi>{harmless(known.get(name)?.title ?? '', 80)}</bdi>
                  </div>
                )}
              </td>
              <td class="number">
                <bdi>{typeof value === 'number' ? formatFigure(value) : harmless(String(value))}</bdi>{' '}
                {harmless(known.get(name)?.unit ?? '', 20)}
              </td>
              <td class="act">
                {typeof value === 'number' && (
                  <a
                    class="button small"
                    href={linkTo('chart', { s: `${reading.topic}|${name}` })}
                    aria-label={`Chart of ${harmless(name)}`}
                  >
                    <Icon name="chart" />
                  </a>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

const historyMs = 24 * 3_600_000
const historyPoints = 240
const historyEveryMs = 15_000

/** The first number of it over the last day. */
function History({ topic, info }: { topic: string; info: TopicInfo }) {
  const field = info.fields.find(({ type }) => type === 'number')?.name
  const { data } = usePoll(
    () => {
      const to = Date.now()
      const range = { from: to - historyMs, to }
      return aggregate([{ topic, field: field ?? '' }], range, everyFor(historyMs, historyPoints))
    },
    historyEveryMs,
    field === undefined ? null : field,
  )
  if (field === undefined || data.value === null) return null
  return (
    <figure>
      <figcaption class="small quiet">{harmless(field)}, the last 24 hours</figcaption>
      <Plot data={data.value} height={160} label={`${harmless(field)} over the last 24 hours`} />
    </figure>
  )
}
