// What goes away by itself, and when the disk is full.

import { ask } from '../api.ts'
import { usePoll } from '../poll.ts'
import { formatBytes, formatCount, formatDuration, harmless, plural } from '../words.ts'

interface Amount {
  topics: number
  readings: number
  bytes: number
}

interface Retention {
  data: (Amount & { filter: string; max_age_s: number; max_bytes: number; rule: string | null })[]
  without: Amount
  max_bytes: number
  disk_bytes: number
  days_until_full: number | null
}

const everyMs = 15_000

export function RetentionCard() {
  const { data, fault } = usePoll(() => ask<Retention>('/api/v1/retention'), everyMs)
  const loaded = data.value
  return (
    <section class="card" aria-labelledby="retention-title">
      <h2 id="retention-title">
        How long readings are kept{' '}
        <span class="quiet small">cleaning rules, then store.retention: the first that fits holds</span>
      </h2>
      {fault.value === null ? null : <p class="fault">{fault.value}</p>}
      {loaded === null ? null : (
        <>
          <table class="stacked">
            <thead>
              <tr>
                <th>Topics</th>
                <th>Kept</th>
                <th class="number">Topics now</th>
                <th class="number">Readings</th>
                <th class="number">Payload</th>
              </tr>
            </thead>
            <tbody>
              {loaded.data.map(({ filter, max_age_s: age, max_bytes: bytes, rule, ...amount }, index) => (
                <Row
                  key={index}
                  name={harmless(filter, 120)}
                  kept={keptText(age, bytes) + (rule === null ? '' : ` (rule ${harmless(rule, 60)})`)}
                  amount={amount}
                />
              ))}
              <Row
                name={loaded.data.length === 0 ? 'All' : 'All others'}
                kept="for ever"
                amount={loaded.without}
              />
            </tbody>
          </table>
          <p class="quiet">
            {formatBytes(loaded.disk_bytes)} on disk
            {loaded.max_bytes === 0 ? '' : ` of at most ${formatBytes(loaded.max_bytes)}`}
            {fullText(loaded.days_until_full)}
          </p>
        </>
      )}
    </section>
  )
}

function Row({ name, kept, amount }: { name: string; kept: string; amount: Amount }) {
  return (
    <tr>
      <th scope="row">
        <bdi>{name}</bdi>
      </th>
      <td>{kept}</td>
      <td class="number" data-name="Topics">
        {formatCount(amount.topics)}
      </td>
      <td class="number" data-name="Readings">
        {formatCount(amount.readings)}
      </td>
      <td class="number" data-name="Payload">
        {formatBytes(amount.bytes)}
      </td>
    </tr>
  )
}

const daysOfTenYears = 3650

function fullText(days: number | null): string {
  if (days === null) return ''
  const when = days > daysOfTenYears ? 'more than ten years' : plural(Math.round(days), 'day')
  return `; full in ${when} at the pace of the last day`
}

function keptText(ageS: number, bytes: number): string {
  const parts = [
    ...(ageS === 0 ? [] : [`for ${formatDuration(ageS * 1000)}`]),
    ...(bytes === 0 ? [] : [`up to ${formatBytes(bytes)}`]),
  ]
  return parts.length === 0 ? 'for ever' : parts.join(', ')
}
