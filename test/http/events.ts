// A reader of server-sent events for the tests: raw HTTP, so that it can be slow, and go, when a test says so.

import { type IncomingMessage, request } from 'node:http'

export interface Event {
  id: string
  event: string
  data: string
}

export interface Events {
  status: number
  events: Event[]
  /** Everything received, as text. */
  text(): string
  /** The last id, as a browser would send it. */
  lastId(): string
  until(isThere: (events: readonly Event[]) => boolean): Promise<void>
  ended: Promise<void>
  pause(): void
  resume(): void
  close(): void
}

export function openEvents(url: string, headers: Record<string, string> = {}): Promise<Events> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { headers, agent: false })
    asked.on('error', reject)
    asked.on('response', (response) => resolve(follow(response)))
    asked.end()
  })
}

function follow(response: IncomingMessage): Events {
  const events: Event[] = []
  const waiting = new Set<() => void>()
  let rest = ''
  let text = ''
  let lastId = ''
  response.setEncoding('utf8')
  response.on('data', (chunk: string) => {
    text += chunk
    const blocks = (rest + chunk).split('\n\n')
    rest = blocks.pop() ?? ''
    for (const block of blocks) {
      const found: Event = { id: '', event: 'message', data: '' }
      let hasData = false
      for (const line of block.split('\n')) {
        const [, name = '', value = ''] = /^(\w*): ?(.*)$/.exec(line) ?? []
        if (name === 'id') lastId = value
        if (name === 'event') found.event = value
        if (name === 'data') {
          found.data = value
          hasData = true
        }
      }
      if (hasData) events.push({ ...found, id: lastId })
    }
    for (const look of waiting) look()
  })
  const ended = new Promise<void>((resolve) => response.once('close', resolve))
  response.on('error', () => undefined)
  return {
    status: response.statusCode ?? 0,
    events,
    text: () => text,
    lastId: () => lastId,
    until: (isThere) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (!isThere(events)) return
          waiting.delete(look)
          resolve()
        }
        waiting.add(look)
        response.once('close', () => reject(new Error(`the stream ended after ${events.length} events`)))
        look()
      }),
    ended,
    pause: () => void response.pause(),
    resume: () => void response.resume(),
    close: () => void response.destroy(),
  }
}
