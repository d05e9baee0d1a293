// Rules in a running server: a wrong unit refuses readings, the mended file puts later ones right, and nothing that was sent is lost.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import mqtt from 'mqtt'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { account, type Home, makeHome, type TestServer } from './server.ts'

const rules = (unit: string): string =>
  `rules:\n  - name: attic\n    topic: attic/+\n    tags: { room: 2 }\n    fields: { t: { ${unit}max: 50, round: 1 } }\n`

let home: Home
let server: TestServer
let file: string

beforeAll(async () => {
  home = makeHome()
  file = join(home.path, 'rules.yaml')
  writeFileSync(file, rules(''))
  server = await home.start([`--rules.file=${file}`])
})
afterAll(() => home.remove())

const rows = async (path: string) =>
  ((await (await server.request(path)).json()) as { data: Record<string, unknown>[] }).data

test('a reading that a rule refuses is kept with the reason; after the file is mended the next one is right', async () => {
  const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${server.mqttPort}`, account)
  await client.publishAsync('attic/north', '{"t":70}', { qos: 1 })
  const refused = { rule: 'attic', field: 't', reason: 'is above max 50' }
  const [first] = await rows('/api/v1/latest?topic=attic/north')
  expect(first).toMatchObject({ value: { t: 70 }, fields: {}, refused, tags: { room: 'north' } })
  expect(await rows('/api/v1/rejects')).toMatchObject([{ topic: 'attic/north', refused }])

  writeFileSync(file, rules('unit: "°F -> °C", '))
  await vi.waitFor(
    async () => {
      await client.publishAsync('attic/north', '{"t":70}', { qos: 1 })
      const [next] = await rows('/api/v1/latest?topic=attic/north')
      expect(next).toMatchObject({ value: { t: 70 }, fields: { t: 21.1 }, units: { t: '°C' } })
      expect(next?.['rules']).not.toBe(first?.['rules'])
    },
    { timeout: 30_000, interval: 200 },
  )
  await client.endAsync()
})

test('what was cleaned is the same after a restart', async () => {
  const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${server.mqttPort}`, account)
  await client.publishAsync('pack', '[{"bn":"d:a","bt":1700000000,"v":1},{"t":1,"v":2}]', { qos: 1 })
  await client.endAsync()
  const everything = '/api/v1/readings?from=2020-01-01&order=asc&limit=1000'
  const before = await rows(everything)
  expect(before.filter(({ topic }) => topic === 'pack')).toMatchObject([
    { time: '2023-11-14T22:13:20.000Z', fields: { 'd:a': 1 }, record: 2 },
    { time: '2023-11-14T22:13:21.000Z', fields: { 'd:a': 2 }, record: 1 },
    { value: [{ bn: 'd:a' }, { t: 1 }], fields: { 'd:a': 2 }, record: 0 },
  ])
  await server.kill()
  server = await home.start([`--rules.file=${file}`])
  expect(await rows(everything)).toEqual(before)
})

test('how long a rule keeps readings is in force with the rule, before store.retention', async () => {
  const body = 'rules:\n  - name: noise\n    topic: [debug/#, trace]\n    retention: 7d\n'
  const retention = async () =>
    (await rows('/api/v1/retention')).map(({ filter, max_age_s, rule, topics }) => [
      filter,
      max_age_s,
      rule,
      topics,
    ])
  await server.stop()
  server = await home.start([
    `--rules.file=${file}`,
    '--auth.admins=["tester"]',
    '--store.retention=[{"filter":"#","max_age_s":864000}]',
  ])
  expect(await retention()).toEqual([['#', 864_000, null, 2]])
  const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${server.mqttPort}`, account)
  await client.publishAsync('debug/a', '1', { qos: 1 })
  await client.endAsync()
  const headers = { 'content-type': 'application/yaml' }
  expect((await server.request('/api/v1/rules', { method: 'PUT', body, headers })).status).toBe(200)
  expect(await retention()).toEqual([
    ['debug/#', 604_800, 'noise', 1],
    ['trace', 604_800, 'noise', 0],
    ['#', 864_000, null, 2],
  ])
})
