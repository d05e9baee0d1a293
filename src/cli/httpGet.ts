// One question to the HTTP API, its faults told in words, and where the next page is.

import { AppError } from '../domain/errors.ts'
import { printable } from '../domain/topic.ts'

export interface HttpDeps {
  authorization: string | undefined
  accept: string
  /** Sent by POST instead of GET. */
  body?: { type: string; text: string }
}

const timeoutMs = 60_000

export async function httpGet(
  url: URL,
  { authorization, accept, body }: HttpDeps,
): Promise<{ text: string; next: URL | null }> {
  const headers: Record<string, string> = { accept }
  if (authorization !== undefined) headers['authorization'] = authorization
  if (body) headers['content-type'] = body.type
  const sent = body ? { method: 'POST', body: body.text } : {}
  let response: Response
  let text: string
  try {
    response = await fetch(url, { ...sent, headers, signal: AbortSignal.timeout(timeoutMs) })
    text = await response.text()
  } catch (error) {
    throw new AppError('bad_request', `${url.origin}: ${fetchFault(error)}`, { cause: error })
  }
  if (response.status === 401) {
    throw new AppError(
      'unauthorized',
      authorization === undefined
        ? `${url.origin} wants to know who asks: -u NAME:PASSWORD`
        : `${url.origin} refused the user name or password`,
    )
  }
  if (!response.ok) throw new AppError('bad_request', `${url.origin}: ${detailOf(text, response)}`)
  return { text, next: nextOf(response.headers.get('link'), url) }
}

/** What went wrong below HTTP. */
export function fetchFault(error: unknown): string {
  if (error instanceof Error && error.name === 'TimeoutError') return 'no answer in time'
  const cause: unknown = error instanceof Error ? error.cause : undefined
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
  if (code === 'ECONNREFUSED')
    return 'nothing listens there; is the server running? Start it with: amber serve'
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 'there is no host by that name'
  return cause instanceof Error && cause.message !== '' ? cause.message : String(error)
}

function detailOf(text: string, response: Response): string {
  try {
    const problem = JSON.parse(text) as { detail?: unknown; title?: unknown }
    const detail = problem.detail ?? problem.title
    if (typeof detail === 'string') return printable(detail)
  } catch (error) {
    // Not from Amber, then: a proxy's page, of which the status says enough.
    if (!(error instanceof SyntaxError)) throw error
  }
  return `the answer is ${response.status} ${response.statusText}; is that an Amber server?`
}

/** The `rel="next"` of a Link header (RFC 8288). It must stay on the same server: it carries the password. */
function nextOf(link: string | null, base: URL): URL | null {
  const target = /<([^>]*)>\s*;\s*rel="?next"?/.exec(link ?? '')?.[1]
  if (target === undefined || !URL.canParse(target, base.href)) return null
  const next = new URL(target, base)
  next.protocol = base.protocol
  next.host = base.host
  return next
}
