// Tags that rules give, as people ask by them: groups of an aggregate, labels of PromQL, and what a topic is listed with.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Value } from '@sinclair/typebox/value'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { aggregateSchema, pageOf, topicSchema } from '../../src/http/schemas.ts'
import { startTestServer } from './server.ts'

const rules = `rules:
  - name: rooms
    topic: home/+/+
    tags: { room: 2, device: 3, site: "attic & more" }
    fields: { t: { unit: "°C" } }
  - name: hosts
    topic: telegraf
    decode: influx-line
`
const start = Date.parse('2026-11-24T08:00:00Z')
const minute = 60_000
let home: string
let server: Awaited<ReturnType<typeof startTestServer>>

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'amber-tags-'))
  const file = join(home, 'rules.yaml')
  writeFileSync(file, rules)
  const fieldsOf = (_topic: string, payload: Uint8Array) => JSON.parse(String(payload)) as { t: number }
  server = await startTestServer({ rules: { file, profiles: [] }, fieldsOf })
  await server.put('home/kitchen/a', '{"t":20}', start)
  await server.put('home/kitchen/b', '{"t":22}', start + 1)
  await server.put('home/kitchen/b', '{"t":30}', start + 10 * minute)
  await server.put('home/hall/a', '{"t":10}', start)
  await server.put('bare', '{"t":1}', start)
  await server.put('telegraf', `cpu,host=one,time=x usage=1 ${start}000000`, start)
  await server.put(
    'telegraf',
    `cpu,host=two usage=5 ${start}000000\ncpu,host=one usage=3 ${start + 1}000000`,
    start,
  )
})
afterAll(async () => {
  await server.close()
  rmSync(home, { recursive: true, force: true })
})

const range = 'from=2026-11-24T08:00:00Z&to=2026-11-24T08:25:00Z'
const ask = async <T = { data: Record<string, unknown>[] }>(path: string): Promise<T> => {
  const answer = await server.ask(path)
  const text = await answer.text()
  expect(answer.status, text).toBe(200)
  return JSON.parse(text) as T
}
const aggregate = async (query: string): Promise<Record<string, unknown>[]> => {
  const answer = await ask(`/api/v1/aggregate?${range}&${query}`)
  expect(Value.Check(aggregateSchema, answer)).toBe(true)
  return answer.data.map(({ time: _time, ...row }) => row)
}

test('a level of the topic groups an aggregate, whatever the topics', async () => {
  expect(await aggregate('group=room&field=t&fn=mean,count,first,last,min,max,sum,p50,stddev')).toEqual([
    {
      room: 'hall',
      field: 't',
      mean: 10,
      count: 1,
      first: 10,
      last: 10,
      min: 10,
      max: 10,
      sum: 10,
      p50: 10,
      stddev: 0,
    },
    {
      room: 'kitchen',
      field: 't',
      mean: 21,
      count: 2,
      first: 20,
      last: 22,
      min: 20,
      max: 22,
      sum: 42,
      p50: 21,
      stddev: 1,
    },
    {
      room: 'kitchen',
      field: 't',
      mean: 30,
      count: 1,
      first: 30,
      last: 30,
      min: 30,
      max: 30,
      sum: 30,
      p50: 30,
      stddev: 0,
    },
    {
      room: null,
      field: 't',
      mean: 1,
      count: 1,
      first: 1,
      last: 1,
      min: 1,
      max: 1,
      sum: 1,
      p50: 1,
      stddev: 0,
    },
  ])
})

test('several tags make a group, as columns and as CSV', async () => {
  expect(await aggregate('group=room,device&topic=home/%23&field=t&every=1h&shape=columns&fn=max')).toEqual([
    { room: 'hall', device: 'a', field: 't', max: [10] },
    { room: 'kitchen', device: 'a', field: 't', max: [20] },
    { room: 'kitchen', device: 'b', field: 't', max: [30] },
  ])
  const csv = await server.ask(
    `/api/v1/aggregate?${range}&group=room&group=device&field=t&every=1h&format=csv&topic=home/%23`,
  )
  expect((await csv.text()).split('\r\n')).toEqual([
    'room,device,field,time,mean',
    'hall,a,t,2026-11-24T08:00:00.000Z,10',
    'kitchen,a,t,2026-11-24T08:00:00.000Z,20',
    'kitchen,b,t,2026-11-24T08:00:00.000Z,26',
    '',
  ])
})

