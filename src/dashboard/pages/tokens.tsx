// Bearer tokens for programs: made here, shown once, taken away.

import { useSignal } from '@preact/signals'
import { ask, messageOf } from '../api.ts'
import { Copyable } from '../parts/copy.tsx'
import { Confirm, Dialog } from '../parts/dialog.tsx'
import { attempt } from '../parts/toast.tsx'
import { usePoll } from '../poll.ts'
import { formatTime, harmless } from '../words.ts'

interface Token {
  name: string
  read: string[]
  write: string[]
  admin: boolean
  expires: string | null
}

const everyMs = 15_000

export function TokensCard() {
  const { data, fault, refresh } = usePoll(() => ask<{ data: Token[] }>('/api/v1/tokens'), everyMs)
  const isMaking = useSignal(false)
  const revoking = useSignal<string | null>(null)
  const revoke = async (name: string): Promise<void> => {
    const path = `/api/v1/tokens/${encodeURIComponent(name)}`
    await attempt(
      () => ask(path, { method: 'DELETE' }),
      `The token ${harmless(name, 60)} is worth nothing any more.`,
    )
    refresh()
  }
  const rows = data.value?.data ?? []
  return (
    <section class="card" aria-labelledby="tokens-title">
      <div class="head">
        <h2 id="tokens-title">Tokens</h2>
        <p class="quiet small">for programs, over HTTP</p>
        <button type="button" class="at-end" onClick={() => (isMaking.value = true)}>
          Make a token…
        </button>
      </div>
      {fault.value === null ? null : <p class="fault">{fault.value}</p>}
      {data.value !== null && rows.length === 0 ? <p class="quiet">None.</p> : null}
      {rows.length === 0 ? null : <TokenTable rows={rows} onRevoke={(name) => (revoking.value = name)} />}
      {isMaking.value ? <MakeToken onDone={refresh} onClose={() => (isMaking.value = false)} /> : null}
      {revoking.value === null ? null : (
        <Confirm
          title="Revoke a token"
          text={
            <>
              Programs that use <bdi>{harmless(revoking.value, 80)}</bdi> are refused from now on.
            </>
          }
          action="Revoke"
          onYes={() => void revoke(revoking.peek() ?? '')}
          onClose={() => (revoking.value = null)}
        />
      )}
    </section>
  )
}

function TokenTable({ rows, onRevoke }: { rows: readonly Token[]; onRevoke: (name: string) => void }) {
  return (
    <div class="table-wrap">
      <table class="stacked">
        <thead>
          <tr>
            <th>Name</th>
            <th>Reads</th>
            <th>Publishes to</th>
            <th>Ends</th>
            <th>
              <span class="visually-hidden">Actions</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map(({ name, read, write, admin, expires }) => (
            <tr key={name}>
              <th scope="row">
                <bdi>{harmless(name, 80)}</bdi> {admin ? <span class="chip">manages the server</span> : null}
              </th>
              <td data-name="Reads">
                <bdi>{harmless(read.join(', '), 160)}</bdi>
              </td>
              <td data-name="Publishes to">
                <bdi>{harmless(write.join(', '), 160)}</bdi>
              </td>
              <td data-name="Ends">{expires === null ? 'never' : formatTime(expires)}</td>
              <td class="act">
                <button
                  type="button"
                  class="danger"
                  aria-label={`Revoke ${harmless(name, 80)}`}
                  onClick={() => onRevoke(name)}
                >
                  Revoke…
                </button>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

const filtersOf = (text: string): string[] => text.split(/[\s,]+/).filter((one) => one !== '')

function MakeToken({ onDone, onClose }: { onDone: () => void; onClose: () => void }) {
  const made = useSignal<string | null>(null)
  const fault = useSignal<string | null>(null)
  const submit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault()
    const form = event.currentTarget as HTMLFormElement
    const valueOf = (name: string): string =>
      form.querySelector<HTMLInputElement | HTMLSelectElement>(`[name=${name}]`)?.value ?? ''
    const admin = form.querySelector<HTMLInputElement>('[name=admin]')?.checked === true
    const rights = { read: filtersOf(valueOf('read')), write: filtersOf(valueOf('write')), admin }
    try {
      const answer = await ask<{ token: string }>('/api/v1/tokens', {
        method: 'POST',
        json: { name: valueOf('name'), ...rights, expires: valueOf('expires') },
      })
      made.value = answer.token
      onDone()
    } catch (error) {
      fault.value = messageOf(error)
    }
  }
  if (made.value !== null) return <MadeToken token={made.value} onClose={onClose} />
  return (
    <Dialog title="Make a token" onClose={onClose}>
      <form class="form" onSubmit={(event) => void submit(event)}>
        <TokenFields />
        <p class="fault wide" role="alert">
          {fault.value}
        </p>
        <div class="actions wide">
          <button type="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" class="primary">
            Make it
          </button>
        </div>
      </form>
    </Dialog>
  )
}

function TokenFields() {
  return (
    <>
      <label>
        What it is for
        <input name="name" required maxLength={200} autocomplete="off" placeholder="grafana" />
      </label>
      <label>
        How long it lives
        <select name="expires">
          <option value="1d">a day</option>
          <option value="30d">30 days</option>
          <option value="90d" selected>
            90 days
          </option>
          <option value="1y">a year</option>
          <option value="never">without an end</option>
        </select>
      </label>
      <label class="wide">
        Topics it reads
        <input
          name="read"
          placeholder="home/#, solar/+"
          autocomplete="off"
          spellcheck={false}
          autocapitalize="none"
        />
      </label>
      <label class="wide">
        Topics it publishes to
        <input name="write" autocomplete="off" spellcheck={false} autocapitalize="none" />
      </label>
      <label class="check wide">
        <input type="checkbox" name="admin" /> It may manage the server: then it can give itself everything
      </label>
    </>
  )
}

function MadeToken({ token, onClose }: { token: string; onClose: () => void }) {
  return (
    <Dialog title="The new token" onClose={onClose}>
      <p>This is the only time it is shown.</p>
      <Copyable text={token} label="the new token" />
      <p class="quiet">
        A program sends it as <code>Authorization: Bearer …</code>
      </p>
      <div class="actions">
        <button type="button" class="primary" onClick={onClose}>
          I have it
        </button>
      </div>
    </Dialog>
  )
}
