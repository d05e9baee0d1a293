// Who is logged in, and what they may: asked once, asked again when the server no longer knows the cookie.

import { effect, signal } from '@preact/signals'
import { ask, ApiError, refusals } from './api.ts'

export interface Me {
  kind: 'user' | 'anonymous' | 'token'
  name: string | null
  admin: boolean
  session_ends: string | null
  demo_password: boolean
  manages: { users: boolean; tokens: boolean; rules: boolean }
  server: { version: string; listeners: { protocol: string; tls: boolean; port: number }[] }
}

/** `undefined`: not asked yet; `null`: nobody. */
export const me = signal<Me | null | undefined>(undefined)

/** Somebody let in without a name wants to log in all the same. */
export const wantsLogin = signal(false)

let isAsking = false

export async function loadMe(): Promise<void> {
  if (isAsking) return
  isAsking = true
  try {
    me.value = await ask<Me>('/api/v1/me')
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) me.value = null
    else if (me.value === undefined) setTimeout(() => void loadMe(), 1000)
  } finally {
    isAsking = false
  }
}

export async function logIn(username: string, password: string): Promise<void> {
  await ask('/api/v1/session', { method: 'POST', json: { username, password } })
  await loadMe()
  wantsLogin.value = false
}

export async function logOut(): Promise<void> {
  try {
    await ask('/api/v1/session', { method: 'DELETE' })
  } finally {
    await loadMe()
  }
}

/** A request that was refused may mean that the session is over: who are we? */
export function watchRefusals(): void {
  effect(() => {
    if (refusals.value > 0 && me.peek()) void loadMe()
  })
}
