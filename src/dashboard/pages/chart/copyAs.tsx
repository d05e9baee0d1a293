// What the chart shows, as something to run elsewhere: curl, PromQL, CSV, pandas.

import { useState } from 'preact/hooks'
import { urlOf } from '../../listing.ts'
import { Copyable } from '../../parts/copy.tsx'
import { Dialog } from '../../parts/dialog.tsx'
import { Icon } from '../../parts/icon.tsx'
import type { ChartState } from './page.tsx'
import { aggregateUrl, type Range } from './series.ts'

interface CopyAsProps {
  state: ChartState
  range: Range
  everyMs: number
  isRaw: boolean
}

export function CopyAs(props: CopyAsProps) {
  const [isOpen, setOpen] = useState(false)
  return (
    <>
      <button type="button" class="tight" onClick={() => setOpen(true)}>
        <Icon name="copy" /> Copy as…
      </button>
      {isOpen && (
        <Dialog title="Copy as" onClose={() => setOpen(false)}>
          {snippetsOf(props).map(({ label, text }) => (
            <section key={label} class="snippet">
              <h3>{label}</h3>
              <Copyable label={label} text={text} />
            </section>
          ))}
        </Dialog>
      )}
    </>
  )
}

const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`

/** Each runs as it is, once USER and PASSWORD are put in. */
export function snippetsOf({ state, range, everyMs, isRaw }: CopyAsProps): { label: string; text: string }[] {
  const { series } = state
  const base = location.origin
  const topics = [...new Set(series.map(({ topic }) => topic))]
  const fields = [...new Set(series.map(({ field }) => field))]
  const path = isRaw
    ? urlOf('/api/v1/readings', { topic: topics, fields: fields.join(','), ...range, order: 'asc' })
    : aggregateUrl(series, range, everyMs)
  const csv = isRaw
    ? urlOf('/api/v1/export', { topic: topics, fields: fields.join(','), ...range, format: 'csv' })
    : `${path.replace('&shape=columns', '').replace('&time=ms', '')}&format=csv`
  const promql = series
    .map(({ topic, field }) => {
      const metric = field.replaceAll(/[^a-zA-Z0-9_:]/g, '_').replace(/^(?=\d)/, '_')
      const selector = `${metric}{topic=${JSON.stringify(topic)},field=${JSON.stringify(field)}}`
      return isRaw ? selector : `avg_over_time(${selector}[${everyMs / 1000}s])`
    })
    .join('\n')
  return [
    { label: 'curl', text: `curl -s -u USER:PASSWORD ${quoted(base + path)}` },
    { label: 'PromQL', text: promql },
    { label: 'CSV', text: `curl -s -u USER:PASSWORD -o readings.csv ${quoted(base + csv)}` },
    {
      label: 'pandas',
      text: `import io, pandas, requests\n\nanswer = requests.get(${JSON.stringify(base + csv)}, auth=("USER", "PASSWORD"))\nanswer.raise_for_status()\nframe = pandas.read_csv(io.StringIO(answer.text), parse_dates=["time"])`,
    },
  ]
}
