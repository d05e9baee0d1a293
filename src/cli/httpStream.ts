// One long request to the HTTP API, its body or its answer streamed and without a limit on time; faults told in words.

import { type IncomingMessage, request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { AppError } from '../domain/errors.ts'
import { printable } from '../domain/topic.ts'

export interface StreamRequest {
  authorization: string | undefined
  headers?: Record<string, string>
  body?: Readable
}

/** The answer when it is a good one. Throws an `AppError` with the server's own words otherwise. */
export async function httpStream(
  url: URL,
  { authorization, headers = {}, body }: StreamRequest,
): Promise<IncomingMessage> {
  const send = url.protocol === 'https:' ? requestHttps : requestHttp
  const login = authorization === undefined ? {} : { authorization }
  const request = send(url, { method: body ? 'POST' : 'GET', headers: { ...headers, ...login } })
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    request.once('response', resolve)
    request.once('error', reject)
  })
  // A server may refuse before it has taken everything: then its answer counts, not the broken pipe.
  const sent = body ? pipeline(body, request) : Promise.resolve(void request.end())
  let response: IncomingMessage
  try {
    const [first] = await Promise.all([answered, Promise.race([sent, answered])])
    response = first
  } catch (error) {
    request.destroy()
    throw new AppError('bad_request', `${url.origin}: ${faultText(error)}`, { cause: error })
  }
  sent.catch(() => request.destroy())
  if (response.statusCode === 200) return response
  throw new AppError('bad_request', `${url.origin}: ${await detailOf(response, authorization)}`)
}

async function detailOf(response: IncomingMessage, authorization: string | undefined): Promise<string> {
  if (response.statusCode === 401 && authorization === undefined) {
    return 'it wants to know who asks: -u NAME:PASSWORD, or AMBER_TOKEN'
  }
  let text = ''
  for await (const piece of response) {
    text += String(piece)
    if (text.length > 100_000) break
  }
  try {
    const { detail } = JSON.parse(text) as { detail?: unknown }
    if (typeof detail === 'string') return printable(detail)
  } catch (error) {
    // Not from Amber, then: a proxy's page, of which the status says enough.
    if (!(error instanceof SyntaxError)) throw error
  }
  return `the answer is ${response.statusCode}; is that an Amber server?`
}

function faultText(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'ECONNREFUSED')
    return 'nothing listens there; is the server running? Start it with: amber serve'
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 'there is no host by that name'
  return error instanceof Error ? error.message : String(error)
}
