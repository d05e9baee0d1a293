// The house that `amber demo` plays: believable, the same each time for its past, and published by real clients.

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pino from 'pino'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { startApp } from '../../src/app.ts'
import { run } from '../../src/cli.ts'
import { createDevices } from '../../src/cli/demo/devices.ts'
import { historyOf } from '../../src/cli/demo/history.ts'
import { loadConfig } from '../../src/config/load.ts'
import { decodeFields } from '../../src/ingest/decode/decode.ts'
import { amber, createIo } from './io.ts'
import { useServer } from './server.ts'

const served = useServer()
const flags = (): string[] => [
  '-h',
  '127.0.0.1',
  '-p',
  served.mqttPort,
  '-u',
  'ann',
  '-P',
  'S3cret',
  '--url',
  served.url,
]
const ask = async (path: string): Promise<Record<string, unknown>[]> => {
  const headers = { authorization: `Basic ${btoa('ann:S3cret')}` }
  return (
    (await (await fetch(`${served.url}${path}`, { headers })).json()) as { data: Record<string, unknown>[] }
  ).data
}
const dayMs = 86_400_000
const noon = Date.parse('2026-06-21T12:00:00')

describe('the devices', () => {
  const { devices, clients } = createDevices(8)
  const dayOf = (topic: string): Record<string, unknown>[] =>
    Array.from({ length: 1440 }, (_one, minute) => noon - (noon % dayMs) + minute * 60_000).flatMap((time) =>
      devices
        .flatMap(({ at }) => at(time))
        .filter((message) => message.topic === topic)
        .map(({ payload }) => ({ ...decodeFields(topic, Buffer.from(payload)) })),
    )

  test('each speaks through a client that is there', () => {
    expect(devices.filter(({ clientId }) => !clients.some(({ id }) => id === clientId))).toEqual([])
    expect(new Set(devices.flatMap(({ at }) => at(noon)).map(({ topic }) => topic)).size).toBeGreaterThan(12)
  })

  test('a day has its curve: warm in the afternoon, sun by day, none at night', () => {
    const kitchen = dayOf('zigbee2mqtt/kitchen').map(({ temperature }) => Number(temperature))
    expect(Math.max(...kitchen) - Math.min(...kitchen)).toBeGreaterThan(2)
    expect(Math.min(...kitchen)).toBeGreaterThan(14)
    expect(Math.max(...kitchen)).toBeLessThan(28)
    const sun = dayOf('solar/inverter').map((fields) => Number(fields['ac.power_w']))
    expect(Math.max(...sun)).toBeGreaterThan(3000)
    expect(sun.filter((watts) => watts === 0).length).toBeGreaterThan(400)
  })

  test('the faults of real ones occur, now and then', () => {
    const share = (values: unknown[], isOdd: (value: unknown) => boolean): number =>
      values.filter(isOdd).length / values.length
    const humidity = dayOf('zigbee2mqtt/bathroom').map((fields) => fields['humidity'])
    const probe = dayOf('tele/fridge/SENSOR').map((fields) => fields['DS18B20.Temperature'])
    const clock = dayOf('tele/washer/SENSOR').map((fields) => String(fields['Time']))
    const asleep = dayOf('solar/inverter').map((fields) => fields['temperature_c'])
    for (const odd of [
      share(humidity, (value) => value === undefined),
      share(probe, (value) => value === 85),
      share(clock, (value) => String(value).startsWith('1970')),
    ]) {
      expect(odd).toBeGreaterThan(0)
      expect(odd).toBeLessThan(0.1)
    }
    expect(asleep).toContain(65535)
  })

  test('the past is the same each time, and in order', async () => {
    const lines = async (): Promise<string> => {
      let text = ''
      for await (const piece of historyOf(devices, noon - dayMs, noon)) text += String(piece)
      return text
    }
    const first = await lines()
    expect(await lines()).toBe(first)
    const times = first
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { time: string }).time)
    expect(times.length).toBeGreaterThan(20_000)
    expect(times).toEqual(times.toSorted())
  })
})

test('a past is stored once, then the devices publish by MQTT until their time is over', async () => {
  const first = await amber(['demo', ...flags(), '--history', '2h', '--rate', '100', '--for', '1s'])
  expect(first.code, first.err).toBe(0)
  expect(Number((JSON.parse(first.out) as { published: number }).published)).toBeGreaterThan(50)
  expect(first.err).toMatch(/the past: 1\d\d\d readings stored, 0 there already/)
  const latest = await ask('/api/v1/latest?topic=zigbee2mqtt/kitchen')
  expect(latest[0]).toMatchObject({ client_id: 'zigbee2mqtt', qos: 1 })
  expect(Date.now() - Date.parse(String(latest[0]?.['time']))).toBeLessThan(60_000)
  const online = await ask('/api/v1/readings?topic=tele/%2B/LWT&order=asc')
  expect(online.map(({ value }) => value)).toEqual([
    'Online',
    'Online',
    'Online',
    'Offline',
    'Offline',
    'Offline',
  ])
  const again = await amber(['demo', ...flags(), '--history', '1h', '--for', '1s'])
  expect(again.err).toMatch(/the past: \d{1,2} readings stored, [6-9]\d\d there already/)
}, 30_000)

test('Ctrl+C ends it in good order', async () => {
  const { io, outcome, interrupt } = createIo()
  const done = run(
    ['demo', ...flags(), '--history', '0'],
    { serve: () => Promise.reject(new Error('none')) },
    io,
  )
  await vi.waitFor(() => expect(outcome().err).toContain('Ctrl+C ends it'), 10_000)
  interrupt()
  expect(await done).toBe(0)
})

test.each([
  ['before', true],
  ['in the same moment', false],
])('it ends also when the server goes %s', async (_when, isBefore) => {
  const directory = await mkdtemp(join(tmpdir(), 'amber-demo-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  await writeFile(join(directory, 'passwd'), 'ann:S3cret\n')
  const places = { 'mqtt.port': '0', 'http.port': '0', 'mqtt.host': '127.0.0.1', 'http.host': '127.0.0.1' }
  const paths = { 'store.path': join(directory, 'data'), 'auth.password_file': join(directory, 'passwd') }
  const config = loadConfig({ flags: { ...places, ...paths }, env: {}, cwd: directory })
  const app = await startApp(config, { log: pino({ level: 'silent' }), program: 'amber' })
  const { io, outcome, interrupt } = createIo()
  const to = ['-h', '127.0.0.1', '-p', String(app.mqtt.port), '-u', 'ann', '-P', 'S3cret', '--history', '0']
  const done = run(['demo', ...to], { serve: () => Promise.reject(new Error('none')) }, io)
  await vi.waitFor(() => expect(outcome().err).toContain('Ctrl+C ends it'), 10_000)
  const stopped = app.stop()
  if (isBefore) await stopped
  interrupt()
  expect(await done).toBe(0)
  await stopped
})

test.each([
  [['-P', 'wrong'], 1, /refused the user name or password/],
  [['-p', '1'], 1, /nothing listens there/],
  [['--rate', 'fast'], 2, /number above 0/],
  [['--rate', '0'], 2, /number above 0/],
  [['--history', '7'], 2, /12h, 7d or 0/],
  [['--devices', '1e9'], 2, /whole number/],
  [['--devices', '200000'], 2, /at most/],
  [['--url', 'localhost'], 2, /no.* address|not an address/],
] as const)('with %j it ends with %d and says what is wrong', async (more, code, words) => {
  const outcome = await amber(['demo', ...flags(), '--for', '1s', ...more])
  expect(outcome.code, outcome.err).toBe(code)
  expect(outcome.err).toMatch(words)
})
