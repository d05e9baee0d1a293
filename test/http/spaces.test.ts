// A `+` in an address: the wildcard where it stands alone in a level, else the space that forms, URLSearchParams and Python's
// requests write with it.

import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestServer } from './server.ts'

let server: Awaited<ReturnType<typeof startTestServer>>
beforeAll(async () => {
  server = await startTestServer()
  await server.put('living room/lamp 1/power', '5')
  await server.put('cellar/lamp/power', '7')
})
afterAll(() => server.close())

const topicsOf = async (path: string, search: Record<string, string> | string): Promise<string[]> => {
  const response = await server.ask(`${path}?${new URLSearchParams(search).toString()}`)
  expect(response.status).toBe(200)
  return ((await response.json()) as { data: { topic: string }[] }).data.map(({ topic }) => topic)
}

test('a space of a topic may come as a plus', async () => {
  expect(await topicsOf('/api/v1/latest', { topic: 'living room/lamp 1/power' })).toEqual([
    'living room/lamp 1/power',
  ])
  expect(await topicsOf('/api/v1/latest', { prefix: 'living room' })).toEqual(['living room/lamp 1/power'])
  expect(await topicsOf('/api/v1/topics', { q: 'room/lamp 1' })).toEqual(['living room/lamp 1/power'])
})

test('a plus alone in its level is the wildcard, written as it is or encoded', async () => {
  const all = ['cellar/lamp/power', 'living room/lamp 1/power']
  expect(await topicsOf('/api/v1/latest', { topic: '+/+/power' })).toEqual(all)
  const bare = await server.ask('/api/v1/latest?topic=+/+/power')
  expect(((await bare.json()) as { data: unknown[] }).data.length).toBe(2)
})

test.each(['a+/b', '+a/b', 'a/+b'])('%s is refused as ever', async (topic) => {
  expect((await server.ask(`/api/v1/latest?topic=${topic}`)).status).toBe(400)
})
