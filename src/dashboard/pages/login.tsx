// The way in: user and password of the password file.

import { useSignal } from '@preact/signals'
import { isReachable, messageOf } from '../api.ts'
import { Icon } from '../parts/icon.tsx'
import { logIn, me, wantsLogin } from '../session.ts'

export function LoginPage() {
  const fault = useSignal<string | null>(null)
  const isBusy = useSignal(false)
  const submit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault()
    const form = event.currentTarget as HTMLFormElement
    const valueOf = (name: string): string =>
      form.querySelector<HTMLInputElement>(`[name=${name}]`)?.value ?? ''
    isBusy.value = true
    fault.value = null
    try {
      await logIn(valueOf('username'), valueOf('password'))
    } catch (error) {
      fault.value = messageOf(error)
      form.querySelector<HTMLInputElement>('[name=password]')?.select()
    } finally {
      isBusy.value = false
    }
  }
  return (
    <main class="login">
      <form class="card" onSubmit={(event) => void submit(event)} aria-label="Log in">
        <h1>
          <Icon name="drop" /> Amber
        </h1>
        <p class="quiet">An MQTT broker that never forgets.</p>
        <label>
          User
          <input
            name="username"
            autocomplete="username"
            required
            autofocus
            spellcheck={false}
            autocapitalize="none"
          />
        </label>
        <label>
          Password
          <input name="password" type="password" autocomplete="current-password" required />
        </label>
        <p class="fault" role="alert">
          {isReachable.value ? fault.value : 'The server does not answer.'}
        </p>
        <button type="submit" class="primary" disabled={isBusy.value}>
          {isBusy.value ? 'Logging in…' : 'Log in'}
        </button>
        {me.value ? (
          <button type="button" onClick={() => (wantsLogin.value = false)}>
            Go on without a name
          </button>
        ) : null}
        <p class="quiet small">
          Accounts are those of the password file: <code>amber passwd passwd NAME</code>
        </p>
      </form>
    </main>
  )
}
