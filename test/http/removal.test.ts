// Taking readings away over HTTP: only what was counted and confirmed, only by those who manage the server, and within the ACL.

import { afterEach, expect, test } from 'vitest'
import { startTestServer, type TestOptions } from './server.ts'

let server: Awaited<ReturnType<typeof startTestServer>>
afterEach(() => server.close())

const hour = 3_600_000
async function start(options: TestOptions = {}): Promise<void> {
  server = await startTestServer(options)
  const now = Date.now()
  for (let n = 0; n < 5; n++) await server.put('home/t', String(n), now - n * hour - 1000)
  await server.put('other/t', '1', now - 1000)
}
const remove = async (query: string, user = 'admin'): Promise<Record<string, unknown>> => {
  const response = await server.ask(`/api/v1/readings?${query}`, { method: 'DELETE', user })
  return { status: response.status, ...((await response.json()) as Record<string, unknown>) }
}

test('a dry run counts and removes nothing; confirmed, exactly that goes', async () => {
  await start()
  const dry = await remove('prefix=home&to=-90m&dry_run=1')
  expect(dry).toMatchObject({ status: 200, readings: 3, removed: false, from: null })
  expect(server.store.status.readings).toBe(6)
  const done = await remove(`prefix=home&to=${String(dry['to'])}&confirm=3`)
  expect(done).toMatchObject({ status: 200, readings: 3, removed: true })
  expect(server.store.status.readings).toBe(3)
  const left = (await (await server.ask('/api/v1/readings?from=-1d')).json()) as { data: { value: number }[] }
  expect(left.data.map(({ value }) => value)).toEqual(expect.arrayContaining([0, 1]))
})

test('without a first time readings from before 1970 are taken too', async () => {
  await start()
  await server.put('old/t', '1', -hour)
  await server.put('old/t', '2', Date.parse('0001-01-01T00:00:00Z'))
  expect(await remove('prefix=old&dry_run=1')).toMatchObject({ readings: 2, from: null })
  expect(await remove('prefix=old&confirm=2')).toMatchObject({ status: 200, removed: true })
  expect((await (await server.ask('/api/v1/topics?prefix=old')).json()) as object).toMatchObject({ data: [] })
})

test('a count that is not that of now removes nothing and says the new one', async () => {
  await start()
  const answer = await remove('topic=home/t&confirm=4')
  expect(answer).toMatchObject({
    status: 409,
    code: 'conflict',
    detail: expect.stringContaining('5 readings') as string,
  })
  expect(server.store.status.readings).toBe(6)
})

test.each([
  ['no topics', 'dry_run=1', 400],
  ['no confirmation', 'topic=%23', 400],
  ['a negative count', 'topic=%23&confirm=-1', 400],
  ['a count that is none', 'topic=%23&confirm=all', 400],
  ['a bad filter', 'topic=a/%23/b&dry_run=1', 400],
  ['a bad time', 'topic=%23&from=yesterday&dry_run=1', 400],
  ['an unknown parameter', 'topic=%23&dry-run=1&confirm=6', 400],
  ['dry_run=true', 'topic=%23&dry_run=true', 400],
])('with %s nothing is removed', async (_what, query, status) => {
  await start()
  expect((await remove(query)).status).toBe(status)
  expect(server.store.status.readings).toBe(6)
})

test('only those who manage the server may', async () => {
  await start()
  expect((await remove('topic=open/x&dry_run=1', 'guest')).status).toBe(403)
  expect((await server.ask('/api/v1/retention', { user: 'guest' })).status).toBe(403)
})

test('retention tells each entry, and how much it holds for', async () => {
  await start({ retention: () => [{ filter: 'home/#', max_age_s: 86_400, max_bytes: 0, rule: 'noise' }] })
  expect(await (await server.ask('/api/v1/retention')).json()).toMatchObject({
    data: [{ filter: 'home/#', max_age_s: 86_400, rule: 'noise', topics: 1, readings: 5, bytes: 5 }],
    without: { topics: 1, readings: 1, bytes: 1 },
    max_bytes: 0,
  })
})
