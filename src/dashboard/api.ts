// The one way to the server: requests to its public HTTP API with the session cookie, errors in its own words, and whether it
// answers at all.

import { signal } from '@preact/signals'

export interface Problem {
  path: string
  message: string
}

/** What the server refused, as it says it. */
export class ApiError extends Error {
  readonly status: number
  readonly code: string
  readonly problems: readonly Problem[]

  constructor(status: number, code: string, detail: string, problems: readonly Problem[] = []) {
    super(detail)
    this.name = 'ApiError'
    this.status = status
    this.code = code
    this.problems = problems
  }
}

/** False while the server does not answer; heals by itself with the next request that gets through. */
export const isReachable = signal(true)
/** Counts refusals for want of a login; the session looks at it. */
export const refusals = signal(0)

export interface Ask {
  method?: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** Sent as JSON. */
  json?: unknown
  /** Sent as it is. */
  body?: string
  type?: string
  signal?: AbortSignal
}

export async function ask<T>(path: string, options: Ask = {}): Promise<T> {
  const text = await askText(path, options)
  return (text === '' ? undefined : JSON.parse(text)) as T
}

/** The answer as it is. */
export async function askText(
  path: string,
  { method = 'GET', json, body, type, signal }: Ask = {},
): Promise<string> {
  const response = await send(path, {
    method,
    headers: {
      // Tells the server that a page asks, so that the browser opens no password window over it.
      'x-requested-with': 'amber',
      ...(json === undefined ? {} : { 'content-type': 'application/json' }),
      ...(type === undefined ? {} : { 'content-type': type }),
    },
    ...(json === undefined ? {} : { body: JSON.stringify(json) }),
    ...(body === undefined ? {} : { body }),
    ...(signal === undefined ? {} : { signal }),
  })
  const text = await response.text()
  if (response.ok) return text
  throw problemOf(response.status, text)
}

async function send(path: string, init: RequestInit): Promise<Response> {
  let response: Response
  try {
    response = await fetch(path, { ...init, credentials: 'same-origin', cache: 'no-store' })
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error
    isReachable.value = false
    throw new ApiError(0, 'away', 'The server does not answer.')
  }
  isReachable.value = true
  if (response.status === 401) refusals.value++
  return response
}

function problemOf(status: number, text: string): ApiError {
  try {
    const { code, detail, errors } = JSON.parse(text) as {
      code?: string
      detail?: string
      errors?: Problem[]
    }
    return new ApiError(status, code ?? 'unknown', detail ?? text.slice(0, 200), errors ?? [])
  } catch {
    return new ApiError(status, 'unknown', `The server answered with ${status}.`)
  }
}

/** What to tell people of anything thrown. */
export function messageOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  return text === '' ? 'It failed.' : text[0]?.toUpperCase() + text.slice(1)
}
