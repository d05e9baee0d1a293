// When a client was there over the last day, as a bar; and the same as a list, for reading.

import { now } from '../poll.ts'
import { formatDuration, formatTime, formatWhen, harmless } from '../words.ts'
import type { Client, PresenceEvent } from './clients.tsx'
import { staysOf } from './stays.ts'

export function Timeline(props: { client: Client; events: readonly PresenceEvent[]; spanMs: number }) {
  const { client, events, spanMs } = props
  const end = now.value
  const start = end - spanMs
  const bars = staysOf(client, events, end).filter(({ to }) => to > start)
  const share = bars.reduce((sum, { from, to }) => sum + to - Math.max(from, start), 0) / spanMs
  return (
    <svg
      class="timeline"
      viewBox="0 0 1000 10"
      preserveAspectRatio="none"
      role="img"
      aria-label={`connected ${Math.round(share * 100)} % of the last ${formatDuration(spanMs)}, ${bars.length} times`}
    >
      <rect class="timeline-back" width="1000" height="10" />
      {bars.map(({ from, to }) => {
        const x = (Math.max(from, start) - start) / spanMs
        // A short visit is seen all the same.
        const width = Math.max(0.003, (to - Math.max(from, start)) / spanMs)
        return (
          <rect
            key={from}
            class="timeline-bar"
            x={Math.min(x, 1 - width) * 1000}
            width={width * 1000}
            height="10"
          />
        )
      })}
    </svg>
  )
}

const shownMax = 32

export function EventList({ events }: { events: readonly PresenceEvent[] }) {
  if (events.length === 0) return <p class="quiet">Nothing is known.</p>
  return (
    <ol class="events">
      {events.slice(0, shownMax).map(({ time, event, reason, address }) => (
        <li key={`${time}${event}`}>
          <span class={event === 'connected' ? 'dot good' : 'dot'} aria-hidden="true" />
          <time dateTime={time} title={formatTime(time)}>
            {formatWhen(time)}
          </time>
          <span>
            {event === 'connected'
              ? `connected from ${harmless(address, 60)}`
              : harmless(reason ?? 'went', 200)}
          </span>
        </li>
      ))}
    </ol>
  )
}
