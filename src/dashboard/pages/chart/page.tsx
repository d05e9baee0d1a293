// The chart: several series over any range, by its URL. Dragging asks the server again at the resolution of the new range.

import { useState } from 'preact/hooks'
import { Icon } from '../../parts/icon.tsx'
import { usePoll } from '../../poll.ts'
import { goTo, route } from '../../route.ts'
import { formatAge, formatTime, harmless, zoneName } from '../../words.ts'
import { CopyAs } from './copyAs.tsx'
import { Picker } from './picker.tsx'
import { Plot, seriesMax } from './plot.tsx'
import { aggregate, type ChartData, everyFor, type Range, raw, type Series } from './series.ts'

const spans = [
  { label: '15 min', from: '-15m' },
  { label: '1 h', from: '-1h' },
  { label: '6 h', from: '-6h' },
  { label: '24 h', from: '-24h' },
  { label: '7 d', from: '-7d' },
  { label: '30 d', from: '-30d' },
  { label: '1 y', from: '-365d' },
]
const modes = ['auto', 'raw', 'aggregate'] as const
type Mode = (typeof modes)[number]
const points = 600
/** Shorter ranges show the readings themselves. */
const rawSpanMs = 20 * 60_000

/** `-1h`, or milliseconds. */
function timeOf(text: string, now: number): number {
  const units = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }
  const relative = /^-(\d+)([smhd])$/.exec(text)
  if (relative) return now - Number(relative[1]) * units[relative[2] as keyof typeof units]
  return text === 'now' || text === '' ? now : Number(text)
}

export interface ChartState {
  series: Series[]
  from: string
  to: string
  mode: Mode
}

function stateOf(params: URLSearchParams): ChartState {
  const series = params.getAll('s').flatMap((text) => {
    const at = text.lastIndexOf('|')
    return at > 0 ? [{ topic: text.slice(0, at), field: text.slice(at + 1) }] : []
  })
  const mode = modes.find((one) => one === params.get('mode')) ?? 'auto'
  return {
    series: series.slice(0, seriesMax),
    from: params.get('from') ?? '-1h',
    to: params.get('to') ?? 'now',
    mode,
  }
}

export function ChartPage() {
  const state = stateOf(route.value.params)
  const { series, from, to, mode } = state
  const [isPicking, setPicking] = useState(false)
  const isLive = to === 'now'
  const change = (next: Partial<ChartState>): void => {
    const all = { ...state, ...next }
    goTo('chart', {
      s: all.series.map(({ topic, field }) => `${topic}|${field}`),
      from: all.from,
      to: all.to === 'now' ? undefined : all.to,
      mode: all.mode === 'auto' ? undefined : all.mode,
    })
  }
  const now = Date.now()
  const range: Range = { from: timeOf(from, now), to: timeOf(to, now) }
  const span = range.to - range.from
  const everyMs = everyFor(span, points)
  const isRaw = mode === 'raw' || (mode === 'auto' && span <= rawSpanMs)
  const key = series.length === 0 ? null : JSON.stringify([series, from, to, isRaw])
  const { data, fault } = usePoll<ChartData>(
    () => {
      const end = timeOf(to, Date.now())
      const asked = { from: isLive ? end - span : range.from, to: end }
      return isRaw ? raw(series, asked) : aggregate(series, asked, everyMs)
    },
    isLive ? Math.min(60_000, Math.max(2000, everyMs)) : null,
    key,
  )
  const zoomOut = (): void =>
    change({
      from: String(Math.round(range.from - span / 2)),
      to: String(Math.min(now, Math.round(range.to + span / 2))),
    })
  return (
    <section class="page full">
      <div class="head">
        <h1>Chart</h1>
        <Ranges state={state} change={change} zoomOut={zoomOut} />
      </div>
      <section class="card flush" aria-label="Chart">
        <header>
          <SeriesTags series={series} change={change} onAdd={() => setPicking(true)} />
          {series.length > 0 && <CopyAs state={state} range={range} everyMs={everyMs} isRaw={isRaw} />}
        </header>
        <ChartBody data={data.value} fault={fault.value} hasSeries={series.length > 0} change={change} />
        <footer class="small quiet chart-foot">
          <span>
            {formatTime(range.from)} – {isLive ? 'now' : formatTime(range.to)}
          </span>
          <span>
            {isRaw ? 'Every reading' : `Mean, least and most of ${formatAge(everyMs)} each`} · {zoneName}
          </span>
        </footer>
      </section>
      {isPicking && (
        <Picker
          onClose={() => setPicking(false)}
          onPick={(one) => {
            setPicking(false)
            if (!series.some(({ topic, field }) => topic === one.topic && field === one.field)) {
              change({ series: [...series, one] })
            }
          }}
        />
      )}
    </section>
  )
}

