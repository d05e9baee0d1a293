// Making the past again under the rules in force: starts jobs over stored readings, shows how far each is, and steers them.

import { useSignal } from '@preact/signals'
import { ask } from '../api.ts'
import { FilterInput } from '../parts/filterInput.tsx'
import { attempt } from '../parts/toast.tsx'
import { usePoll } from '../poll.ts'
import { formatCount, formatTime, formatWhen, harmless } from '../words.ts'

interface Job {
  id: string
  kind: 'reprocess' | 'replay'
  state: string
  topics: string[]
  total: number
  readings: number
  remade: number
  left: number
  progress: number
  created_at: string
  error: string | null
}

const everyMs = 1000
const shownMax = 5
const steps: Record<string, readonly string[]> = {
  waiting: ['pause', 'cancel'],
  running: ['pause', 'cancel'],
  paused: ['resume', 'cancel'],
  failed: ['resume'],
}

export function Jobs() {
  const filter = useSignal('')
  const { data, fault, refresh } = usePoll(() => ask<{ data: Job[] }>('/api/v1/jobs'), everyMs)
  const jobs = (data.value?.data ?? []).slice(0, shownMax)
  const start = async (path: string): Promise<void> => {
    const topic = filter.value.trim()
    const query = topic === '' ? '' : `?topic=${encodeURIComponent(topic)}`
    await attempt(() => ask(`${path}${query}`, { method: 'POST' }), 'The job goes on in the background.')
    refresh()
  }
  const act = async (id: string, step: string): Promise<void> => {
    await attempt(() => ask(`/api/v1/jobs/${id}/${step}`, { method: 'POST' }), null)
    refresh()
  }
  return (
    <section class="card" aria-labelledby="jobs-title">
      <h2 id="jobs-title">
        The past under these rules <span class="quiet small">payloads stay, fields are made again</span>
      </h2>
      {fault.value === null ? null : <p class="fault">{fault.value}</p>}
      <div class="actions">
        <FilterInput
          value={filter}
          label={<span class="visually-hidden">Topics of the job</span>}
          placeholder="Topic filter, or all"
        />
        <button type="button" onClick={() => void start('/api/v1/rejects/replay')}>
          Replay what was refused
        </button>
        <button type="button" onClick={() => void start('/api/v1/rules/reprocess')}>
          Reprocess everything
        </button>
      </div>
      <ul class="jobs">
        {jobs.map((job) => (
          <li key={job.id}>
            <JobLine job={job} onStep={(step) => void act(job.id, step)} />
          </li>
        ))}
      </ul>
    </section>
  )
}

function JobLine({ job, onStep }: { job: Job; onStep: (step: string) => void }) {
  const { id, kind, state, topics, total, readings, remade, left, progress, error } = job
  const name = `${kind === 'replay' ? 'Replay' : 'Reprocess'} ${id}`
  return (
    <div class="job">
      <span>
        <strong>{name}</strong>{' '}
        <bdi>{harmless(topics.length === 0 ? 'all topics' : topics.join(', '), 120)}</bdi>{' '}
        <time class="small quiet" dateTime={job.created_at} title={formatTime(job.created_at)}>
          {formatWhen(job.created_at)}
        </time>
      </span>
      <progress aria-label={name} max={1} value={progress} />
      <span class="small quiet">
        {state}: {formatCount(readings)} of {formatCount(total)} read, {formatCount(remade)} made again
        {left > 0 ? `, ${formatCount(left)} left as they are` : ''}
        {error === null ? '' : `; ${harmless(error, 200)}`}
      </span>
      <span class="actions">
        {(steps[state] ?? []).map((step) => (
          <button
            key={step}
            type="button"
            class="tight"
            aria-label={`${step} ${name}`}
            onClick={() => onStep(step)}
          >
            {step}
          </button>
        ))}
      </span>
    </div>
  )
}
