// Making the fields of stored readings again over HTTP.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { startTestServer } from './server.ts'

const wrongUnit = 'rules:\n  - name: attic\n    topic: attic/#\n    fields: { t: { max: 50 } }\n'
const mended =
  'rules:\n  - name: attic\n    topic: attic/#\n    tags: { room: 2 }\n    fields: { t: { unit: "°F -> °C", max: 50, round: 1 } }\n'

let home: string
let server: Awaited<ReturnType<typeof startTestServer>>

beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), 'amber-jobs-'))
  const file = join(home, 'rules.yaml')
  writeFileSync(file, wrongUnit)
  server = await startTestServer({ rules: { file, profiles: [] } })
})

afterEach(async () => {
  await server.close()
  rmSync(home, { recursive: true, force: true })
})

interface Shown {
  id: string
  state: string
  [name: string]: unknown
}
const ask = async <T>(path: string, init: RequestInit & { user?: string } = {}) => {
  const answer = await server.ask(path, init)
  return { status: answer.status, body: (await answer.json()) as T }
}
const post = <T = Shown>(path: string, user = 'admin') => ask<T>(path, { method: 'POST', user })
const ended = async (id: string): Promise<Shown> => {
  for (;;) {
    const { body } = await ask<Shown>(`/api/v1/jobs/${id}`)
    if (body.state !== 'waiting' && body.state !== 'running') return body
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
const put = (body: string) =>
  server.ask('/api/v1/rules', { method: 'PUT', body, headers: { 'content-type': 'application/yaml' } })
const stored = async () =>
  (await ask<{ data: Record<string, unknown>[] }>('/api/v1/readings?from=-1h&order=asc')).body.data

test('a unit that was wrong is right for the past once the mended rules are put and it is reprocessed', async () => {
  await server.put('attic/north', '{"t":45}')
  await server.put('attic/north', '{"t":70}')
  await server.put('cellar', '{"t":70}')
  await put(mended)
  const { status, body } = await post('/api/v1/rules/reprocess?topic=attic/%23')
  expect(status).toBe(202)
  expect(await ended(body.id)).toMatchObject({
    kind: 'reprocess',
    state: 'done',
    total: 2,
    readings: 2,
    remade: 2,
    left: 0,
    progress: 1,
    error: null,
  })
  const [first, second, other] = await stored()
  const version = (await ask<{ version: string }>('/api/v1/rules')).body.version
  expect(first).toMatchObject({
    value: { t: 45 },
    fields: { t: 7.2 },
    units: { t: '°C' },
    tags: { room: 'north' },
  })
  expect(second).toMatchObject({ value: { t: 70 }, fields: { t: 21.1 }, rules: version })
  expect(second?.['refused']).toBeUndefined()
  expect(other).toMatchObject({ topic: 'cellar', value: { t: 70 } })
  expect((await ask('/api/v1/rejects')).body).toMatchObject({ data: [] })
})

test('a replay makes only what was refused', async () => {
  await server.put('attic/north', '{"t":45}')
  await server.put('attic/north', '{"t":70}')
  await put(mended)
  const { body } = await post('/api/v1/rejects/replay')
  expect(await ended(body.id)).toMatchObject({ kind: 'replay', state: 'done', readings: 2, remade: 1 })
  const [first, second] = await stored()
  expect(first).toMatchObject({ value: { t: 45 }, fields: { bytes: 8 } })
  expect(second).toMatchObject({ fields: { t: 21.1 } })
})

test('what cannot be made again on its own stays as it is and is counted', async () => {
  await server.put('senml', '[{"bn":"a","n":"t","t":1700000000,"v":1},{"n":"t","t":1700000060,"v":2}]')
  const before = await stored()
  const { body } = await post('/api/v1/rules/reprocess')
  expect(await ended(body.id)).toMatchObject({ state: 'done', readings: 3, remade: 0, left: 3 })
  expect(await stored()).toEqual(before)
})

test('jobs are listed newest first, and an ended one can be neither paused nor cancelled', async () => {
  const first = await post('/api/v1/rules/reprocess')
  await ended(first.body.id)
  const second = await post('/api/v1/rejects/replay?prefix=attic&from=-1d')
  await ended(second.body.id)
  const { body } = await ask<{ data: Shown[] }>('/api/v1/jobs')
  expect(body.data.map(({ id }) => id)).toEqual([second.body.id, first.body.id])
  for (const action of ['pause', 'resume', 'cancel']) {
    const answer = await post<{ code: string }>(`/api/v1/jobs/${first.body.id}/${action}`)
    expect([answer.status, answer.body.code]).toEqual([409, 'conflict'])
  }
})

test.each([
  ['/api/v1/rules/reprocess?from=yesterday', 400],
  ['/api/v1/rules/reprocess?topic=a/%23/b', 400],
  ['/api/v1/rules/reprocess?limit=1', 400],
  ['/api/v1/jobs/99/pause', 404],
])('%s is refused', async (path, status) => {
  expect((await post(path)).status).toBe(status)
})

test('only administrators see and start jobs', async () => {
  expect((await post('/api/v1/rules/reprocess', 'guest')).status).toBe(403)
  expect((await post('/api/v1/rejects/replay', 'guest')).status).toBe(403)
  expect((await ask('/api/v1/jobs', { user: 'guest' })).status).toBe(403)
  expect((await ask('/api/v1/jobs/1', { user: 'guest' })).status).toBe(403)
})