interface SeriesTagsProps {
  series: readonly Series[]
  change: (next: Partial<ChartState>) => void
  onAdd: () => void
}

function SeriesTags({ series, change, onAdd }: SeriesTagsProps) {
  return (
    <ul class="series-tags">
      {series.map(({ topic, field }, i) => (
        <li key={`${topic}|${field}`} class="series-tag">
          <span class="series-colour" style={{ background: `var(--series-${i + 1})` }} />
          <bdi class="clip" title={harmless(`${topic} ${field}`)}>
            {harmless(topic, 60)} <b>{harmless(field, 40)}</b>
          </bdi>
          <button
            type="button"
            class="icon"
            aria-label={`Remove ${harmless(topic, 60)} ${harmless(field, 40)}`}
            onClick={() => change({ series: series.filter((_one, k) => k !== i) })}
          >
            <Icon name="close" />
          </button>
        </li>
      ))}
      {series.length < seriesMax && (
        <li>
          <button type="button" class="tight" onClick={onAdd}>
            <Icon name="plus" /> Add a series
          </button>
        </li>
      )}
    </ul>
  )
}

interface RangesProps {
  state: ChartState
  change: (next: Partial<ChartState>) => void
  zoomOut: () => void
}

function Ranges({ state: { from, to, mode }, change, zoomOut }: RangesProps) {
  return (
    <div class="actions">
      <div class="segmented" role="group" aria-label="Range">
        {spans.map((span) => (
          <button
            key={span.from}
            type="button"
            class="tight"
            aria-pressed={to === 'now' && from === span.from}
            onClick={() => change({ from: span.from, to: 'now' })}
          >
            {span.label}
          </button>
        ))}
      </div>
      <button type="button" class="tight" onClick={zoomOut}>
        Zoom out
      </button>
      <div class="segmented" role="group" aria-label="Resolution">
        {modes.map((one) => (
          <button
            key={one}
            type="button"
            class="tight"
            aria-pressed={mode === one}
            onClick={() => change({ mode: one })}
          >
            {one === 'auto' ? 'Auto' : one === 'raw' ? 'Raw' : 'Aggregate'}
          </button>
        ))}
      </div>
    </div>
  )
}

interface ChartBodyProps {
  data: ChartData | null
  fault: string | null
  hasSeries: boolean
  change: (next: Partial<ChartState>) => void
}

const heightMin = 260
const heightMax = 560
/** What stands above and below the chart. */
const aroundPx = 330

function ChartBody({ data, fault, hasSeries, change }: ChartBodyProps) {
  if (!hasSeries) return <p class="empty">Add a series: a topic and one of its numbers.</p>
  if (fault !== null) return <p class="empty bad-text">{fault}</p>
  if (!data) return <p class="empty">Loading…</p>
  const names = data.series.map(({ name }) => `${harmless(name.topic, 60)} ${harmless(name.field, 40)}`)
  return (
    <div class="chart-body">
      {data.times.length === 0 && <p class="chart-note quiet">No readings in this range.</p>}
      <Plot
        data={data}
        height={Math.max(heightMin, Math.min(heightMax, innerHeight - aroundPx))}
        label={`Chart of ${names.join(', ')}`}
        onZoom={({ from, to }) => change({ from: String(from), to: String(to) })}
      />
    </div>
  )
}
