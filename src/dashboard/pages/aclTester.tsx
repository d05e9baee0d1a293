// "May this user read this topic, and which line says so?"

import { useSignal } from '@preact/signals'
import { ask, messageOf } from '../api.ts'
import { harmless } from '../words.ts'
import { encodeSearch } from './rules.tsx'

interface Verdict {
  allowed: boolean
  reason: string
  file: string | null
  line: number | null
  text: string | null
}

interface Answer {
  topic: string
  known: boolean
  read: Verdict
  write: Verdict
}

export function AclTester() {
  const answer = useSignal<Answer | null>(null)
  const fault = useSignal<string | null>(null)
  const submit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault()
    const form = event.currentTarget as HTMLFormElement
    const search = new URLSearchParams()
    for (const name of ['user', 'topic', 'client_id']) {
      const value = form.querySelector<HTMLInputElement>(`[name=${name}]`)?.value ?? ''
      if (value !== '') search.set(name, value)
    }
    fault.value = null
    try {
      answer.value = await ask<Answer>(`/api/v1/access?${encodeSearch(search)}`)
    } catch (error) {
      answer.value = null
      fault.value = messageOf(error)
    }
  }
  return (
    <section class="card" aria-labelledby="tester-title">
      <h2 id="tester-title">
        May they? <span class="quiet small">asks the ACL file</span>
      </h2>
      <form class="form" onSubmit={(event) => void submit(event)}>
        <Field name="user" label="User" placeholder="anonymous" />
        <Field name="topic" label="Topic" placeholder="home/kitchen/temperature" isNeeded />
        <Field name="client_id" label="Client id" placeholder="for patterns with %c" />
        <button type="submit" class="primary">
          Ask
        </button>
      </form>
      <p class="fault" role="alert">
        {fault.value}
      </p>
      <div role="status">
        {answer.value === null ? null : (
          <>
            {answer.value.known ? null : <p class="warn-text">There is no such account.</p>}
            <dl class="verdicts">
              <Shown name="Read and subscribe" verdict={answer.value.read} />
              <Shown name="Publish" verdict={answer.value.write} />
            </dl>
          </>
        )}
      </div>
    </section>
  )
}

function Field(props: { name: string; label: string; placeholder: string; isNeeded?: boolean }) {
  const { name, label, placeholder, isNeeded = false } = props
  return (
    <label>
      {label}
      <input
        name={name}
        required={isNeeded}
        placeholder={placeholder}
        autocomplete="off"
        spellcheck={false}
        autocapitalize="none"
      />
    </label>
  )
}

function Shown({ name, verdict: { allowed, reason, file, line, text } }: { name: string; verdict: Verdict }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        <strong class={allowed ? 'good-text' : 'bad-text'}>{allowed ? 'Yes' : 'No'}</strong>, {reason}
        {text === null ? null : (
          <code class="deciding">
            <span class="quiet">
              {harmless(file ?? '', 200)}:{line}
            </span>{' '}
            {harmless(text, 300)}
          </code>
        )}
      </dd>
    </div>
  )
}
