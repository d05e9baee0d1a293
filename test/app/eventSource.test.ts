// A real browser's EventSource on the real server, over a stop and over a kill: what was acknowledged arrives once, in order.
// A machine without Chromium runs a test that says so, loudly.

import { existsSync } from 'node:fs'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { chromium } from 'playwright-core'
import { afterEach, expect, test } from 'vitest'
import { account, type Home, makeHome, type TestServer } from './server.ts'

const executablePath = '/usr/bin/chromium'
const args = ['--no-sandbox', '--disable-background-networking', '--disable-gpu']

let home: Home | null = null
afterEach(() => home?.remove())

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}

interface Seen {
  values: number[]
  ids: number[]
  opened: number
}

/** Runs in the page: logs in, so that the cookie lets the stream in after every restart, and keeps what comes. */
async function follow({ username, password }: typeof account): Promise<void> {
  const body = JSON.stringify({ username, password })
  const headers = { 'content-type': 'application/json' }
  const answer = await fetch('/api/v1/session', { method: 'POST', headers, body })
  if (!answer.ok) throw new Error(await answer.text())
  const seen: Seen = { values: [], ids: [], opened: 0 }
  Object.assign(globalThis, { seen })
  const source = new EventSource('/api/v1/stream?prefix=plant&since=0')
  source.addEventListener('open', () => seen.opened++)
  source.addEventListener('message', (event) => {
    const { data, lastEventId } = event as { data: string; lastEventId: string } & Event
    seen.values.push((JSON.parse(data) as { value: number }).value)
    seen.ids.push(Number(lastEventId))
  })
}

/** The numbers the server gave. */
const given: number[] = []

async function publish(server: TestServer, from: number, count: number): Promise<void> {
  const headers = { 'content-type': 'application/json' }
  for (let n = from; n < from + count; n++) {
    const body = JSON.stringify({ topic: `plant/${n % 3}`, payload_json: n })
    const response = await server.request('/api/v1/publish', { method: 'POST', headers, body })
    expect(response.status).toBe(200)
    given.push(((await response.json()) as { seq: number }).seq)
  }
}

if (existsSync(executablePath)) {
  test('a browser sees every acknowledged reading once over a restart and over kill -9', async () => {
    home = makeHome()
    const flags = [`--http.port=${await freePort()}`]
    let server = await home.start(flags)
    const browser = await chromium.launch({ executablePath, args })
    try {
      const page = await browser.newPage()
      await page.goto(`http://127.0.0.1:${server.httpPort}/healthz`)
      await publish(server, 0, 20)
      await page.evaluate(follow, account)
      const arrived = (count: number) =>
        page.waitForFunction(
          (least) => (globalThis as unknown as { seen: Seen }).seen.values.length >= least,
          count,
        )
      await arrived(20)
      await publish(server, 20, 30)
      await server.stop()
      server = await home.start(flags)
      // The browser comes back in a second; these may be stored before.
      await publish(server, 50, 30)
      await arrived(80)
      await publish(server, 80, 40)
      await server.kill()
      server = await home.start(flags)
      await publish(server, 120, 30)
      await arrived(150)
      const seen = await page.evaluate(() => (globalThis as unknown as { seen: Seen }).seen)
      expect(seen.values).toEqual(Array.from({ length: 150 }, (_one, at) => at))
      expect(seen.ids).toEqual(given)
      expect(seen.opened).toBeGreaterThanOrEqual(3)
    } finally {
      await browser.close()
    }
  })
} else {
  console.warn('EVENTSOURCE NOT SHOWN IN A BROWSER: chromium missing; apt-get install chromium')
  test('could not run: chromium missing', () => expect(existsSync(executablePath)).toBe(false))
}
