// Choosing a series: a topic by a part of its name, and one of its numbers.

import { useEffect, useState } from 'preact/hooks'
import { rows } from '../../listing.ts'
import { Dialog } from '../../parts/dialog.tsx'
import { usePoll } from '../../poll.ts'
import { harmless } from '../../words.ts'
import type { Series } from './series.ts'

interface PickerProps {
  onPick: (series: Series) => void
  onClose: () => void
}

interface Found {
  topic: string
  fields: { name: string; type: string }[]
}

const typingMs = 200
const foundMax = 50
const fieldsMax = 40

export function Picker({ onPick, onClose }: PickerProps) {
  const [typed, setTyped] = useState('')
  const [search, setSearch] = useState('')
  useEffect(() => {
    const timer = setTimeout(() => setSearch(typed), typingMs)
    return () => clearTimeout(timer)
  }, [typed])
  const { data } = usePoll(
    () => rows<Found>('/api/v1/topics', { q: search === '' ? undefined : search, limit: foundMax }),
    null,
    search,
  )
  const numeric = (data.value ?? []).flatMap(({ topic, fields }) => {
    const names = fields.filter(({ type }) => type === 'number').slice(0, fieldsMax)
    return names.length === 0 ? [] : [{ topic, names }]
  })
  return (
    <Dialog title="Add a series" onClose={onClose}>
      <input
        type="search"
        autofocus
        aria-label="Part of a topic"
        placeholder="Part of a topic"
        value={typed}
        onInput={(event) => setTyped(event.currentTarget.value)}
      />
      <ul class="picker" aria-label="Topics and their numbers">
        {numeric.map(({ topic, names }) => (
          <li key={topic}>
            <bdi>{harmless(topic)}</bdi>
            <span class="actions">
              {names.map(({ name }) => (
                <button key={name} type="button" class="tight" onClick={() => onPick({ topic, field: name })}>
                  {harmless(name, 60)}
                </button>
              ))}
            </span>
          </li>
        ))}
        {data.value !== null && numeric.length === 0 && <li class="quiet">Nothing with numbers found.</li>}
      </ul>
    </Dialog>
  )
}
