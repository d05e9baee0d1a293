// What the rules refused in the last day, and why. The payloads are stored all the same.

import { ask } from '../api.ts'
import { usePoll } from '../poll.ts'
import { formatTime, formatWhen, harmless } from '../words.ts'
import type { CleanedReading } from './preview.tsx'
import { briefOf } from './topics/payload.ts'

type Reject = CleanedReading & { value?: unknown; payload_base64?: string }

const everyMs = 10_000

export function Rejects() {
  const load = (): Promise<{ data: Reject[]; has_more: boolean }> => ask('/api/v1/rejects?from=-1d&limit=100')
  const { data, fault } = usePoll(load, everyMs)
  const rows = data.value?.data ?? []
  return (
    <section class="card" aria-labelledby="rejects-title">
      <h2 id="rejects-title">
        Refused in the last day <span class="quiet small">stored with their payload, without fields</span>
      </h2>
      {fault.value === null ? null : <p class="fault">{fault.value}</p>}
      {data.value !== null && rows.length === 0 ? <p class="quiet">None.</p> : null}
      {rows.length === 0 ? null : (
        <div class="table-wrap" tabIndex={0} role="region" aria-label="Table of what was refused">
          <table>
            <thead>
              <tr>
                <th>Time</th>
                <th>Topic</th>
                <th>Why</th>
                <th>Payload</th>
              </tr>
            </thead>
            <tbody>
              {rows.map((row) => (
                <tr key={row.seq}>
                  <td>
                    <time dateTime={row.time} title={formatTime(row.time)}>
                      {formatWhen(row.time)}
                    </time>
                  </td>
                  <td>
                    <bdi>{harmless(row.topic, 120)}</bdi>
                  </td>
                  <td>
                    {harmless([row.refused?.rule, row.refused?.field].filter(Boolean).join(' · '), 120)}{' '}
                    <span class="bad-text">{harmless(row.refused?.reason ?? '', 160)}</span>
                  </td>
                  <td>
                    <code>
                      <bdi>{briefOf(row)}</bdi>
                    </code>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
          {data.value?.has_more === true ? <p class="quiet">There are more: GET /api/v1/rejects.</p> : null}
        </div>
      )}
    </section>
  )
}