test('tags that each line of one topic brings part its readings', async () => {
  expect(await aggregate('group=host&topic=telegraf&every=1h&fn=sum')).toEqual([
    { host: 'one', field: 'usage', sum: 4 },
    { host: 'two', field: 'usage', sum: 5 },
  ])
})

test('a tag called like a column stands beside it', async () => {
  expect(await aggregate('group=time&topic=telegraf&every=1h&fn=sum')).toEqual([
    { tag_time: 'x', field: 'usage', sum: 1 },
    { tag_time: null, field: 'usage', sum: 8 },
  ])
})

test.each(['constructor', '__proto__', 'toString'])(
  'nothing carries the tag %s by accident',
  async (name) => {
    expect(await aggregate(`group=${name}&topic=home/%23&field=t&every=1h&fn=count`)).toEqual([
      Object.assign(Object.create(null) as object, JSON.parse(`{"${name}":null,"field":"t","count":4}`)),
    ])
  },
)

test('topic and none go with nothing else', async () => {
  for (const group of ['topic,room', 'none,room', 'room,,device']) {
    const answer = await server.ask(`/api/v1/aggregate?${range}&group=${group}`)
    expect(answer.status).toBe(400)
    expect(await answer.json()).toMatchObject({ errors: [{ path: 'group' }] })
  }
})

test('more samples than allowed is said, not cut', async () => {
  const small = await startTestServer({ limits: { query_samples: 3 } })
  for (let at = 0; at < 4; at++) await small.put('open/a', String(at), start + at)
  const answer = await small.ask(`/api/v1/aggregate?${range}&group=room`)
  expect([answer.status, await answer.json()]).toMatchObject([422, { code: 'query_limit' }])
  await small.close()
})

test('a topic is listed with its tags and the units of its fields', async () => {
  const answer = await ask('/api/v1/topics?topic=home/%23')
  expect(Value.Check(pageOf(topicSchema), answer)).toBe(true)
  expect(answer.data.map(({ topic, fields, tags }) => ({ topic, fields, tags }))[1]).toEqual({
    topic: 'home/kitchen/a',
    fields: [{ name: 't', type: 'number', unit: '°C' }],
    tags: { room: 'kitchen', device: 'a', site: 'attic & more' },
  })
  const csv = await server.ask('/api/v1/topics?topic=home/hall/a&format=csv')
  expect(await csv.text()).toContain('"{""room"":""hall"",""device"":""a"",""site"":""attic & more""}"')
})

test.each([
  ['t{room="kitchen"}', ['a', 'b']],
  ['t{room!="kitchen",topic=~"home/.*"}', ['a']],
  ['t{room=~"k.*|none"}', ['a', 'b']],
  ['t{room!~"k.*"}', ['a', undefined]],
  ['t{room=""}', [undefined]],
])('PromQL %s selects by tags', async (query, devices) => {
  const time = (start + minute) / 1000
  const { data } = await ask<{ data: { result: { metric: Record<string, string> }[] } }>(
    `/prometheus/api/v1/query?query=${encodeURIComponent(query)}&time=${time}`,
  )
  expect(new Set(data.result.map(({ metric }) => metric['device']))).toEqual(new Set(devices))
  expect(data.result).toHaveLength(devices.length)
})

test('PromQL groups by tags and lists their values', async () => {
  const time = (start + minute) / 1000
  const { data } = await ask<{ data: { result: { value: [number, string] }[] } }>(
    `/prometheus/api/v1/query?query=${encodeURIComponent('sum by (room) (t{room!=""})')}&time=${time}`,
  )
  expect(data.result.sort((a, b) => Number(a.value[1]) - Number(b.value[1]))).toEqual([
    { metric: { room: 'hall' }, value: [time, '10'] },
    { metric: { room: 'kitchen' }, value: [time, '42'] },
  ])
  const around = `start=${start / 1000 - 60}&end=${start / 1000 + 3600}`
  const names = await ask<{ data: string[] }>(`/prometheus/api/v1/labels?${around}`)
  expect(names.data).toEqual(expect.arrayContaining(['room', 'device', 'site', 'host']))
  const values = await ask<{ data: string[] }>(`/prometheus/api/v1/label/room/values?${around}`)
  expect(values.data).toEqual(['hall', 'kitchen'])
})
