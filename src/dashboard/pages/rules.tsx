// The cleaning rules: a draft with its faults in place, what it would make of the newest messages, and what was refused.

import { type Signal, useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { ApiError, ask, messageOf } from '../api.ts'
import { Editor, type Fault, faultsOf } from '../parts/editor.tsx'
import { FilterInput } from '../parts/filterInput.tsx'
import { tell } from '../parts/toast.tsx'
import { me } from '../session.ts'
import { plural } from '../words.ts'
import { Jobs } from './jobs.tsx'
import { PreviewList, type Preview } from './preview.tsx'
import { Rejects } from './rejects.tsx'

interface RulesInForce {
  version: string
  rules: { name: string; topic: string[] }[]
  text: string
}

const settleMs = 350
const previewMessages = 60
const type = 'application/yaml'

export function RulesPage() {
  const inForce = useSignal<RulesInForce | null>(null)
  const loadFault = useSignal<string | null>(null)
  useEffect(() => {
    ask<RulesInForce>('/api/v1/rules').then(
      (loaded) => (inForce.value = loaded),
      (error: unknown) => (loadFault.value = messageOf(error)),
    )
  }, [])
  return (
    <section class="page">
      <div class="head">
        <h1>Rules</h1>
        {inForce.value === null ? null : (
          <p class="quiet">
            {plural(inForce.value.rules.length, 'rule')} in force, version{' '}
            <code>{inForce.value.version}</code>
          </p>
        )}
      </div>
      {loadFault.value === null ? null : <p class="notice bad">{loadFault.value}</p>}
      {inForce.value === null ? null : (
        <Draft inForce={inForce.value} onSaved={(saved) => (inForce.value = saved)} />
      )}
      <Rejects />
      <Jobs />
    </section>
  )
}

/** Tried on stored messages a moment after the last key: that finds the faults too. */
function useTrial(
  text: string,
  filter: string,
  version: string,
): { faults: Signal<readonly Fault[]>; preview: Signal<Preview | null> } {
  const faults = useSignal<readonly Fault[]>([])
  const preview = useSignal<Preview | null>(null)
  useEffect(() => {
    const control = new AbortController()
    const tryDraft = async (): Promise<void> => {
      const search = new URLSearchParams({ limit: String(previewMessages) })
      if (filter.trim() !== '') search.set('topic', filter.trim())
      const path = `/api/v1/rules/preview?${encodeSearch(search)}`
      try {
        preview.value = await ask<Preview>(path, { method: 'POST', body: text, type, signal: control.signal })
        faults.value = []
      } catch (error) {
        if (error instanceof ApiError && error.status !== 0)
          faults.value = faultsOf(error.problems, error.message)
      }
    }
    const timer = setTimeout(() => void tryDraft(), settleMs)
    return () => {
      clearTimeout(timer)
      control.abort()
    }
  }, [text, filter, version])
  return { faults, preview }
}

function Draft({ inForce, onSaved }: { inForce: RulesInForce; onSaved: (saved: RulesInForce) => void }) {
  const text = useSignal(inForce.text)
  const filter = useSignal('')
  const { faults, preview } = useTrial(text.value, filter.value, inForce.version)
  const isBusy = useSignal(false)
  const mayReplace = me.value?.manages.rules === true
  const isChanged = text.value !== inForce.text
  const save = async (): Promise<void> => {
    isBusy.value = true
    try {
      onSaved(await ask<RulesInForce>('/api/v1/rules', { method: 'PUT', body: text.value, type }))
      tell('The rules are in force.')
    } catch (error) {
      if (error instanceof ApiError && error.code === 'bad_rules')
        faults.value = faultsOf(error.problems, error.message)
      tell(messageOf(error), true)
    } finally {
      isBusy.value = false
    }
  }
  return (
    <div class="rules">
      <section class="card" aria-labelledby="draft-title">
        <h2 id="draft-title">{isChanged ? 'Draft' : 'In force'}</h2>
        <Editor
          label="Cleaning rules, YAML"
          text={text.value}
          faults={faults.value}
          onInput={(next) => (text.value = next)}
        />
        {mayReplace ? null : (
          <p class="quiet">
            No rules file is configured (rules.file): a draft can be tried here, not put in force.
          </p>
        )}
        <div class="actions">
          <button
            type="button"
            class="primary"
            disabled={!mayReplace || !isChanged || isBusy.value || faults.value.length > 0}
            onClick={() => void save()}
          >
            Put in force
          </button>
          <button type="button" disabled={!isChanged} onClick={() => (text.value = inForce.text)}>
            Discard the draft
          </button>
        </div>
      </section>
      <Trial filter={filter} preview={faults.value.length > 0 ? 'faulty' : preview.value} />
    </div>
  )
}

function Trial({ filter, preview }: { filter: Signal<string>; preview: Preview | null | 'faulty' }) {
  return (
    <section class="card" aria-labelledby="preview-title">
      <h2 id="preview-title">
        What it makes of the newest messages <span class="quiet small">nothing is changed</span>
      </h2>
      <FilterInput value={filter} />
      {preview === 'faulty' ? (
        <p class="quiet">A draft with faults is not tried.</p>
      ) : (
        <PreviewList preview={preview} />
      )}
    </section>
  )
}

/** The API takes + literally, so a space goes as %20. */
export function encodeSearch(search: URLSearchParams): string {
  return search.toString().replaceAll('+', '%20')
}
