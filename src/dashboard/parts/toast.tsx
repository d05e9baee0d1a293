// Short notes at the edge of the page: what was done, what failed. Screen readers hear them.

import { signal } from '@preact/signals'
import { messageOf } from '../api.ts'
import { Icon } from './icon.tsx'

interface Toast {
  id: number
  text: string
  isBad: boolean
}

const shownMs = 6000
const toasts = signal<readonly Toast[]>([])
let nextId = 1

export function tell(text: string, isBad = false): void {
  const id = nextId++
  toasts.value = [...toasts.value.slice(-3), { id, text, isBad }]
  // What went wrong stays until it was read.
  if (!isBad) setTimeout(() => drop(id), shownMs)
}

/** Does something, and says how it went. */
export async function attempt(work: () => Promise<unknown>, done: string | null): Promise<boolean> {
  try {
    await work()
    if (done !== null) tell(done)
    return true
  } catch (error) {
    tell(messageOf(error), true)
    return false
  }
}

function drop(id: number): void {
  toasts.value = toasts.value.filter((toast) => toast.id !== id)
}

export function Toasts() {
  return (
    <div class="toasts" role="status" aria-live="polite">
      {toasts.value.map(({ id, text, isBad }) => (
        <p key={id} class={isBad ? 'toast bad' : 'toast'}>
          <span>{text}</span>
          <button type="button" class="icon" aria-label="Dismiss" onClick={() => drop(id)}>
            <Icon name="close" />
          </button>
        </p>
      ))}
    </div>
  )
}
