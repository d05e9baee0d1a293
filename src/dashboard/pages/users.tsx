// The accounts of the password file: add one, give one another password, take one away.

import { useSignal } from '@preact/signals'
import { ask, messageOf } from '../api.ts'
import { Confirm, Dialog } from '../parts/dialog.tsx'
import { attempt, tell } from '../parts/toast.tsx'
import { usePoll } from '../poll.ts'
import { me } from '../session.ts'
import { harmless } from '../words.ts'

interface User {
  name: string
  admin: boolean
  hash: string
  demo_password: boolean
}

const everyMs = 15_000
const pathOf = (name: string): string => `/api/v1/users/${encodeURIComponent(name)}`

export function UsersCard() {
  const { data, fault, refresh } = usePoll(() => ask<{ data: User[] }>('/api/v1/users'), everyMs)
  const changing = useSignal<string | null>(null)
  const removing = useSignal<string | null>(null)
  const isAdding = useSignal(false)
  const remove = async (name: string): Promise<void> => {
    await attempt(() => ask(pathOf(name), { method: 'DELETE' }), `${harmless(name, 60)} was removed.`)
    refresh()
  }
  return (
    <section class="card" aria-labelledby="users-title">
      <div class="head">
        <h2 id="users-title">Users</h2>
        <p class="quiet small">for MQTT and HTTP</p>
        <button type="button" class="at-end" onClick={() => (isAdding.value = true)}>
          Add a user…
        </button>
      </div>
      {fault.value === null ? null : <p class="fault">{fault.value}</p>}
      <UserTable
        users={data.value?.data ?? []}
        onChange={(name) => (changing.value = name)}
        onRemove={(name) => (removing.value = name)}
      />
      {isAdding.value ? (
        <PasswordDialog name={null} onDone={refresh} onClose={() => (isAdding.value = false)} />
      ) : null}
      {changing.value === null ? null : (
        <PasswordDialog name={changing.value} onDone={refresh} onClose={() => (changing.value = null)} />
      )}
      {removing.value === null ? null : (
        <Confirm
          title="Remove a user"
          text={
            <>
              <bdi>{harmless(removing.value, 80)}</bdi> is logged out everywhere and disconnected. What was
              stored stays.
            </>
          }
          action="Remove"
          onYes={() => void remove(removing.peek() ?? '')}
          onClose={() => (removing.value = null)}
        />
      )}
    </section>
  )
}

interface UserTableProps {
  users: readonly User[]
  onChange: (name: string) => void
  onRemove: (name: string) => void
}

function UserTable({ users, onChange, onRemove }: UserTableProps) {
  return (
    <div class="table-wrap">
      <table class="stacked">
        <thead>
          <tr>
            <th>Name</th>
            <th>Password</th>
            <th>
              <span class="visually-hidden">Actions</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {users.map(({ name, admin, hash, demo_password: isDemo }) => (
            <tr key={name}>
              <th scope="row">
                <bdi>{harmless(name, 80)}</bdi> {admin ? <span class="chip">manages the server</span> : null}
              </th>
              <td>
                {isDemo ? (
                  <span class="bad-text">known to everybody</span>
                ) : hash === 'plain' ? (
                  <span class="warn-text">in plain text</span>
                ) : (
                  <span class="quiet">{hash}</span>
                )}
              </td>
              <td class="act">
                <button
                  type="button"
                  aria-label={`New password for ${harmless(name, 80)}`}
                  onClick={() => onChange(name)}
                >
                  New password…
                </button>{' '}
                {name === me.value?.name ? null : (
                  <button
                    type="button"
                    class="danger"
                    aria-label={`Remove ${harmless(name, 80)}`}
                    onClick={() => onRemove(name)}
                  >
                    Remove…
                  </button>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

/** `name` null: a new user. */
function PasswordDialog({
  name,
  onDone,
  onClose,
}: {
  name: string | null
  onDone: () => void
  onClose: () => void
}) {
  const fault = useSignal<string | null>(null)
  const submit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault()
    const form = event.currentTarget as HTMLFormElement
    const valueOf = (field: string): string =>
      form.querySelector<HTMLInputElement>(`[name=${field}]`)?.value ?? ''
    const password = valueOf('new-password')
    if (password !== valueOf('repeat')) {
      fault.value = 'The two passwords differ.'
      return
    }
    try {
      if (name === null)
        await ask('/api/v1/users', { method: 'POST', json: { name: valueOf('name'), password } })
      else await ask(`${pathOf(name)}/password`, { method: 'PUT', json: { password } })
      tell(
        name === null
          ? `${harmless(valueOf('name'), 60)} was added.`
          : `${harmless(name, 60)} has another password.`,
      )
      onDone()
      onClose()
    } catch (error) {
      fault.value = messageOf(error)
    }
  }
  return (
    <Dialog title={name === null ? 'Add a user' : `New password for ${harmless(name, 60)}`} onClose={onClose}>
      <form class="form" onSubmit={(event) => void submit(event)}>
        {name === null ? (
          <label class="wide">
            Name
            <input name="name" required autocomplete="off" spellcheck={false} autocapitalize="none" />
          </label>
        ) : null}
        <label>
          Password
          <input name="new-password" type="password" required autocomplete="new-password" />
        </label>
        <label>
          Once more
          <input name="repeat" type="password" required autocomplete="new-password" />
        </label>
        {name !== null && name === me.value?.name ? (
          <p class="wide quiet">You log in again afterwards.</p>
        ) : null}
        <p class="fault wide" role="alert">
          {fault.value}
        </p>
        <div class="actions wide">
          <button type="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" class="primary">
            {name === null ? 'Add' : 'Change it'}
          </button>
        </div>
      </form>
    </Dialog>
  )
}
