// Fields made again for the past while the server is killed: every reading is there once, as it was sent, and the job goes on.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Home, makeHome, type TestServer } from './server.ts'

let home: Home
let server: TestServer
let flags: string[]

const topics = 20
const each = 5000
const start = Date.parse('2026-11-01T00:00:00Z')

beforeAll(async () => {
  home = makeHome()
  const file = join(home.path, 'rules.yaml')
  writeFileSync(
    file,
    'rules:\n  - name: attic\n    topic: attic/+\n    fields: { t: { unit: "°F -> °C", round: 1 } }\n',
  )
  flags = [`--rules.file=${file}`, '--auth.admins=["tester"]']
  server = await home.start(flags)
})
afterAll(() => home.remove())

interface Job {
  id: string
  state: string
  readings: number
  total: number
}
const ask = async <T>(path: string, init?: RequestInit): Promise<T> => {
  const answer = await server.request(path, init)
  const text = await answer.text()
  expect(answer.ok, `${path}: ${answer.status} ${text}`).toBe(true)
  return JSON.parse(text) as T
}
const jobs = async (): Promise<Job[]> => (await ask<{ data: Job[] }>('/api/v1/jobs')).data

test('a job that is killed goes on where it was, and nothing is lost or there twice', {
  timeout: 120_000,
}, async () => {
  const line = (topic: number, n: number): string =>
    `{"topic":"attic/${topic}","time":"${new Date(start + n * 1000).toISOString()}","payload":"{\\"t\\":${32 + n}}"}\n`
  for (let topic = 0; topic < topics; topic++) {
    const body = Array.from({ length: each }, (_, n) => line(topic, n)).join('')
    const headers = { 'content-type': 'application/x-ndjson' }
    expect(await ask<object>('/api/v1/import', { method: 'POST', body, headers })).toMatchObject({
      imported: each,
    })
  }
  await ask('/api/v1/rules/reprocess?topic=attic/%23&from=2026-01-01T00:00:00Z', { method: 'POST' })
  let kills = 0
  for (;;) {
    const [job] = await jobs()
    if (job?.state === 'done') break
    expect(['waiting', 'running']).toContain(job?.state)
    // Somewhere in the middle, three times.
    if (job && job.readings > 0 && job.readings < job.total && kills < 3) {
      kills++
      await server.kill()
      server = await home.start(flags)
    }
  }
  expect(kills).toBeGreaterThan(0)
  for (let topic = 0; topic < topics; topic++) {
    const found = await ask<{ data: { value: { t: number }; fields: { t: number }; seq: number }[] }>(
      `/api/v1/readings?topic=attic/${topic}&from=2026-11-01T00:00:00Z&to=2026-11-02T00:00:00Z&order=asc&limit=10000`,
    )
    expect(found.data.map(({ value }) => value.t)).toEqual(Array.from({ length: each }, (_, n) => 32 + n))
    expect(found.data.map(({ fields }) => fields.t)).toEqual(
      Array.from({ length: each }, (_, n) => Number(((n * 5) / 9).toFixed(1))),
    )
    expect(new Set(found.data.map(({ seq }) => seq)).size).toBe(each)
  }
})
