// A query whose client has gone is ended: what reads the store stops, and its place is free for the next.

import { setImmediate as turn } from 'node:timers/promises'
import { afterEach, expect, test } from 'vitest'
import type { ReadingStore } from '../../src/store/store.ts'
import { startTestServer } from './server.ts'

let server: Awaited<ReturnType<typeof startTestServer>> | null = null
afterEach(() => server?.close())

interface Scans {
  begun: number
  stopped: number
}

const scanNames = new Set<string | symbol>(['range', 'aggregate', 'samples', 'steps'])

/** Scans that have no end of their own: each counts when it begins and when it is stopped. */
function endless(scans: Scans): (store: ReadingStore) => ReadingStore {
  const scan = async function* (_query: { signal?: AbortSignal }): AsyncGenerator<never[]> {
    scans.begun++
    try {
      for (;;) {
        await turn()
        yield []
      }
    } finally {
      scans.stopped++
    }
  }
  return (store) =>
    new Proxy(store, {
      get: (target, name) => (scanNames.has(name) ? scan : (Reflect.get(target, name) as unknown)),
    })
}

test.each([
  '/api/v1/readings?from=0',
  '/api/v1/aggregate?from=-1d',
  '/api/v1/export',
  '/api/v1/export?format=parquet',
  '/prometheus/api/v1/query?query=sum(t)',
  '/prometheus/api/v1/query?query=timestamp(t)',
  '/prometheus/api/v1/query_range?query=rate(t[5m])&start=0&end=1&step=1',
])('%s stops reading the store when its client goes away', async (path) => {
  const scans: Scans = { begun: 0, stopped: 0 }
  server = await startTestServer({ reads: endless(scans), limits: { query_concurrency: 1 } })
  for (let round = 1; round <= 3; round++) {
    const gone = new AbortController()
    const asked = server.ask(path, { signal: gone.signal }).then((answer) => answer.arrayBuffer())
    while (scans.begun < round) await turn()
    expect(scans.stopped).toBe(round - 1)
    gone.abort()
    await expect(asked).rejects.toThrow()
    while (scans.stopped < round) await turn()
  }
  // Its place is free: only one query may run.
  expect((await server.ask('/api/v1/latest')).status).toBe(200)
})

test('a query that takes too long is a 422, and stops reading the store', async () => {
  const scans: Scans = { begun: 0, stopped: 0 }
  server = await startTestServer({ reads: endless(scans), limits: { query_time_ms: 50 } })
  const answer = await server.ask('/api/v1/aggregate?from=-1d')
  expect(answer.status).toBe(422)
  expect(await answer.json()).toMatchObject({
    code: 'query_limit',
    detail: expect.stringContaining('query_time_ms'),
  })
  while (scans.stopped < 1) await turn()
})
