// Taking readings away for good: counted first, then asked about, then gone.

import { useSignal } from '@preact/signals'
import { ask, messageOf } from '../api.ts'
import { Confirm } from '../parts/dialog.tsx'
import { FilterInput } from '../parts/filterInput.tsx'
import { tell } from '../parts/toast.tsx'
import { formatBytes, formatTime, harmless, plural } from '../words.ts'
import { encodeSearch } from './rules.tsx'

interface Counted {
  topic: string
  readings: number
  bytes: number
  to: string
}

const ages = [
  ['-7d', 'a week'],
  ['-30d', '30 days'],
  ['-90d', '90 days'],
  ['-1y', 'a year'],
  ['now', 'now: all of them'],
] as const

const remove = (search: Record<string, string>): Promise<Omit<Counted, 'topic'>> =>
  ask(`/api/v1/readings?${encodeSearch(new URLSearchParams(search))}`, { method: 'DELETE' })

export function RemovalCard({ onRemoved }: { onRemoved: () => void }) {
  const counted = useSignal<Counted | null>(null)
  const isAsking = useSignal(false)
  const fault = useSignal<string | null>(null)
  const count = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault()
    const form = event.currentTarget as HTMLFormElement
    const topic = form.querySelector<HTMLInputElement>('input')?.value.trim() ?? ''
    const to = form.querySelector('select')?.value ?? '-1y'
    counted.value = null
    fault.value = null
    try {
      counted.value = { topic, ...(await remove({ topic, to, dry_run: '1' })) }
    } catch (error) {
      fault.value = messageOf(error)
    }
  }
  const removeCounted = async ({ topic, to, readings }: Counted): Promise<void> => {
    try {
      const gone = await remove({ topic, to, confirm: String(readings) })
      tell(`${plural(gone.readings, 'reading')} removed.`)
      counted.value = null
      onRemoved()
    } catch (error) {
      counted.value = null
      fault.value = messageOf(error)
    }
  }
  const found = counted.value
  return (
    <section class="card" aria-labelledby="removal-title">
      <h2 id="removal-title">
        Remove readings <span class="quiet small">counted first; what is removed does not come back</span>
      </h2>
      <RemovalForm onSubmit={count} />
      <p class="fault" role="alert">
        {fault.value}
      </p>
      <div role="status">
        {found === null ? null : <Found {...found} onRemove={() => (isAsking.value = true)} />}
      </div>
      {isAsking.value && found !== null ? (
        <Confirm
          title="Remove readings for good"
          text={
            <>
              {plural(found.readings, 'reading')} of <bdi>{harmless(found.topic, 120)}</bdi> before{' '}
              {formatTime(found.to)}. They do not come back.
            </>
          }
          action="Remove for good"
          onYes={() => void removeCounted(found)}
          onClose={() => (isAsking.value = false)}
        />
      ) : null}
    </section>
  )
}

function Found({ readings, bytes, to, onRemove }: Counted & { onRemove: () => void }) {
  return (
    <div class="actions">
      <span>
        <strong>{plural(readings, 'reading')}</strong>, {formatBytes(bytes)} of payload, before{' '}
        {formatTime(to)}
      </span>
      <button type="button" class="danger" disabled={readings === 0} onClick={onRemove}>
        Remove them…
      </button>
    </div>
  )
}

function RemovalForm({ onSubmit }: { onSubmit: (event: SubmitEvent) => Promise<void> }) {
  return (
    <form class="form" onSubmit={(event) => void onSubmit(event)}>
      <FilterInput label="Readings of the topics" placeholder="home/#" isRequired />
      <label>
        Older than
        <select defaultValue="-1y">
          {ages.map(([value, text]) => (
            <option key={value} value={value} selected={value === '-1y'}>
              {text}
            </option>
          ))}
        </select>
      </label>
      <button type="submit">Count</button>
    </form>
  )
}
